"""How likely an offset is right, from how its peak stands: a logistic line that is fitted on speakers never trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from soundstage_trainer.sync.measures import Answer

RIGHT_MS = 80.0
RIDGE, ROUNDS = 0.02, 60
ANSWERED = 0.95
CLEAN = ("5 s", "10 s")
# A break or a drift must gain as much agreement as so many seconds of speech in sync have.
BREAK_S, DRIFT_S = 2.5, 1.5


@dataclass(frozen=True)
class Line:
    """As packages/sync/src/curve.ts reads it: sigmoid(bias + margin · m/√s + flank · f/√s + share · h + seconds · ln s)."""

    bias: float
    margin: float
    flank: float
    share: float
    seconds: float

    def of(self, answers: list[Answer]) -> np.ndarray:
        return _sigmoid(_inputs(answers) @ np.array([self.bias, self.margin, self.flank, self.share, self.seconds]))


def right(answers: list[Answer]) -> np.ndarray:
    return np.array([not answer.swapped and abs(answer.error_ms) <= RIGHT_MS for answer in answers])


def fit(answers: list[Answer]) -> Line:
    """By Newton's method, with a small ridge on all but the bias."""
    inputs, wanted = _inputs(answers), right(answers).astype(float)
    scale = np.maximum(np.abs(inputs).mean(axis=0), 1e-9)
    inputs = inputs / scale
    ridge = RIDGE * len(inputs) * np.diag([0.0, 1.0, 1.0, 1.0, 1.0]) / 10
    weights = np.zeros(5)
    for _ in range(ROUNDS):
        chance = _sigmoid(inputs @ weights)
        slope = inputs.T @ (chance - wanted) + ridge @ weights
        bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + ridge + 1e-9 * np.eye(5)
        weights = weights - np.linalg.solve(bend, slope)
    return Line(*(weights / scale).tolist())


def answer_from(answers: list[Answer], line: Line) -> float:
    """The confidence that ANSWERED of the talks of a few seconds without noise reach: 0.5 to 0.95."""
    return float(
        np.clip(np.quantile(line.of([answer for answer in answers if answer.condition in CLEAN]), 1 - ANSWERED), 0.5, 0.95)
    )


def calibration_error(answers: list[Answer], line: Line, bins: int = 10) -> float:
    """Mean distance of what is said and what is found, by tenths of the confidence."""
    sure, found = line.of(answers), right(answers)
    parts = np.array_split(np.argsort(sure), bins)
    return float(sum(len(part) * abs(sure[part].mean() - found[part].mean()) for part in parts) / len(sure))


def evidence_per_s(answers: list[Answer]) -> float:
    """Agreement that a second of speech in sync has at its offset, the median over answers that are right."""
    return float(np.median([answer.score / answer.seconds for answer, fine in zip(answers, right(answers), strict=True) if fine]))


def _inputs(answers: list[Answer]) -> np.ndarray:
    seconds = np.array([answer.seconds for answer in answers])
    root = np.sqrt(seconds)
    margins, flanks, shares = (np.array([getattr(answer, name) for answer in answers]) for name in ("margin", "flank", "share"))
    return np.stack([np.ones(len(answers)), margins / root, flanks / root, shares, np.log(seconds)], axis=1)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -40, 40)))
