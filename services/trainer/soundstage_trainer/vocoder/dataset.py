"""Sounds that the vocoder learns from: any recording will do, its mel spectrum is computed by the graph that is served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from soundstage_trainer import card
from soundstage_trainer.decode import read_sound
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session
from soundstage_trainer.graphs.short_time import BANDS, HOP_SAMPLES, SAMPLE_RATE_HZ
from soundstage_trainer.recipes.common import newest_version
from soundstage_trainer.run.clips import MOST_TOLD, ClipRow, clips_version, read_clips

FEATURE = "mel_22k"
FEWEST_HOPS = 32
LONGEST_S = 30.0
SILENCE = 1e-4  # what stays below at the end of a sound is padding


@dataclass(frozen=True)
class Recording:
    """sound float32 [256 · hops], −1..1, at 22,050 Hz; mel float32 [hops, 80], 0..1."""

    id: str
    source: str
    label: str
    split: str
    sound: np.ndarray
    mel: np.ndarray


def read_rows(data: Path) -> tuple[list[ClipRow], str]:
    """The clips that DATA/clips.jsonl lists, and the version of the data set."""
    rows = read_clips(data)
    return rows, clips_version(rows)


def load(rows: list[ClipRow], models: Path | None) -> list[Recording]:
    """Every clip's sound without the silence that pads its end.

    A clip without sound is left out of training, since a vocoder learns nothing from it. Raises SoundstageError
    ("bad_input") where a file cannot be read, or where no sound is left to train on.
    """
    graph: onnxruntime.InferenceSession | None = None
    found, problems = [], []
    for row in rows:
        try:
            sound = _sound(row)
            if sound is None:
                continue
            hops = len(sound) // HOP_SAMPLES
            if FEATURE in row.features and row.features[FEATURE].is_file():
                mel = row.feature(FEATURE)
            else:
                graph = graph or _mel_graph(models)
                mel = graph.run(["mel"], {"sound": sound[None]})[0][0]
            if mel.ndim != 2 or mel.shape[1] != BANDS or len(mel) < hops - 1 or not np.isfinite(mel).all():
                raise SoundstageError("bad_input", f"mel_22k of clip {row.id} has shape {mel.shape}, its sound {hops} hops.")
        except SoundstageError as problem:
            if problem.retryable or problem.code != "bad_input":
                raise
            problems.append(str(problem))
            continue
        hops = min(hops, len(mel))
        found.append(
            Recording(row.id, row.source, row.label, row.split, sound[: hops * HOP_SAMPLES], mel[:hops].astype(np.float32))
        )
    if problems:
        more = f" (and {len(problems) - MOST_TOLD} more)" if len(problems) > MOST_TOLD else ""
        raise SoundstageError("bad_input", " ".join(problems[:MOST_TOLD]) + more)
    if not any(recording.split == "train" for recording in found):
        raise SoundstageError("bad_input", "No clip of the split train is heard for half a second; there is nothing to learn from.")
    return found


def of_split(recordings: list[Recording], split: str) -> list[Recording]:
    return [recording for recording in recordings if recording.split == split]


def _sound(row: ClipRow) -> np.ndarray | None:
    """None where nothing is heard for FEWEST_HOPS."""
    sound = read_sound(row.sound or row.clip, SAMPLE_RATE_HZ, longest_s=LONGEST_S)
    if not np.isfinite(sound).all():
        raise SoundstageError("bad_input", f"The sound of clip {row.id} holds values that are no numbers.")
    heard = np.flatnonzero(np.abs(sound) > SILENCE)
    sound = sound[: heard[-1] + 1 if len(heard) else 0]
    return np.clip(sound, -1, 1) if len(sound) >= FEWEST_HOPS * HOP_SAMPLES else None


def _mel_graph(models: Path | None) -> onnxruntime.InferenceSession:
    version = newest_version(models / FEATURE) if models is not None else None
    if version is None:
        raise SoundstageError("bad_input", f"{models} holds no model mel_22k; make it by the recipe mel-22k.")
    card.read_card(models / FEATURE / version)
    return session(models / FEATURE / version / "model.onnx")
