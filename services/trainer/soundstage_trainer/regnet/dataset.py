"""Clips as RegNet learns them: what is seen at 21.5 frames a second, and four hops of mel spectrum a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.graphs.regnet_net import BANDS, HOPS_A_FRAME, VISUAL
from soundstage_trainer.run.clips import MOST_TOLD, ClipRow, clips_version, read_clips

FEATURES = ("rgb", "flow_rgb", "mel_22k")
FEWEST_FRAMES = 8
MOST_MISSING = 0.1  # share of the frames that may be without sound at the end, or without a row of either picture


@dataclass(frozen=True)
class Clip:
    """visual float32 [T, 2560], mel float32 [4 · T, 80] in 0..1. sound: a file, where there is one of its own."""

    id: str
    source: str
    label: str
    split: str
    visual: np.ndarray
    mel: np.ndarray
    sound: Path | None


def load(data: Path) -> tuple[list[Clip], str]:
    """The clips that DATA/clips.jsonl lists, and the version of the data set.

    Raises SoundstageError ("bad_input") that lists the clips whose features do not fit together.
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
    rgb, flow, mel = (row.feature(name) for name in FEATURES)
    for name, values, width in (("rgb", rgb, VISUAL // 2), ("flow_rgb", flow, VISUAL // 2), ("mel_22k", mel, BANDS)):
        if values.ndim != 2 or values.shape[1] != width or values.dtype.kind != "f":
            raise SoundstageError("bad_input", f"{name} of clip {row.id} is {values.dtype} {values.shape}, not float [rows, {width}].")
        if not np.isfinite(values).all():
            raise SoundstageError("bad_input", f"{name} of clip {row.id} holds values that are no numbers; extract it again.")
    if mel.min(initial=0.0) < 0 or mel.max(initial=0.0) > 1:
        raise SoundstageError("bad_input", f"mel_22k of clip {row.id} leaves 0..1; take the output `mel` of that model.")
    # Rates and paddings round: 215 frames or 216, 860 hops or 862. The clip is as long as all three go.
    frames = min(len(rgb), len(flow), len(mel) // HOPS_A_FRAME)
    longest = max(len(rgb), len(flow))
    if frames < FEWEST_FRAMES or frames < (1 - MOST_MISSING) * longest - 1:
        raise SoundstageError(
            "bad_input",
            f"Clip {row.id} has {len(rgb)} rows of rgb, {len(flow)} of flow_rgb and {len(mel)} hops of mel_22k: these are not"
            f" the same {FEWEST_FRAMES} frames or more at 21.5 a second.",
        )
    visual = np.concatenate([rgb[:frames], flow[:frames]], axis=1).astype(np.float32)
    return Clip(row.id, row.source, row.label, row.split, visual, mel[: HOPS_A_FRAME * frames].astype(np.float32), row.sound)


def of_split(clips: list[Clip], split: str) -> list[Clip]:
    return [clip for clip in clips if clip.split == split]
