"""Long streams out of short clips: one speaker's clips one after the other, at another pace, lips and sound alike.

A clip's own beginning and end would give the answer away: a stretch of lips is therefore cut out of the middle of a stream
whose sound goes on at both sides.
"""

from __future__ import annotations

import numpy as np

from soundstage_trainer.graphs.sync_net import FRAME_RATE_HZ, HOPS_PER_FRAME
from soundstage_trainer.sync.dataset import Clip

PACES = 0.22  # natural logarithm of the fastest
JOIN_FRAMES = 6  # over which one clip becomes the next: a jump in lips and sound at once would give the answer away


def cut(clips: list[Clip], frames: int, reach: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A stretch of one speaker: points [frames, 52, 3], and mel [4 · frames + 2 · reach, 80] that begins reach hops before it.

    The frames lie anywhere between the hops: shifts below a frame are learned.
    """
    pace = float(np.exp(draw.uniform(-PACES, PACES)))
    start_s = None
    points, mels, length = [], [], 0
    lead = -(-reach // HOPS_PER_FRAME)
    needed = frames + 2 * lead + 2
    while start_s is None or length < needed + int(start_s * FRAME_RATE_HZ):
        clip = clips[draw.integers(len(clips))]
        count = int(clip.seconds / pace * FRAME_RATE_HZ)
        if start_s is None:
            start_s = draw.uniform(0, max(0.0, count / FRAME_RATE_HZ - 1))
        points.append(at_places(clip.points, np.arange(count) * pace))
        mels.append(at_places(clip.mel, np.arange(count * HOPS_PER_FRAME) * pace))
        length += count - (JOIN_FRAMES if len(points) > 1 else 0)
    first = int(start_s * FRAME_RATE_HZ) + 1
    between = draw.uniform(-0.5, 0.5)
    whole, mel = joined(points, mels)
    lips = at_places(whole, np.arange(first + lead, first + lead + frames) + between)
    begin = HOPS_PER_FRAME * (first + lead) - reach
    hops = np.arange(begin, begin + HOPS_PER_FRAME * frames + 2 * reach)
    return lips, at_places(mel, hops + HOPS_PER_FRAME * between)


def joined(points: list[np.ndarray], mels: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Clips of one speaker as one: the head stays where it was, and each clip fades into the next, lips and sound alike."""
    whole, mel = points[0], mels[0]
    for part, sound in zip(points[1:], mels[1:], strict=True):
        whole = _faded(whole, part - part.mean(axis=0) + points[0].mean(axis=0), JOIN_FRAMES)
        mel = _faded(mel, sound, JOIN_FRAMES * HOPS_PER_FRAME)
    return whole, mel


def _faded(first: np.ndarray, second: np.ndarray, steps: int) -> np.ndarray:
    share = ((np.arange(steps) + 0.5) / steps).astype(np.float32).reshape(-1, *[1] * (first.ndim - 1))
    return np.concatenate([first[:-steps], first[-steps:] * (1 - share) + second[:steps] * share, second[steps:]])


def at_places(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows between rows, in straight lines; beyond the ends the last one."""
    places = np.clip(places, 0, len(rows) - 1.001)
    left = places.astype(np.int64)
    share = (places - left).astype(np.float32).reshape(-1, *[1] * (rows.ndim - 1))
    return rows[left] * (1 - share) + rows[left + 1] * share
