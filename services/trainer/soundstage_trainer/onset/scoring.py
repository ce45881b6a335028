"""How well onsets were found: one-to-one matches within a tolerance, pooled over clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOLERANCES_S = (0.05, 0.1)


@dataclass(frozen=True)
class Counts:
    """hits: matched pairs; found: onsets that were given; true: onsets in the ground truth."""

    hits: int = 0
    found: int = 0
    true: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.hits + other.hits, self.found + other.found, self.true + other.true)

    @property
    def precision(self) -> float:
        return self.hits / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.hits / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.hits / (self.found + self.true) if self.found + self.true else 0.0


def count_hits(found_s: np.ndarray, true_s: np.ndarray, tolerance_s: float) -> Counts:
    """The largest one-to-one matching of two sorted lists of times; on a line, first come first served is largest."""
    found, true = np.sort(found_s), np.sort(true_s)
    hits = i = j = 0
    while i < len(found) and j < len(true):
        if found[i] < true[j] - tolerance_s - 1e-9:
            i += 1
        elif true[j] < found[i] - tolerance_s - 1e-9:
            j += 1
        else:
            hits, i, j = hits + 1, i + 1, j + 1
    return Counts(hits, len(found), len(true))


def pooled(counts: list[Counts]) -> Counts:
    return sum(counts, Counts())


def bootstrap_f1(counts: list[Counts], groups: list[str], *, rounds: int = 2000, seed: int = 0) -> tuple[float, float]:
    """90 % interval of the pooled F1, drawing whole sources with replacement."""
    names = sorted(set(groups))
    sums = [pooled([c for c, g in zip(counts, groups, strict=True) if g == name]) for name in names]
    table = np.array([[c.hits, c.found, c.true] for c in sums])
    draws = np.random.default_rng(seed).integers(0, len(names), size=(rounds, len(names)))
    totals = table[draws].sum(axis=1)
    f1 = 2 * totals[:, 0] / np.maximum(1, totals[:, 1] + totals[:, 2])
    low, high = np.quantile(f1, [0.05, 0.95])
    return float(low), float(high)


def metronome(duration_s: float, rate_hz: float = 5.0) -> np.ndarray:
    """A blind beat from zero on: what a guess without looking scores."""
    return np.arange(0.0, duration_s, 1.0 / rate_hz)
