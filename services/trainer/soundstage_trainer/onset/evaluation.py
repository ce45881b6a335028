"""Cross-validation by source, beside a metronome that does not look and a frame difference that does not think."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter1d

from soundstage_trainer.graphs import onset_net
from soundstage_trainer.onset import training, trust
from soundstage_trainer.onset.dataset import Clip
from soundstage_trainer.onset.scoring import TOLERANCES_S, bootstrap_f1, count_hits, metronome, pooled
from soundstage_trainer.onset.training import Scored
from soundstage_trainer.run.run import Run

DIFFERENCE_THRESHOLDS = np.round(np.arange(0.1, 1.6, 0.05), 2)  # of the clip's 95th percentile
LARGEST_OFFSET_S = 0.2


@dataclass(frozen=True)
class ClipScore:
    clip: str
    kind: str
    true: int
    found: int
    f1_50ms: float
    f1_100ms: float
    trust: float


@dataclass(frozen=True)
class Evaluation:
    """rows: one a method or a part of the clips, with F1 at 50 and 100 ms, precision, recall, a 90 % interval by source.

    trust_line: bias and slope of the chance that a found onset is right, fitted on nets that had not seen the clip, with
    each file's own offset of sound to picture taken out: what is trusted is a picture, and a silent one has no offset.
    """

    clips: int
    onsets: int
    sources: int
    folds: int
    threshold: float
    trust_line: tuple[float, float]
    trust_error: float
    envelope_correlation: float
    rows: list[dict[str, object]]
    by_clip: list[ClipScore]


def evaluate(
    clips: list[Clip],
    plan: training.TrainingPlan,
    *,
    folds: int,
    cache: Path,
    dataset: str,
    part: Callable[[int], Run],
) -> Evaluation:
    """Train a net for each fold on the others; score each impact clip by the net that has not seen its source.

    part: the part of the run that a fold is trained in.

    The threshold for a fold is the best on the other folds' clips, each judged by the net that did not see it.
    """
    members = training.folds_by_source(clips, folds, seed=1)
    fold_of = {index: fold for fold, indices in enumerate(members) for index in indices}
    peaks: dict[int, Scored] = {}
    envelopes: list[float] = []
    for fold, indices in enumerate(members):
        path = cache / f"fold-{_key(plan, dataset, folds, fold)}.json"
        if not path.is_file():
            learned = [clip for index, clip in enumerate(clips) if fold_of[index] != fold]
            net = training.fit(learned, plan, part(fold))
            _keep(path, {str(index): _heard(net, clips[index]) for index in indices})
        for index, heard in json.loads(path.read_text()).items():
            clip = clips[int(index)]
            peaks[int(index)] = (np.array(heard["times_s"]), np.array(heard["strengths"]), clip.onsets_s)
            envelopes.append(heard["envelope_correlation"])

    impact = [index for index in sorted(peaks) if clips[index].entry.impact]
    chosen = [clips[index] for index in impact]
    found = _held_out(peaks, impact, fold_of, training.THRESHOLDS)
    sure = np.array([trust.sureness(peaks[index][1]) for index in impact])
    moved = [in_step(times, clip) for times, clip in zip(found, chosen, strict=True)]
    hits = np.array([count_hits(times, clip.onsets_s, trust.TOLERANCE_S).hits for times, clip in zip(moved, chosen, strict=True)])
    counts = np.array([len(times) for times in found])
    folds_of_chosen = np.array([fold_of[index] for index in impact])
    expected = np.zeros(len(impact))
    for fold in set(folds_of_chosen.tolist()):
        others = folds_of_chosen != fold
        bias, slope = trust.calibrate(*(a[others] if others.any() else a for a in (sure, hits, counts)))
        expected[~others] = 1 / (1 + np.exp(-(bias + slope * sure[~others])))

    difference = {index: difference_peaks(clips[index]) for index in impact}
    by_difference = _held_out(difference, impact, fold_of, DIFFERENCE_THRESHOLDS)
    by_metronome = [metronome(clip.duration_s) for clip in chosen]
    close = [place for place, clip in enumerate(chosen) if clip.entry.close_up]
    half = trust.trusted_half(expected).tolist()
    rows = [row("onset net", found, chosen)]
    for name, part in (("close-up contact", close), ("trusted half", half)):
        if part:
            rows.append(row(f"onset net, {name}", *([a[i] for i in part] for a in (found, chosen))))
    rows.append(row("frame difference, best of 4x4", by_difference, chosen))
    if close:
        rows.append(row("frame difference, close-up contact", *([a[i] for i in close] for a in (by_difference, chosen))))
    rows.append(row("metronome, 5 Hz", by_metronome, chosen))
    rows.append(row("onset net, each clip moved by its best offset", moved, chosen))
    for name, part in (("close-up", close), ("trusted half", half)):
        if part:
            rows.append(
                row(f"onset net, {name}, each clip moved by its best offset", *([a[i] for i in part] for a in (moved, chosen)))
            )
    even = [in_step(times, clip) for times, clip in zip(by_metronome, chosen, strict=True)]
    rows.append(row("metronome, each clip moved by its best offset", even, chosen))
    scores = [
        ClipScore(
            clip.entry.clip, clip.entry.kind, len(clip.onsets_s), len(times),
            *(round(count_hits(times, clip.onsets_s, tolerance).f1, 3) for tolerance in TOLERANCES_S), round(float(chance), 3),
        )
        for clip, times, chance in zip(chosen, found, expected, strict=True)
    ]  # fmt: skip
    return Evaluation(
        clips=len(chosen),
        onsets=sum(len(clip.onsets_s) for clip in chosen),
        sources=len({clip.entry.source for clip in chosen}),
        folds=folds,
        threshold=training.best_threshold([peaks[index] for index in impact], training.THRESHOLDS),
        trust_line=trust.calibrate(sure, hits, counts),
        trust_error=round(float(np.average(np.abs(expected - hits / np.maximum(1, counts)), weights=np.maximum(1, counts))), 3),
        envelope_correlation=round(float(np.mean(envelopes)), 3),
        rows=rows,
        by_clip=sorted(scores, key=lambda score: score.f1_100ms + score.f1_50ms),
    )


def row(method: str, found: list[np.ndarray], clips: list[Clip]) -> dict[str, object]:
    """One line of the table."""
    sources = [clip.entry.source for clip in clips]
    line: dict[str, object] = {"method": method, "clips": len(clips), "onsets": sum(len(clip.onsets_s) for clip in clips)}
    for tolerance_s, name in zip(TOLERANCES_S, ("50ms", "100ms"), strict=True):
        counts = training.counts_at(found, clips, tolerance_s)
        total = pooled(counts)
        line[f"f1_{name}"] = round(total.f1, 3)
        line[f"precision_{name}"], line[f"recall_{name}"] = round(total.precision, 3), round(total.recall, 3)
        line[f"f1_{name}_90"] = [round(value, 3) for value in bootstrap_f1(counts, sources)]
    return line


def in_step(times_s: np.ndarray, clip: Clip) -> np.ndarray:
    """times_s moved by the one offset, up to LARGEST_OFFSET_S, that suits the clip's own truth best.

    No score of the net: it tells how much is lost to files whose sound lies off their picture. A metronome gains too.
    """
    moves = sorted(np.arange(-LARGEST_OFFSET_S, LARGEST_OFFSET_S + 1e-6, 0.01), key=abs)
    return times_s + max(moves, key=lambda move: count_hits(times_s + move, clip.onsets_s, TOLERANCES_S[0]).hits)


def difference_peaks(clip: Clip) -> Scored:
    """Local maxima within 80 ms of the plain frame difference, as shares of its 95th percentile."""
    step_s = float(np.median(np.diff(clip.times_s))) if len(clip.times_s) > 1 else 1.0
    reach = max(1, round(0.08 / step_s))
    largest = maximum_filter1d(clip.difference, 2 * reach + 1, mode="nearest")
    at = np.flatnonzero((clip.difference == largest) & (clip.difference > 0))
    scale = max(1e-6, float(np.quantile(clip.difference, 0.95)))
    return clip.times_s[at], clip.difference[at] / scale, clip.onsets_s


def table(evaluation: Evaluation) -> str:
    """For people."""
    lines = [
        f"{evaluation.clips} impact clips, {evaluation.onsets} onsets, {evaluation.sources} sources, {evaluation.folds} folds by source",
        f"{'method':60} {'onsets':>6} {'F1 ±50 ms':>10} {'90 % interval':>14} {'F1 ±100 ms':>11} {'90 % interval':>14}",
    ]
    for line in evaluation.rows:
        low_high = ["{:.2f}–{:.2f}".format(*line[f"f1_{name}_90"]) for name in ("50ms", "100ms")]
        lines.append(
            f"{line['method']:60} {line['onsets']:6} {line['f1_50ms']:10.3f} {low_high[0]:>14} {line['f1_100ms']:11.3f} {low_high[1]:>14}"
        )
    lines.append(f"trust is off the share of right onsets by {evaluation.trust_error:.2f} on average")
    lines.append(
        "worst clips: " + ", ".join(f"{s.kind} {Path(s.clip).name[-24:]} {s.f1_50ms:.2f}" for s in evaluation.by_clip[:6])
    )
    return "\n".join(lines)


def as_json(evaluation: Evaluation) -> dict[str, object]:
    return asdict(evaluation)


def _held_out(peaks: dict[int, Scored], impact: list[int], fold_of: dict[int, int], thresholds: np.ndarray) -> list[np.ndarray]:
    """Onsets of each impact clip at the threshold that suits the clips of the other folds."""
    best = {
        fold: training.best_threshold([peaks[i] for i in impact if fold_of[i] != fold] or [peaks[i] for i in impact], thresholds)
        for fold in {fold_of[i] for i in impact}
    }
    return [peaks[i][0][peaks[i][1] >= best[fold_of[i]]] for i in impact]


def _heard(net: onset_net.OnsetNet, clip: Clip) -> dict[str, object]:
    onset, peak, envelope = training.detect(net, clip)
    times_s, heights = training.peak_times(onset, peak)
    truth = clip.envelope[: len(envelope)]
    varied = truth.std() > 1e-3 and envelope.std() > 1e-6
    correlation = float(np.corrcoef(envelope[: len(truth)], truth)[0, 1]) if varied else 0.0
    return {
        "times_s": times_s.tolist(), "strengths": heights.tolist(), "envelope_correlation": correlation
    }  # fmt: skip


def _key(plan: training.TrainingPlan, dataset: str, folds: int, fold: int) -> str:
    """Changes with the plan, the data and the code that learns, so that no stale result is taken for a new one."""
    code = b"".join(Path(module.__file__).read_bytes() for module in (training, onset_net))
    text = json.dumps([asdict(plan), dataset, folds, fold, hashlib.sha256(code).hexdigest()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _keep(path: Path, content: dict[str, object]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(content))
    os.replace(partial, path)
