"""What the page of an onset training shows: figures by split, and clips with what was heard and what was found."""

from __future__ import annotations

import numpy as np

from soundstage_trainer.decode import read_pictures, read_sound
from soundstage_trainer.onset import ground_truth, training
from soundstage_trainer.onset.dataset import Clip
from soundstage_trainer.onset.evaluation import Evaluation
from soundstage_trainer.onset.held_out import METHODS, NET, HeldOut, struck
from soundstage_trainer.run import Exported, Page, Picture, Row, Run, Sample, Sound, Table, Trace

SHOWN = 6
STRIP = 8  # frames of a clip in a row


def page(
    run: Run, clips: list[Clip], exported: Exported, threshold: float, result: Evaluation | None, parts: list[HeldOut],
    limits: list[str],
) -> Page:  # fmt: skip
    tables = []
    for tolerance in (50, 100):
        columns = {part.split: part for part in parts}
        rows = [
            Row(method, {name: part.f1(method, f"{tolerance}ms") for name, part in columns.items()}, "model" if method == NET else "comparator")
            for method in METHODS
        ]  # fmt: skip
        if result is not None:
            by_method = {str(line["method"]): line for line in result.rows}
            for row in rows:
                row.values["cross-validation"] = float(by_method[row.method][f"f1_{tolerance}ms"])
        if columns or result is not None:
            tables.append(Table(f"Onset F1 at ±{tolerance} ms", "higher", rows, "Through onnxruntime." if columns else ""))
    shown = [part for part in parts if part.split == "test"] or parts
    members = shown[0].clips if shown else struck(clips)
    split = shown[0].split if shown else "clips that were trained on"
    return Page(
        title="When a picture sounds",
        tables=tables,
        samples=[sample(run, clip, exported, threshold, split) for clip in spread(members)],
        limits=limits,
    )


def spread(clips: list[Clip]) -> list[Clip]:
    """Up to SHOWN clips with onsets, of as many kinds as possible."""
    kinds: dict[str, list[Clip]] = {}
    for clip in clips:
        if len(clip.onsets_s):
            kinds.setdefault(clip.entry.kind, []).append(clip)
    columns = [list(kind) for kind in kinds.values()]
    found: list[Clip] = []
    while any(columns) and len(found) < SHOWN:
        for column in columns:
            if column and len(found) < SHOWN:
                found.append(column.pop(0))
    return found


def sample(run: Run, clip: Clip, exported: Exported, threshold: float, split: str) -> Sample:
    """Frames, the chance of an onset over time with the true and the found ones, and the sound."""
    given = {"features": clip.features, "times_s": clip.times_s, "grid_s": training.grid_of(clip)}
    onset, peak = exported.running.run(["onset", "peak"], given)
    times_s, heights = training.peak_times(onset, peak)
    frames = read_pictures(run.data / clip.entry.clip).frames
    strip = np.concatenate([frames[i] for i in np.linspace(0, len(frames) - 1, STRIP).round().astype(int)], axis=1)
    heard = read_sound(run.data / (clip.entry.sound or clip.entry.clip), ground_truth.SAMPLE_RATE_HZ)
    return Sample(
        title=clip.entry.kind or clip.entry.clip,
        note=f"{split}, {len(clip.onsets_s)} onsets heard, {int((heights >= threshold).sum())} found",
        items=[
            Picture("frames", strip.astype(np.float32), 0.0, 255.0, "grey"),
            Trace("chance of an onset", onset, 1 / training.GRID_S, threshold, clip.onsets_s, times_s[heights >= threshold]),
            Sound("its own sound", heard[: int(clip.duration_s * ground_truth.SAMPLE_RATE_HZ)], ground_truth.SAMPLE_RATE_HZ),
        ],
    )
