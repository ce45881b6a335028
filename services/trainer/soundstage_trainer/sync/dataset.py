"""Clips of people who speak: the points of their lips at 25 frames a second, and the mel spectrum of what they say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.graphs.sync_net import BANDS, FRAME_RATE_HZ, HOPS_PER_FRAME, POINTS
from soundstage_trainer.run.clips import MOST_TOLD, ClipRow, clips_version, read_clips

FEATURES = ("lips", "mel_16k")
MESH_POINTS = 468
LEAST_SEEN = 0.9  # share of the frames in which the face must be seen
FEWEST_FRAMES = FRAME_RATE_HZ


@dataclass(frozen=True)
class Clip:
    """points float32 [frames, 52, 3], on one scale in x, y and z; mel float32 [4 · frames, 80]. speaker: who is seen and heard."""

    id: str
    speaker: str
    split: str
    points: np.ndarray
    mel: np.ndarray

    @property
    def seconds(self) -> float:
        return len(self.points) / FRAME_RATE_HZ


def read(data: Path) -> tuple[list[Clip], str]:
    """The clips that DATA/clips.jsonl lists, of square pictures at 25 frames a second (profile `sync`), and the data set's version.

    Clips of one source are of one speaker. Clips whose face is away for long are left out. Raises SoundstageError ("bad_input") for
    features of another shape, fewer than two speakers, or where no clip is left.
    """
    rows = read_clips(data, features=FEATURES)
    clips, problems = [], []
    for row in rows:
        try:
            clip = _clip(row)
        except SoundstageError as problem:
            problems.append(str(problem))
            continue
        if clip is not None:
            clips.append(clip)
    if problems:
        more = f" (and {len(problems) - MOST_TOLD} more)" if len(problems) > MOST_TOLD else ""
        raise SoundstageError("bad_input", " ".join(problems[:MOST_TOLD]) + more)
    if not clips:
        raise SoundstageError("bad_input", "In no clip a face is seen all the time; there is nothing to learn from.")
    return clips, clips_version(rows, FEATURES)


def speakers(clips: list[Clip]) -> list[str]:
    return sorted({clip.speaker for clip in clips})


def _clip(row: ClipRow) -> Clip | None:
    lips, mel = row.feature("lips"), row.feature("mel_16k")
    if lips.ndim != 3 or lips.shape[1:] != (MESH_POINTS + 1, 3):
        raise SoundstageError("bad_input", f"lips of clip {row.id} has shape {lips.shape}, not [frames, {MESH_POINTS + 1}, 3].")
    if mel.ndim != 2 or mel.shape[1] != BANDS:
        raise SoundstageError("bad_input", f"mel_16k of clip {row.id} has shape {mel.shape}, not [hops, {BANDS}].")
    frames = min(len(lips), len(mel) // HOPS_PER_FRAME)
    seen = lips[:frames, MESH_POINTS, 0] > 0
    if frames < FEWEST_FRAMES or seen.mean() < LEAST_SEEN:
        return None
    points = _bridged(lips[:frames, list(POINTS)].astype(np.float32), seen)
    return Clip(row.id, row.source, row.split, points, mel[: HOPS_PER_FRAME * frames].astype(np.float32))


def _bridged(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Frames in which the face isn't seen lie in a straight line between their neighbours."""
    known = np.flatnonzero(seen)
    flat = points.reshape(len(points), -1)
    bridged = [np.interp(np.arange(len(flat)), known, flat[known, channel]) for channel in range(flat.shape[1])]
    return np.stack(bridged, axis=1).reshape(points.shape).astype(np.float32)
