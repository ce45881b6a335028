"""How close a made spectrum comes to the true one, beside answers that take no net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from soundstage_trainer.onset.scoring import Counts, count_hits
from soundstage_trainer.regnet.dataset import Clip

HOPS_A_SECOND = 22_050 / 256
TOLERANCE_S = 0.1
SMALLEST_GAP_S = 0.1
LAG_HOPS = 2
LEAST_SHARE = 0.3  # of the clip's strongest rise
LEAST_RISE = 0.02  # mean over the bands, of the 100 dB that 0..1 spans
LOUDNESS_RANGE_DB = 40.0

NET, MEAN, OTHER, NEAREST = "regnet", "mean spectrum of the training set", "a random training clip", "nearest training clip"
METHODS = {NET: "regnet", MEAN: "mean_mel", OTHER: "random_clip", NEAREST: "nearest_clip"}
METRICS = {
    "mel_l1": ("Mean |difference| of the mel spectrum, 0..1", "lower"),
    "mel_l2": ("Root mean square difference of the mel spectrum, 0..1", "lower"),
    "loudness_correlation": ("Correlation of the loudness over time with the truth", "higher"),
    "onset_f1_100ms": ("F1 of onsets in the loudness at ±100 ms", "higher"),
}

Maker = Callable[[Clip], np.ndarray]


@dataclass(frozen=True)
class Measured:
    """Of a split: method → metric → value. clips and sources: how many it rests on."""

    split: str
    clips: int
    sources: int
    onsets: int
    values: dict[str, dict[str, float]]


def measure(split: str, clips: list[Clip], makers: dict[str, Maker]) -> Measured:
    """Every maker's spectra against the true ones. Clips count alike; onsets are pooled."""
    values = {method: _score(clips, [make(clip) for clip in clips]) for method, make in makers.items()}
    onsets = sum(len(onset_times_s(clip.mel)) for clip in clips)
    return Measured(split, len(clips), len({clip.source for clip in clips}), onsets, values)


def comparators(train: list[Clip], seed: int) -> dict[str, Maker]:
    """Answers without a net: they know the training clips, and the nearest one also looks at the picture."""
    mean = np.concatenate([clip.mel for clip in train]).mean(axis=0)
    looks = np.stack([clip.visual.mean(axis=0) for clip in train])
    centre, scale = looks.mean(axis=0), looks.std(axis=0) + 1e-3

    def direction(look: np.ndarray) -> np.ndarray:
        scaled = (look - centre) / scale
        return scaled / (np.linalg.norm(scaled, axis=-1, keepdims=True) + 1e-9)

    known = direction(looks)

    def other(clip: Clip) -> np.ndarray:
        number = int(np.random.default_rng([seed, *clip.id.encode()]).integers(len(train)))
        return _as_long(train[number].mel, len(clip.mel))

    def nearest(clip: Clip) -> np.ndarray:
        number = int(np.argmax(known @ direction(clip.visual.mean(axis=0))))
        return _as_long(train[number].mel, len(clip.mel))

    return {MEAN: lambda clip: np.repeat(mean[None], len(clip.mel), axis=0), OTHER: other, NEAREST: nearest}


def loudness_db(mel: np.ndarray) -> np.ndarray:
    """mel [hops, 80] in 0..1 → decibels [hops] of all bands together, at most 40 below the loudest."""
    level = 20 * np.log10(np.power(10.0, 5.0 * mel.astype(np.float64) - 4.0).sum(axis=1))
    return np.maximum(level, level.max() - LOUDNESS_RANGE_DB)


def onset_times_s(mel: np.ndarray) -> np.ndarray:
    """Where many bands rise at once: seconds, at least 0.1 apart. The same rule serves true and made spectra."""
    rise = np.zeros(len(mel))
    rise[LAG_HOPS:] = np.maximum(0, mel[LAG_HOPS:] - mel[:-LAG_HOPS]).mean(axis=1)
    rise[: round(SMALLEST_GAP_S * HOPS_A_SECOND)] = 0  # sound that begins with the clip is no onset
    reach = round(SMALLEST_GAP_S * HOPS_A_SECOND)
    least = max(LEAST_RISE, LEAST_SHARE * float(rise.max(initial=0.0)))
    tops = np.flatnonzero((rise == maximum_filter1d(rise, 2 * reach + 1, mode="constant")) & (rise >= least))
    return tops / HOPS_A_SECOND


def correlation(found: np.ndarray, true: np.ndarray) -> float:
    """Of two curves; 0 where one does not move."""
    found, true = found - found.mean(), true - true.mean()
    whole = float(np.sqrt((found**2).sum() * (true**2).sum()))
    return float((found * true).sum() / whole) if whole > 1e-6 else 0.0


def _score(clips: list[Clip], made: list[np.ndarray]) -> dict[str, float]:
    counts = Counts()
    for clip, mel in zip(clips, made, strict=True):
        counts += count_hits(onset_times_s(mel), onset_times_s(clip.mel), TOLERANCE_S)
    pairs = list(zip(made, clips, strict=True))
    return {
        "mel_l1": float(np.mean([np.abs(mel - clip.mel).mean() for mel, clip in pairs])),
        "mel_l2": float(np.mean([np.sqrt(np.square(mel - clip.mel).mean()) for mel, clip in pairs])),
        "loudness_correlation": float(np.mean([correlation(loudness_db(mel), loudness_db(clip.mel)) for mel, clip in pairs])),
        "onset_f1_100ms": counts.f1,
    }


def _as_long(mel: np.ndarray, hops: int) -> np.ndarray:
    """From the beginning, again and again where it is too short."""
    return np.tile(mel, (-(-hops // len(mel)), 1))[:hops]
