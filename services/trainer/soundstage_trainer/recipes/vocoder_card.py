"""What the vocoder's card and page tell: figures beside Griffin-Lim, the sounds, and where it is no better."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from soundstage_trainer import card as cards
from soundstage_trainer.graphs.short_time import BANDS, HOP_SAMPLES, SAMPLE_RATE_HZ, WINDOW_SAMPLES
from soundstage_trainer.recipes.common import OWN_LICENCE
from soundstage_trainer.run import Exported, Page, Row, Run, Sample, Sound, Table
from soundstage_trainer.run.clips import SPLITS
from soundstage_trainer.run.report import Picture
from soundstage_trainer.vocoder.dataset import Recording
from soundstage_trainer.vocoder.losses import magnitude
from soundstage_trainer.vocoder.measures import METHODS, METRICS, NET, Maker, Measured, beaten

TRAINING_DATA = "the recordings of this data set keep their own terms; none is contained"
SHOWN, SHOWN_HOPS = 5, 345
PLENTY_S = 3600.0


def card(
    run: Run, recordings: list[Recording], clips: int, parts: list[Measured], measured: list[dict[str, Any]], exported: Exported
) -> dict[str, Any]:
    """Everything but what finish() adds. clips: as many as the data set lists, with sound or without."""
    learned = [recording for recording in recordings if recording.split == "train"]
    return {
        "name": "vocoder",
        "version": run.version,
        "does": "Sound from a mel spectrum: a trained net for the spectrum between the bands, ended by Griffin-Lim iterations.",
        "inputs": [cards.tensor("mel", ["N", "hops", BANDS], "0..1", "as mel_22k's output mel; hops >= 1")],
        "outputs": [cards.tensor("sound", ["N", "256*hops"], "-1..1", "mono, 22050 Hz; hop i is centred at sample 256 * i")],
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "hop_samples": HOP_SAMPLES,
        "warm_up": {"N": 1, "hops": 86},
        "dataset": (
            f"{len(learned)} recordings of {len({recording.source for recording in learned})} sources, {seconds(learned):.0f} s,"
            f" of {clips} clips; version {run.dataset_version}"
        ),
        "splits": {split: _count([recording for recording in recordings if recording.split == split]) for split in SPLITS},
        "parity": exported.parity,
        "measured": measured,
        "scores": {
            part.split: {METHODS[name]: {key: round(value, 4) for key, value in values.items()} for name, values in part.values.items()}
            for part in parts
        },
        "beats_griffin_lim": {part.split: beaten(part) for part in parts},
        "licence": {"model": OWN_LICENCE, "training_data": TRAINING_DATA},
        "source": "after Vocos (Siuzdak 2023) and Deep Griffin-Lim (Masuyama et al. 2019); written and trained here",
    }  # fmt: skip


def figures(part: Measured, by_both: dict[str, Any], command: str) -> list[dict[str, Any]]:
    """A split's figures as the card keeps them, the comparators beside them, all of one run."""
    rows: list[dict[str, Any]] = [{**by_both, "command": command}]
    for name, (what, _) in METRICS.items():
        others = [f"{method}: {values[name]:.4f}" for method, values in part.values.items() if method != NET]
        rows.append(
            {
                "what": f"{what}; {part.split}, {part.clips} clips of {part.sources} sources, {part.seconds:.0f} s",
                "value": round(part.values[NET][name], 4), "comparator": "; ".join(others), "command": command,
            }
        )  # fmt: skip
    return rows


def page(recordings: list[Recording], parts: list[Measured], makers: dict[str, Maker]) -> Page:
    tables = [
        Table(
            what, better,
            [Row(method, {part.split: part.values[method][name] for part in parts}, "model" if method == NET else "comparator") for method in makers],
            "The vocoder through onnxruntime, Griffin-Lim by PyTorch." if name == "times_real_time" else "",
        )
        for name, (what, better) in METRICS.items()
        if parts
    ]  # fmt: skip
    shown = next((members for split in ("test", "validation", "train") if (members := [r for r in recordings if r.split == split])), [])
    kinds = {recording.label or recording.id: recording for recording in reversed(shown)}
    return Page(
        title="From a mel spectrum to sound",
        tables=tables,
        samples=[sample(recording, makers) for recording in list(kinds.values())[:SHOWN]],
        limits=limits(recordings, parts),
    )


def sample(recording: Recording, makers: dict[str, Maker]) -> Sample:
    """The recording and what each made of its mel spectrum: spectra over the whole range, and players."""
    mel = recording.mel[:SHOWN_HOPS]
    sounds = {"the recording": recording.sound[: len(mel) * HOP_SAMPLES], **{method: make(mel) for method, make in makers.items()}}
    items: list[Picture | Sound] = []
    for label, sound in sounds.items():
        items += [Picture(label, decibels(sound), -100.0, 20.0), Sound(label, sound, SAMPLE_RATE_HZ)]
    return Sample(title=recording.label or recording.id, note=recording.split, items=items)


def decibels(sound: np.ndarray) -> np.ndarray:
    """Magnitude of every second bin in dB, the highest at the top: [257, frames]."""
    found = magnitude(torch.from_numpy(sound)[None], torch.hann_window(WINDOW_SAMPLES))[0].numpy()
    return 20 * np.log10(found[::-2])


def limits(recordings: list[Recording], parts: list[Measured]) -> list[str]:
    """What this training cannot give, in sentences for the card and the page."""
    learned = [recording for recording in recordings if recording.split == "train"]
    said = []
    if seconds(learned) < PLENTY_S:
        said.append(
            f"It learned from {seconds(learned):.0f} s of sound; vocoders are trained on a hundred hours. It knows how such sounds"
            " continue between the bands and above 7600 Hz; voices and clean tones come out rough."
        )
    for part in parts:
        lost = [METRICS[name][0] for name, won in beaten(part).items() if not won]
        if lost:
            said.append(f"On {part.split} it is no better than the better of both Griffin-Lims (32 and 60 iterations) in: {'; '.join(lost)}.")
    for split in ("validation", "test"):
        if not any(part.split == split for part in parts):
            said.append(f"No clip with sound is in the split {split}: nothing was measured there.")
    return said


def seconds(recordings: list[Recording]) -> float:
    return sum(len(recording.sound) for recording in recordings) / SAMPLE_RATE_HZ


def _count(recordings: list[Recording]) -> dict[str, float]:
    return {
        "clips": len(recordings), "sources": len({recording.source for recording in recordings}),
        "seconds": round(seconds(recordings), 1),
    }  # fmt: skip
