"""How far a clip's onsets may be trusted: the chance that a found onset is right, from how sure the net's peaks are.

Right by the picture: an offset that the whole file's sound has to its picture is taken out before it is fitted.
"""

from __future__ import annotations

import numpy as np

TOLERANCE_S = 0.05
GOOD, POOR = 0.5, 0.3  # expected precision at ±50 ms above which to rely on it, below which to warn


def sureness(heights: np.ndarray) -> float:
    """Mean height of the peaks [P], the high ones counting more; 0 without peaks. onset_net has the same in its graph."""
    return float((heights * heights).sum() / (heights.sum() + 1e-3))


def calibrate(sure: np.ndarray, hits: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """(bias, slope) so that sigmoid(bias + slope · sureness) is the expected precision; slope is never negative.

    sure, hits, found [clips], of nets that had not seen the clip. By Newton's method on the logarithm of the likelihood,
    with clips weighed by the square root of what was found in them, so that one long clip does not decide alone.
    """
    weight = 1.0 / np.sqrt(np.maximum(1.0, found))
    mean = float((hits * weight).sum() / max(1e-6, (found * weight).sum()))
    mean = min(max(mean, 0.02), 0.98)
    bias, slope = float(np.log(mean / (1 - mean))), 0.0
    centre = float(np.average(sure)) if len(sure) else 0.0
    x = np.stack([np.ones_like(sure), sure - centre])
    ridge = np.diag([1e-3, 0.05])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-(bias + slope * x[1])))
        gradient = x @ (weight * (hits - found * chance)) - ridge @ (0.0, slope)
        curve = (x * (weight * found * chance * (1 - chance))) @ x.T + ridge
        step = np.linalg.solve(curve, gradient)
        bias, slope = bias + float(np.clip(step[0], -2, 2)), slope + float(np.clip(step[1], -5, 5))
    if slope <= 0:
        return float(np.log(mean / (1 - mean))), 0.0
    return bias - slope * centre, slope


def trusted_half(sure: np.ndarray) -> np.ndarray:
    """Indices of the half of the clips [n] that are trusted most."""
    return np.argsort(-sure, kind="stable")[: (len(sure) + 1) // 2]
