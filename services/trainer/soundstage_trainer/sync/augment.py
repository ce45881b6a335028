"""What differs between recordings and not between offsets: heads, cameras, trackers, voices, rooms, noise."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from soundstage_trainer.graphs.sync_net import BANDS, OUTER_EYES, POINTS

FLOOR = 1e-5
TURNS_DEG = (30.0, 20.0, 12.0)  # yaw, pitch, roll: the largest
EYES = tuple(POINTS.index(point) for point in OUTER_EYES)


def lips(points: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """points float32 [B, frames, 52, 3] → the same in units of the eyes' distance, seen otherwise.

    Other faces (shape, how far the mouth moves), other poses, a tracker that trembles and guesses depth wrongly, frames that
    come twice or blur into each other.
    """
    count, frames = points.shape[:2]
    shape = (count, 1, 1, 1)
    size = np.linalg.norm(points[:, :, EYES[0], :2] - points[:, :, EYES[1], :2], axis=-1).mean(axis=1)
    points = points / size[:, None, None, None]
    rest = points.mean(axis=1, keepdims=True)
    points = rest + (points - rest) * np.exp(draw.normal(0, 0.3, shape))
    points = points + draw.normal(0, 0.03, (count, 1, len(POINTS), 3))
    points = points * np.exp(draw.normal(0, 0.12, (count, 1, 1, 3)))
    points = np.einsum("btkc,bcd->btkd", points, _turns(count, draw), optimize=True)
    points[..., 2] *= draw.uniform(0.5, 1.2, (count, 1, 1))
    trembling = np.exp(draw.uniform(np.log(0.0005), np.log(0.012), shape)).astype(np.float32)
    points = points.astype(np.float32) + draw.standard_normal(points.shape, dtype=np.float32) * trembling
    for own in points:
        if draw.uniform() < 0.5:  # the tracker slips, or the film is cut: where that is says nothing of the sound
            own[draw.integers(1, frames) :] += draw.normal(0, 0.02, (len(POINTS), 3))
        kind = draw.uniform()
        if kind < 0.15:  # a lower frame rate
            every = draw.integers(2, 4)
            own[:] = own[np.arange(frames) // every * every]
        elif kind < 0.4:  # frames that come twice
            for frame in 1 + np.flatnonzero(draw.uniform(size=frames - 1) < 0.08):
                own[frame] = own[frame - 1]
        elif kind < 0.55:
            own[1:-1] = (own[:-2] + 2 * own[1:-1] + own[2:]) / 4
    return points


def sound(mel: np.ndarray, others: list[np.ndarray], draw: np.random.Generator) -> np.ndarray:
    """mel float32 [B, hops, 80], logarithms → the same heard otherwise: vocal tract, level, colour, room, noise, band limit.

    others: spectra whose speech may be in the background. All is done on magnitudes, as if bands were independent.
    """
    heard = np.exp(mel)
    for n in range(len(heard)):
        heard[n] = _heard(heard[n], others, draw)
    return np.log(np.maximum(heard, FLOOR)).astype(np.float32)


def _heard(own: np.ndarray, others: list[np.ndarray], draw: np.random.Generator) -> np.ndarray:
    places = np.clip(np.arange(BANDS) * np.exp(draw.normal(0, 0.15)), 0, BANDS - 1.001)
    left = places.astype(np.int64)
    own = own[:, left] * (1 - (places - left)) + own[:, left + 1] * (places - left)
    own = own * np.exp(_curve(draw.normal(0, 0.6, 8), BANDS) + draw.normal(0, 1.0))
    if draw.uniform() < 0.5:  # another microphone from some time on
        own[draw.integers(1, len(own)) :] *= np.exp(_curve(draw.normal(0, 0.3, 8), BANDS) + draw.normal(0, 0.3))
    if draw.uniform() < 0.4:
        own = _in_a_room(own, draw)
    if draw.uniform() < 0.7:
        noise = _babble(len(own), others, draw) if draw.uniform() < 0.5 else _hiss(len(own), draw)
        level = np.sqrt((own**2).mean() / (noise**2).mean()) * 10 ** (-draw.uniform(0, 30) / 20)
        own = np.sqrt(own**2 + (noise * level) ** 2)
    if draw.uniform() < 0.2:  # a narrow codec
        own[:, draw.integers(45, BANDS) :] = FLOOR
    return own


def _in_a_room(own: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """A tail of 0.1 to 0.6 s to −60 dB."""
    stays = np.exp(-1 / (draw.uniform(0.1, 0.6) * 100 / 6.9))
    wet = draw.uniform(0.05, 0.5)
    tail = lfilter([0, 3 * (1 - stays)], [1, -stays], own**2, axis=0)
    return np.sqrt(own**2 * (1 - wet) + wet * tail)


def _babble(hops: int, others: list[np.ndarray], draw: np.random.Generator) -> np.ndarray:
    voices = []
    for _ in range(draw.integers(1, 3)):
        other = others[draw.integers(len(others))]
        voices.append(np.exp(other[(np.arange(hops) + draw.integers(len(other))) % len(other)]))
    return np.add.reduce(voices)


def _hiss(hops: int, draw: np.random.Generator) -> np.ndarray:
    """Noise of some colour whose level comes and goes."""
    level = _curve(draw.normal(0, 0.4, 8), hops)[:, None] + _curve(draw.normal(0, 1, 6), BANDS)
    return np.exp(level + draw.normal(0, 0.3, (hops, BANDS)))


def _curve(values: np.ndarray, length: int) -> np.ndarray:
    return np.interp(np.arange(length), np.linspace(0, length - 1, len(values)), values)


def _turns(count: int, draw: np.random.Generator) -> np.ndarray:
    angles = np.deg2rad(draw.uniform(-1, 1, (count, 3)) * TURNS_DEG)
    cos, sin = np.cos(angles), np.sin(angles)
    zero, one = np.zeros(count), np.ones(count)

    def matrix(*rows: np.ndarray) -> np.ndarray:
        return np.stack(rows, axis=1).reshape(count, 3, 3)

    yaw = matrix(cos[:, 0], zero, sin[:, 0], zero, one, zero, -sin[:, 0], zero, cos[:, 0])
    pitch = matrix(one, zero, zero, zero, cos[:, 1], -sin[:, 1], zero, sin[:, 1], cos[:, 1])
    roll = matrix(cos[:, 2], -sin[:, 2], zero, sin[:, 2], cos[:, 2], zero, zero, zero, one)
    return yaw @ pitch @ roll
