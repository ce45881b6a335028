"""Onsets and loudness of a recorded sound: what the onset net is taught and measured by.

Flux after Böck and Widmer 2013 (SuperFlux): rise of each mel band over the largest of its
neighbours two frames before, so that vibrato counts for little.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d

from soundstage_trainer.graphs.mel import MelSpectrogram

SAMPLE_RATE_HZ = 22_050
HOP_S = 0.01
BANDS, LAG, NEIGHBOURHOOD = 96, 2, 3
COMPRESSION = 100.0  # log10(1 + COMPRESSION · magnitude / the clip's largest)
LEAST_SHARE = 0.3  # of the clip's strongest flux
LOUDNESS_RANGE_DB = 20.0  # below the clip's loudest 50 ms
SMALLEST_GAP_S = 0.1
START_S = 0.1  # sound that begins with the file is no onset
ENVELOPE_RANGE_DB = 40.0
VERSION = "superflux-1"


def onset_times(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """sound float32 [samples] at SAMPLE_RATE_HZ → times in seconds and strengths 0..1 (share of the strongest)."""
    strength = flux(sound)
    strength[: round(START_S / HOP_S)] = 0.0
    if strength.max(initial=0.0) <= 0.0:
        return np.zeros(0), np.zeros(0)
    level_db = loudness_db(sound, len(strength))
    reach = 5
    around = maximum_filter1d(strength, 2 * reach + 1, mode="constant")
    loud = level_db >= level_db.max() - LOUDNESS_RANGE_DB
    candidates = np.flatnonzero((strength == around) & (strength >= LEAST_SHARE * strength.max()) & loud)
    kept: list[int] = []
    for frame in sorted(candidates, key=lambda index: -strength[index]):
        if all(abs(frame - other) * HOP_S >= SMALLEST_GAP_S - 1e-9 for other in kept):
            kept.append(int(frame))
    kept.sort()
    return np.asarray(kept) * HOP_S, strength[kept] / strength.max()


def flux(sound: np.ndarray) -> np.ndarray:
    """Onset strength [frames], one each HOP_S; frame i is centred at i · HOP_S."""
    with torch.inference_mode():
        mel = _mel()(torch.from_numpy(np.ascontiguousarray(sound, dtype=np.float32))[None])[0].numpy()
    largest = mel.max(initial=0.0)
    rise = np.zeros(len(mel), dtype=np.float64)
    if largest <= 1e-6:
        return rise
    level = np.log10(1.0 + COMPRESSION * mel / largest)
    before = maximum_filter1d(level, NEIGHBOURHOOD, axis=1)
    rise[LAG:] = np.maximum(0.0, level[LAG:] - before[:-LAG]).sum(axis=1)
    return rise


def loudness_db(sound: np.ndarray, frames: int, window_s: float = 0.05) -> np.ndarray:
    """Root mean square in dB of the window_s that begin at each frame; −120 at the lowest."""
    hop, window = HOP_S * SAMPLE_RATE_HZ, round(window_s * SAMPLE_RATE_HZ)
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    begin = np.minimum((np.arange(frames) * hop).round().astype(int), len(sound))
    end = np.minimum(begin + window, len(sound))
    return 10.0 * np.log10((energy[end] - energy[begin]) / window + 1e-12)


def envelope(sound: np.ndarray, grid_s: np.ndarray) -> np.ndarray:
    """Loudness 0..1 at each grid time: 0 is 40 dB or more below the clip's loudest, 1 the loudest."""
    frames = int(len(sound) / (HOP_S * SAMPLE_RATE_HZ)) + 1
    level_db = loudness_db(sound, frames)
    relative = np.clip(1.0 + (level_db - max(level_db.max(), -80.0)) / ENVELOPE_RANGE_DB, 0.0, 1.0)
    return np.interp(grid_s, np.arange(frames) * HOP_S, relative).astype(np.float32)


@lru_cache(maxsize=1)
def _mel() -> MelSpectrogram:
    return MelSpectrogram(
        sample_rate_hz=SAMPLE_RATE_HZ, window_samples=1024, hop_samples=round(HOP_S * SAMPLE_RATE_HZ),
        bands=BANDS, lowest_hz=30.0, highest_hz=SAMPLE_RATE_HZ / 2, power=1.0,
    )  # fmt: skip
