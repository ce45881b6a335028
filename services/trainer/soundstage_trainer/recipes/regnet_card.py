"""What RegNet's card and page tell: figures beside answers without a net, what so few clips teach, and things to hear."""

from __future__ import annotations

from typing import Any

import numpy as np

from soundstage_trainer import card as cards
from soundstage_trainer.decode import read_sound
from soundstage_trainer.graphs.regnet_net import BANDS, HOPS_A_FRAME, VISUAL
from soundstage_trainer.recipes.common import OWN_LICENCE, milliseconds
from soundstage_trainer.regnet.audition import Audition
from soundstage_trainer.regnet.dataset import Clip
from soundstage_trainer.regnet.measures import MEAN, METHODS, METRICS, NEAREST, NET, Maker, Measured
from soundstage_trainer.run import Exported, Page, Row, Run, Sample, Sound, Table
from soundstage_trainer.run.clips import SPLITS
from soundstage_trainer.run.report import mel_picture

FRAME_RATE_HZ, SAMPLE_RATE_HZ = 21.5, 22_050
TRAINING_DATA = "the clips of this data set keep their own terms; no clip is contained, but so small a net may give back what it heard"
SHOWN = 5
FEW_SOURCES = 200


def card(run: Run, clips: list[Clip], parts: list[Measured], measured: list[dict[str, Any]], exported: Exported) -> dict[str, Any]:
    """Everything but what finish() adds."""
    given = {"visual": np.zeros((1, 215, VISUAL), np.float32)}
    speed = {
        "what": "ms for 10 s of video (215 frames), onnxruntime CPU, 2 threads",
        "value": round(milliseconds(exported.running, given), 1), "command": run.command(),
    }  # fmt: skip
    learned = [clip for clip in clips if clip.split == "train"]
    return {
        "name": "regnet",
        "version": run.version,
        "does": "The mel spectrum of what a silent video should sound like, from its frames and their motion.",
        "inputs": [
            cards.tensor(
                "visual", ["N", "T", VISUAL], "none",
                "21.5 frames a second, T >= 1 (215 for 10 s): the embedding of classifier of each frame, then that of flow_image's picture"
                " of the flow that led to it, at 160x96; the first frame's flow is zero",
            )
        ],
        "outputs": [cards.tensor("mel", ["N", "4*T", BANDS], "0..1", "as mel_22k's output mel: 4 hops of 256 samples a frame, for vocoder or griffin_lim")],
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "frame_rate_hz": FRAME_RATE_HZ,
        "hops_a_frame": HOPS_A_FRAME,
        "warm_up": {"N": 1, "T": 215},
        "dataset": f"{len(learned)} clips of {len({clip.source for clip in learned})} sources to learn from, version {run.dataset_version}",
        "splits": {split: _count([clip for clip in clips if clip.split == split]) for split in SPLITS},
        "parity": exported.parity,
        "measured": [*measured, speed],
        "scores": {part.split: {METHODS[name]: _rounded(values) for name, values in part.values.items()} for part in parts},
        "licence": {"model": OWN_LICENCE, "training_data": TRAINING_DATA},
        "source": "after Chen et al. 2020 (RegNet), written anew and trained here",
    }  # fmt: skip


def figures(part: Measured, by_both: dict[str, Any], command: str) -> list[dict[str, Any]]:
    """A split's figures as the card keeps them, through onnxruntime, the comparators beside them."""
    rows: list[dict[str, Any]] = [{**by_both, "command": command}]
    for name, (what, _) in METRICS.items():
        others = {method: values[name] for method, values in part.values.items() if method != NET}
        rows.append(
            {
                "what": f"{what}; {part.split}, {part.clips} clips of {part.sources} sources",
                "value": round(part.values[NET][name], 4),
                "comparator": "; ".join(f"{method}: {value:.4f}" for method, value in others.items()),
                "command": command,
            }
        )
    return rows


def page(run: Run, clips: list[Clip], parts: list[Measured], makers: dict[str, Maker]) -> Page:
    """Tables by metric, and clips of the test (else the validation) with the true, the made and the nearest sound."""
    tables = [
        Table(
            what, better,
            [Row(method, {part.split: part.values[method][name] for part in parts}, "model" if method == NET else "comparator") for method in makers],
            "Through onnxruntime.",
        )
        for name, (what, better) in METRICS.items()
        if parts
    ]  # fmt: skip
    audition = Audition(run.models)
    shown = next((members for split in ("test", "validation", "train") if (members := [c for c in clips if c.split == split])), [])
    return Page(
        title="What a silent picture sounds like",
        tables=tables,
        samples=[sample(clip, makers, audition) for clip in _of_many_kinds(shown)],
        limits=limits(clips, parts),
    )


def sample(clip: Clip, makers: dict[str, Maker], audition: Audition) -> Sample:
    made, nearest = makers[NET](clip), makers[NEAREST](clip)
    own = [Sound("its own sound", read_sound(clip.sound, SAMPLE_RATE_HZ)[: 256 * len(clip.mel)], SAMPLE_RATE_HZ)] if clip.sound else []
    return Sample(
        title=clip.label or clip.id,
        note=f"{clip.split}; sound by {audition.name}",
        items=[
            mel_picture("true", clip.mel), mel_picture("made", made), mel_picture("nearest training clip", nearest), *own,
            Sound("true spectrum", audition.sound(clip.mel), SAMPLE_RATE_HZ),
            Sound("made spectrum", audition.sound(made), SAMPLE_RATE_HZ),
            Sound("nearest training clip's spectrum", audition.sound(nearest), SAMPLE_RATE_HZ),
        ],
    )  # fmt: skip


def limits(clips: list[Clip], parts: list[Measured]) -> list[str]:
    """What this training cannot give, in sentences for the card and the page."""
    learned = [clip for clip in clips if clip.split == "train"]
    sources, labels = len({clip.source for clip in learned}), len({clip.label for clip in learned})
    said = []
    if sources < FEW_SOURCES:
        said.append(
            f"It learned from {len(learned)} clips of {sources} sources and {labels} labels; RegNet's authors had some 12,500 clips of"
            " 8 labels. It can know how loud and how bright such clips are on the whole, and the sources that it saw."
            " It cannot have learned what things sound like in general: expect a murmur without events on other videos."
        )
    for split in ("validation", "test"):
        if not any(part.split == split for part in parts):
            said.append(f"No clip is in the split {split}: nothing was measured there.")
    if not any(clip.split == "validation" for clip in clips):
        said.append("Without validation clips the weights of the last step were taken; they may fit the training clips too closely.")
    for part in parts:
        ours, mean = part.values[NET], part.values[MEAN]
        if ours["mel_l1"] >= mean["mel_l1"]:
            said.append(
                f"On {part.split} its spectrum is no closer to the truth than the mean spectrum of the training set"
                f" ({ours['mel_l1']:.4f} against {mean['mel_l1']:.4f})."
            )
        best = max(value["onset_f1_100ms"] for method, value in part.values.items() if method != NET)
        if ours["onset_f1_100ms"] <= best:
            said.append(
                f"On {part.split} onsets in its loudness meet the true ones no more often than those of another clip do"
                f" ({ours['onset_f1_100ms']:.2f} against {best:.2f}); for sounds in time with the picture use the engine palette."
            )
    return said


def _of_many_kinds(clips: list[Clip]) -> list[Clip]:
    kinds: dict[str, Clip] = {}
    for clip in clips:
        kinds.setdefault(clip.label or clip.id, clip)
    return list(kinds.values())[:SHOWN]


def _count(clips: list[Clip]) -> dict[str, int]:
    return {"clips": len(clips), "sources": len({clip.source for clip in clips})}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}
