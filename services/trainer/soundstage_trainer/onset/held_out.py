"""How well a net does on the clips of a split that it was not trained on, by the very file that is served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnxruntime

from soundstage_trainer.onset import evaluation, training
from soundstage_trainer.onset.dataset import Clip
from soundstage_trainer.onset.scoring import metronome
from soundstage_trainer.onset.training import Scored

FEW_SOURCES, FEW_ONSETS = 10, 100


@dataclass(frozen=True)
class HeldOut:
    """rows: as evaluation.row makes them, for NET and what stands beside it. found: the net's onsets a clip."""

    split: str
    clips: list[Clip]
    rows: list[dict[str, object]]
    found: list[np.ndarray]

    def row(self, method: str) -> dict[str, object]:
        return next(row for row in self.rows if row["method"] == method)

    def f1(self, method: str, tolerance: str = "50ms") -> float:
        return float(self.row(method)[f"f1_{tolerance}"])


NET, DIFFERENCE, METRONOME = "onset net", "frame difference, best of 4x4", "metronome, 5 Hz"
METHODS = {NET: "onset_net", DIFFERENCE: "frame_difference", METRONOME: "metronome"}


def heard_by(running: onnxruntime.InferenceSession) -> Callable[[Clip], Scored]:
    """As training.heard, through onnxruntime."""

    def heard(clip: Clip) -> Scored:
        given = {"features": clip.features, "times_s": clip.times_s, "grid_s": training.grid_of(clip)}
        onset, peak = running.run(["onset", "peak"], given)
        return (*training.peak_times(onset, peak), clip.onsets_s)

    return heard


def struck(clips: list[Clip]) -> list[Clip]:
    """Those whose single onsets can be heard: they alone measure onsets."""
    return [clip for clip in clips if clip.entry.impact]


def measure(
    split: str, clips: list[Clip], heard: Callable[[Clip], Scored], threshold: float, difference_threshold: float
) -> HeldOut | None:
    """None where no struck clip of the split has an onset. Thresholds: chosen on clips of another split."""
    clips = struck(clips)
    if not any(len(clip.onsets_s) for clip in clips):
        return None
    found = [times[heights >= threshold] for times, heights, _ in map(heard, clips)]
    by_difference = [
        times[heights >= difference_threshold] for times, heights, _ in map(evaluation.difference_peaks, clips)
    ]  # fmt: skip
    rows = [
        evaluation.row(NET, found, clips),
        evaluation.row(DIFFERENCE, by_difference, clips),
        evaluation.row(METRONOME, [metronome(clip.duration_s) for clip in clips], clips),
    ]
    return HeldOut(split, clips, rows, found)


def limits(train: list[Clip], held_out: list[HeldOut], threshold_from: str) -> list[str]:
    """What these clips cannot tell, in sentences for the card and the page."""
    sources = len({clip.entry.source for clip in train})
    said = []
    if sources < FEW_SOURCES:
        said.append(f"It was trained on clips of only {sources} sources: expect it to know those rather than blows in general.")
    if threshold_from == "train":
        said.append(
            "The threshold was chosen on the clips that the net was trained on, for want of others; it is likely too high or too low."
        )
    splits = {part.split for part in held_out}
    for split in ("validation", "test"):
        if split not in splits:
            said.append(f"No clip with an onset is in the split {split}: nothing was measured there.")
    for part in held_out:
        row = part.row(NET)
        low, high = row["f1_50ms_90"]
        count = len({clip.entry.source for clip in part.clips})
        if count < FEW_SOURCES or int(row["onsets"]) < FEW_ONSETS:
            said.append(
                f"The split {part.split} holds {row['onsets']} onsets in {row['clips']} clips of {count} sources: too few for a firm figure; "
                f"by drawing sources again, F1 at ±50 ms lies anywhere from {low:.2f} to {high:.2f} (90 %)."
            )
        blind = part.row(METRONOME)
        if part.f1(NET) <= part.f1(METRONOME):
            said.append(
                f"On {part.split} it does no better than a metronome that does not look ({part.f1(NET):.2f} against {part.f1(METRONOME):.2f})."
            )
        elif low <= float(blind["f1_50ms_90"][1]):
            said.append(
                f"On {part.split} its interval overlaps that of a metronome that does not look: these clips do not tell the two apart."
            )
    return said
