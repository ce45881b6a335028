"""Blocks of 8 frames and of the sound that is shifted against them by a whole number of frames.

Sign: an offset is positive where the sound comes late. What belongs to the picture at t is then heard at t + offset; so beside
the picture from t on there lies the sound that belongs to the picture from t − offset on.
"""

from __future__ import annotations

import numpy as np

from soundstage_trainer.sync_3dcnn.dataset import FRAME_RATE_HZ, HOP_RATE_HZ, Clip

FRAMES = 8
HOPS = 56  # 0.532 s, where 8 frames are 0.533 s
FARTHEST = 7
OFFSETS = np.arange(-FARTHEST, FARTHEST + 1)


def hop_of(row: int | np.ndarray) -> np.ndarray:
    """The hop that lies nearest to a frame: at most half a hop (4.75 ms) off."""
    return np.round(np.asarray(row) * HOP_RATE_HZ / FRAME_RATE_HZ).astype(np.int64)


def starts(place: int | np.ndarray, offset: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First frame of the picture block and of the sound block at a place and an offset.

    Each of the two gives way by half the offset. If only the sound was moved, sound from the very beginning of a clip would
    always be late; so either block's own place says as little about the offset as it can.
    """
    half = np.asarray(offset) // 2
    return np.asarray(place) + half, np.asarray(place) + half - np.asarray(offset)


def places(clip: Clip) -> np.ndarray:
    """Where blocks can be cut at every offset, and where the mouth is seen in all of them; int [P], may be empty."""
    rows = len(clip.flow) - FRAMES
    while rows >= 0 and hop_of(rows) + HOPS > len(clip.mfcc):
        rows -= 1
    found = np.arange((FARTHEST + 1) // 2, rows - FARTHEST // 2 + 1)
    # Where no mouth was found the feature is zero throughout.
    blind = np.concatenate([[0], np.cumsum(~clip.flow.any(axis=(1, 2)))])
    first, last = starts(found, -FARTHEST)[0], starts(found, FARTHEST)[0] + FRAMES
    return found[blind[last] == blind[first]] if len(found) else found


def flow_block(clip: Clip, row: int) -> np.ndarray:
    """float32 [8, 32, 32] from a frame on."""
    return clip.flow[row : row + FRAMES]


def sound_block(clip: Clip, row: int) -> np.ndarray:
    """float32 [56, 12] from a frame's time on."""
    hop = int(hop_of(row))
    return clip.mfcc[hop : hop + HOPS]


def cut(picture: Clip, sound: Clip, place: int, offset: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture block float32 [8, 32, 32] of one clip, and the sound block float32 [56, 12] of the same or another that lies
    beside it in a file whose sound comes `offset` frames late."""
    seen, heard = starts(place, offset)
    return flow_block(picture, int(seen)), sound_block(sound, int(heard))
