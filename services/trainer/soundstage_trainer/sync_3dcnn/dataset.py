"""Clips as the 3D-CNN learns them: how the lips move at 15 frames a second, and MFCC of the sound of the same time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.graphs.lip_flow import SIDE
from soundstage_trainer.graphs.mfcc import FIRST, HOP_SAMPLES, LAST, SAMPLE_RATE_HZ
from soundstage_trainer.run.clips import MOST_TOLD, ClipRow, clips_version, read_clips

FEATURES = ("lip_flow", "mfcc")
FRAME_RATE_HZ = 15.0
HOP_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES
COEFFICIENTS = LAST - FIRST + 1
MOST_APART_S = 0.5  # that the picture and the sound of a clip may differ in length


@dataclass(frozen=True)
class Clip:
    """flow float32 [R, 32, 32], of neighbouring frames at 15 a second; mfcc float32 [H, 12], 105.3 hops a second; both from
    the same moment on. speaker: the clip's source."""

    id: str
    speaker: str
    split: str
    flow: np.ndarray
    mfcc: np.ndarray


def load(data: Path) -> tuple[list[Clip], str]:
    """The clips that DATA/clips.jsonl lists, and the version of the data set.

    Raises SoundstageError ("bad_input") that lists the clips whose features are of other shapes or not of the same time.
    """
    rows = read_clips(data, features=FEATURES)
    clips, problems = [], []
    for row in rows:
        try:
            clips.append(_clip(row))
        except SoundstageError as problem:
            problems.append(str(problem))
    if problems:
        more = f" (and {len(problems) - MOST_TOLD} more)" if len(problems) > MOST_TOLD else ""
        raise SoundstageError("bad_input", " ".join(problems[:MOST_TOLD]) + more)
    return clips, clips_version(rows, FEATURES)


def _clip(row: ClipRow) -> Clip:
    flow, mfcc = (row.feature(name) for name in FEATURES)
    for name, values, shape in (("lip_flow", flow, (SIDE, SIDE)), ("mfcc", mfcc, (COEFFICIENTS,))):
        if values.shape[1:] != shape or values.dtype.kind != "f":
            wanted = ", ".join(map(str, shape))
            raise SoundstageError(
                "bad_input", f"{name} of clip {row.id} is {values.dtype} {values.shape}, not float [rows, {wanted}]."
            )
        if not np.isfinite(values).all():
            raise SoundstageError("bad_input", f"{name} of clip {row.id} holds values that are no numbers; extract it again.")
    seen_s, heard_s = (len(flow) + 1) / FRAME_RATE_HZ, len(mfcc) / HOP_RATE_HZ
    if abs(seen_s - heard_s) > MOST_APART_S:
        raise SoundstageError(
            "bad_input",
            f"Clip {row.id} has {len(flow)} rows of lip_flow and {len(mfcc)} of mfcc: {seen_s:.1f} s at {FRAME_RATE_HZ:g} frames a"
            f" second and {heard_s:.1f} s of sound. Extract lip_flow with frame_rate {FRAME_RATE_HZ:g}.",
        )
    return Clip(row.id, row.source, row.split, flow.astype(np.float32), mfcc.astype(np.float32))


def hold_out(clips: list[Clip], share: float, seed: int) -> tuple[list[Clip], list[Clip], list[Clip]]:
    """Of every speaker's clips: those to learn from, those on which weights are chosen, and those on which a known speaker is
    measured. The latter two are the given share each, at least one of a speaker who has three or more clips."""
    learned: list[Clip] = []
    chosen: list[Clip] = []
    known: list[Clip] = []
    for speaker in sorted({clip.speaker for clip in clips}):
        own = sorted((clip for clip in clips if clip.speaker == speaker), key=lambda clip: clip.id)
        order = np.random.default_rng([seed, *speaker.encode()]).permutation(len(own))
        kept = max(1, round(share * len(own))) if share > 0 and len(own) >= 3 else 0
        chosen += [own[i] for i in order[:kept]]
        known += [own[i] for i in order[kept : 2 * kept]]
        learned += [own[i] for i in order[2 * kept :]]
    return learned, chosen, known


def speaker_folds(clips: list[Clip], folds: int) -> list[list[str]]:
    """The speakers dealt out into so many parts, those with most clips first."""
    counts = {speaker: sum(clip.speaker == speaker for clip in clips) for speaker in {clip.speaker for clip in clips}}
    ordered = sorted(counts, key=lambda speaker: (-counts[speaker], speaker))
    return [ordered[fold::folds] for fold in range(folds)]
