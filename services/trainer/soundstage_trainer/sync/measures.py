"""How far off the offset is on speakers that were never trained on: by length, noise, head size, and with another's sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from soundstage_trainer.graphs.sync_net import BANDS, FRAME_RATE_HZ, HOPS_PER_FRAME, OUTER_EYES, POINTS
from soundstage_trainer.sync.dataset import Clip, speakers
from soundstage_trainer.sync.streams import JOIN_FRAMES, joined

REACH = 100
MOST_MOVED_HOPS = 80
AROUND_FRAMES = (REACH + MOST_MOVED_HOPS) // HOPS_PER_FRAME
LAG_MS = 10.0
RIVAL_MS = 120.0
NEAR_MS = 1000.0
ROW_FRAMES = 10
# Left out at both ends, as packages/sync/src/rows.ts does.
EDGE_FRAMES = 4
FLOOR = np.log(1e-5)
# points, mel, heard → agreement [frames, lags]
Compare = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
LENGTHS_S = (1.0, 2.0, 3.0, 5.0, 10.0)
SNRS_DB = (None, 10.0, 0.0)
OPENING, EYES = ((13, 14), OUTER_EYES)


@dataclass(frozen=True)
class Talk:
    """A speaker's talk of some length: points [frames, 52, 3], mel [4 · (frames + 2 · AROUND_FRAMES), 80]. The sound goes on
    before and after the lips are seen: that both begin at once would give the answer away."""

    speaker: str
    points: np.ndarray
    mel: np.ndarray


@dataclass(frozen=True)
class Condition:
    """seconds: of talk. snr_db: other voices in the background, None for none. tremble: of each point, in units of the eyes'
    distance, as small heads have it. swapped: the sound is another talk's of the same speaker."""

    name: str
    seconds: float
    snr_db: float | None = None
    tremble: float = 0.0
    swapped: bool = False


@dataclass(frozen=True)
class Answer:
    """error_ms: of the offset. margin, flank, share, seconds: what confidence is made of, as packages/sync/src/curve.ts has it."""

    condition: str
    speaker: str
    swapped: bool
    true_ms: float
    error_ms: float
    score: float
    margin: float
    flank: float
    share: float
    seconds: float


CONDITIONS = (
    *(Condition(f"{seconds:g} s", seconds) for seconds in LENGTHS_S),
    *(Condition(f"5 s, voices at {snr:g} dB", 5.0, snr) for snr in SNRS_DB if snr is not None),
    Condition("5 s, head of 64 pixels", 5.0, tremble=0.02),
    Condition("5 s, another's sound", 5.0, swapped=True),
    Condition("2 s, another's sound", 2.0, swapped=True),
    Condition("10 s, another's sound", 10.0, swapped=True),
)


def talks(clips: list[Clip], seconds: float, count: int, seed: int) -> list[Talk]:
    """So many talks of each speaker: cut at a random place out of clips that fade into each other."""
    made = []
    for speaker in speakers(clips):
        own = [clip for clip in clips if clip.speaker == speaker]
        draw = np.random.default_rng([seed, int(seconds * 10), len(own)])
        frames = int(seconds * FRAME_RATE_HZ)
        for _ in range(count):
            points, mels = [], []
            while sum(map(len, points)) - JOIN_FRAMES * len(points) < frames + 2 * AROUND_FRAMES:
                clip = own[draw.integers(len(own))]
                points.append(clip.points)
                mels.append(clip.mel)
            whole, mel = joined(points, mels)
            first = draw.integers(AROUND_FRAMES, len(whole) - frames - AROUND_FRAMES + 1)
            heard = slice(HOPS_PER_FRAME * (first - AROUND_FRAMES), HOPS_PER_FRAME * (first + frames + AROUND_FRAMES))
            made.append(Talk(speaker, whole[first : first + frames], mel[heard]))
    return made


def ask(clips: list[Clip], compare: Compare, condition: Condition, *, count: int, seed: int) -> list[Answer]:
    """The answers to talks whose sound is moved by a random offset in ±0.8 s, each as a file of its own: what lies before its
    first frame and after its last isn't heard."""
    made = talks(clips, condition.seconds, count, seed)
    draw = np.random.default_rng([seed, 7])
    answers = []
    for n, talk in enumerate(made):
        mel = made[(n + 1) % len(made)].mel if condition.swapped else talk.mel
        if condition.snr_db is not None:
            mel = _with_voices(mel, clips, condition.snr_db, draw)
        true_hops = int(draw.integers(-MOST_MOVED_HOPS, MOST_MOVED_HOPS + 1))
        points = talk.points
        if condition.tremble:
            points = points + draw.normal(0, condition.tremble * _eyes(points), points.shape)
        # Sound and picture of a file end together, however far the sound is moved.
        moved = mel[REACH + MOST_MOVED_HOPS - true_hops :][: HOPS_PER_FRAME * len(points)]
        agreement = agreement_of(compare, points.astype(np.float32), moved)[EDGE_FRAMES:-EDGE_FRAMES]
        found = peak(agreement)
        true_ms = true_hops * LAG_MS
        stands = (found.score, found.margin, found.flank, found.share, len(agreement) / FRAME_RATE_HZ)
        answers.append(Answer(condition.name, talk.speaker, condition.swapped, true_ms, found.lag * LAG_MS - true_ms, *stands))
    return answers


def agreement_of(compare: Compare, points: np.ndarray, mel: np.ndarray, moved_hops: int = 0) -> np.ndarray:
    """Agreement [frames, lags] of a file whose sound comes moved_hops late; what lies outside of the sound isn't heard."""
    frames = len(points)
    hops = HOPS_PER_FRAME * (frames - 1) + 2 * REACH + 1
    given, heard = np.full((hops, BANDS), FLOOR, np.float32), np.zeros(hops, np.float32)
    begin = REACH + moved_hops
    first, last = max(0, begin), min(hops, begin + len(mel))
    given[first:last], heard[first:last] = mel[first - begin : last - begin], 1
    return compare(points, given, heard)


@dataclass(frozen=True)
class Peak:
    """How the best lag of a talk stands. lag: in lags from zero, between lags by a parabola. margin: by how much its score beats the
    best that is RIVAL_MS away. flank: by how much it beats the mean of the two that are just so far away. share: of what the rows
    would have if each had a lag of its own, within NEAR_MS."""

    lag: float
    score: float
    margin: float
    flank: float
    share: float


def peak(agreement: np.ndarray) -> Peak:
    """Of agreement [frames, lags], as packages/sync/src/curve.ts finds it."""
    curve = agreement.sum(axis=0)
    best, last = int(curve.argmax()), len(curve) - 1
    part = 0.0
    if 0 < best < last:
        before, at, after = curve[best - 1 : best + 2]
        bend = before - 2 * at + after
        part = float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0
    apart, near = int(RIVAL_MS / LAG_MS), int(NEAR_MS / LAG_MS)
    score = float(curve[best])
    rival = curve[np.abs(np.arange(len(curve)) - best) > apart].max()
    beside = (curve[max(0, best - apart)] + curve[min(last, best + apart)]) / 2
    rows = np.add.reduceat(agreement, np.arange(0, len(agreement), ROW_FRAMES), axis=0)
    possible = rows[:, max(0, best - near) : best + near + 1].max(axis=1).sum()
    share = float(score / possible) if possible > 0 else 0.0
    return Peak(best + part - last / 2, score, score - float(rival), score - float(beside), share)


def by_correlation(points: np.ndarray, mel: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """The comparator: how fast the mouth opens against how fast it gets louder, as agreement [frames, lags]."""
    upper, lower = (points[:, POINTS.index(point), :2] for point in OPENING)
    opening = np.linalg.norm(upper - lower, axis=1)
    loudness = mel.mean(axis=1) * heard
    lips, sound = _normal(np.gradient(opening)), _normal(np.gradient(loudness)) * heard
    lags = len(mel) - HOPS_PER_FRAME * (len(points) - 1)
    at = HOPS_PER_FRAME * np.arange(len(points))[:, None] + np.arange(lags)[None]
    return lips[:, None] * sound[at]


def figures(answers: list[Answer]) -> dict[str, float]:
    """Median absolute error and shares within 40, 80 and 120 ms."""
    errors = np.array([abs(answer.error_ms) for answer in answers])
    return {"median_ms": float(np.median(errors)), **{f"within_{ms}": float((errors <= ms).mean()) for ms in (40, 80, 120)}}


def auroc(right: np.ndarray, wrong: np.ndarray) -> float:
    """How often one of the first is above one of the second."""
    if len(right) == 0 or len(wrong) == 0:
        return float("nan")
    above = (right[:, None] > wrong[None]).mean() + 0.5 * (right[:, None] == wrong[None]).mean()
    return float(above)


def _with_voices(mel: np.ndarray, clips: list[Clip], snr_db: float, draw: np.random.Generator) -> np.ndarray:
    voices = np.zeros(mel.shape, np.float32)
    for _ in range(2):
        other = np.exp(clips[draw.integers(len(clips))].mel)
        voices += other[(np.arange(len(mel)) + draw.integers(len(other))) % len(other)]
    own = np.exp(mel)
    level = np.sqrt((own**2).mean() / (voices**2).mean()) * 10 ** (-snr_db / 20)
    return np.log(np.sqrt(own**2 + (voices * level) ** 2)).astype(np.float32)


def _eyes(points: np.ndarray) -> float:
    first, second = (points[:, POINTS.index(point), :2] for point in EYES)
    return float(np.linalg.norm(first - second, axis=1).mean())


def _normal(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / (values.std() + 1e-9)
