"""What the card and the page of `sync` tell: figures on strangers beside plain correlation and always zero, and the limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from soundstage_trainer import card as cards
from soundstage_trainer.graphs.sync_net import BANDS, FRAME_RATE_HZ, POINTS
from soundstage_trainer.recipes.common import OWN_LICENCE
from soundstage_trainer.run import Exported, Page, Row, Run, Table, metric_gate
from soundstage_trainer.sync import confidence, measures
from soundstage_trainer.sync.confidence import BREAK_S, DRIFT_S, Line
from soundstage_trainer.sync.dataset import Clip, speakers
from soundstage_trainer.sync.measures import CONDITIONS, Answer, Compare, auroc

TRAINING_DATA = "the clips of this data set keep their own terms; none is contained. GRID corpus (Cooke et al. 2006): CC BY 4.0"
SAME_MS = 2.0
FIGURES = {"median_ms": "median absolute error, ms", "within_40": "share within 40 ms", "within_80": "share within 80 ms"}
ASKED = [condition.name for condition in CONDITIONS if not condition.swapped]
SWAPPED = [condition.name for condition in CONDITIONS if condition.swapped]


def card(
    run: Run, clips: list[Clip], answers: list[Answer], plain: list[Answer], line: Line, answer_from: float, exported: Exported,
    same: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Everything but what finish() adds."""
    evidence = confidence.evidence_per_s(answers)
    return {
        "name": "sync",
        "version": run.version,
        "does": "How well the lips of a face agree with the sound at each offset.",
        "inputs": [
            cards.tensor("points", ["frames", len(POINTS), 3], "pixels", f"{FRAME_RATE_HZ} frames a second; the points of the lips model that packages/faces keeps, in its order"),
            cards.tensor("mel", ["hops", BANDS], "natural logarithm of magnitude", "as mel_16k gives it, 100 hops a second, from R hops before the first frame to R after the last"),
            cards.tensor("heard", ["hops"], "0 or 1", "0 where the file has no sound"),
        ],
        "outputs": [
            cards.tensor("agreement", ["frames", "lags"], "none", "lags = hops - 4 * (frames - 1) = 2R + 1; lag k is an offset of 10 * (k - R) ms, positive: the sound comes late; to be summed over frames")
        ],
        "warm_up": {"frames": 25, "hops": 300},
        "decision": {
            "confidence": {name: round(value, 5) for name, value in vars(line).items()},
            "answerFrom": round(answer_from, 3),
            "penalties": {"break": round(BREAK_S * evidence, 3), "drift": round(DRIFT_S * evidence, 3)},
        },
        "dataset": f"{len(clips)} clips of {len(speakers(clips))} speakers, {sum(clip.seconds for clip in clips):.0f} s; version {run.dataset_version}",
        "parity": exported.parity,
        "measured": [*_figures(answers, plain, run.command()), *_sureness(answers, line, answer_from, run.command()), {**same, "command": run.command()}],
        "scores": {"strangers": {name: {key: round(value, 4) for key, value in measures.figures(_of(answers, name)).items()} for name in ASKED}},
        "licence": {"model": OWN_LICENCE, "training_data": TRAINING_DATA},
        "source": "two towers and a contrastive loss over shifts, after SyncNet (Chung and Zisserman 2016); written and trained here",
    }  # fmt: skip


def page(clips: list[Clip], answers: list[Answer], plain: list[Answer], line: Line, answer_from: float) -> Page:
    methods = {
        "two towers, speaker never trained on": answers,
        "correlation of opening and loudness": plain,
        "always zero": _zero(answers),
    }
    tables = [
        Table(
            what, "lower" if name == "median_ms" else "higher",
            [
                Row(method, {condition: measures.figures(_of(own, condition))[name] for condition in ASKED}, "comparator" if n else "model")
                for n, (method, own) in enumerate(methods.items())
            ],
        )
        for name, what in FIGURES.items()
    ]  # fmt: skip
    sure = {condition: float(np.mean(line.of(_of(answers, condition)) >= answer_from)) for condition in [*ASKED, *SWAPPED]}
    tables.append(Table("share that is answered", "higher", [Row("two towers", {name: sure[name] for name in ASKED})]))
    tables.append(
        Table(
            "share that is answered though the sound is another's",
            "lower",
            [Row("two towers", {name: sure[name] for name in SWAPPED})],
        )
    )
    return Page(title="Do the lips move with the sound?", tables=tables, limits=limits(clips))


def limits(clips: list[Clip]) -> list[str]:
    return [
        f"{len(speakers(clips))} speakers in a studio, frontal, a small vocabulary; each figure is of nets that never saw that speaker, talks longer than a clip are clips one after the other.",
        "Offsets are against the recordings' own, which may themselves be some 20 ms off.",
        "Noise is other speakers' voices added in bands; small heads are points that tremble, not small pictures.",
    ]


def same_figures(clips: list[Clip], pytorch: Compare, running: Compare) -> dict[str, Any]:
    """The exported graph measures what PyTorch measures: the mean offset of a few clips."""
    few = clips[:: max(1, len(clips) // 10)][:10]

    def mean(compare: Compare) -> float:
        return float(
            np.mean([measures.peak(measures.agreement_of(compare, clip.points, clip.mel)).lag * measures.LAG_MS for clip in few])
        )

    return metric_gate("mean offset of 10 clips, ms", mean(pytorch), mean(running), tolerance=SAME_MS)


def _figures(answers: list[Answer], plain: list[Answer], command: str) -> list[dict[str, Any]]:
    rows = []
    for name in ASKED:
        ours, others = measures.figures(_of(answers, name)), measures.figures(_of(plain, name))
        zero = measures.figures(_zero(_of(answers, name)))
        for figure, what in FIGURES.items():
            rows.append(
                {
                    "what": f"{what}; speakers never trained on, {name}, {len(_of(answers, name))} talks, offsets in ±0.8 s",
                    "value": round(ours[figure], 3),
                    "comparator": f"correlation of opening and loudness: {others[figure]:.3g}; always zero: {zero[figure]:.3g}",
                    "command": command,
                }
            )
    return rows


def _sureness(answers: list[Answer], line: Line, answer_from: float, command: str) -> list[dict[str, Any]]:
    sure, right = line.of(answers), confidence.right(answers)
    long = np.array([answer.seconds >= 4 and not answer.swapped for answer in answers])
    told = sure >= answer_from
    clean = np.array([answer.condition in confidence.CLEAN for answer in answers])
    values = {
        "AUROC of the confidence, right within 80 ms against wrong, all conditions": auroc(sure[right], sure[~right]),
        "calibration error of the confidence": confidence.calibration_error(answers, line),
        "share answered, talks of 5 s and more, all noises": float(told[long].mean()),
        "share within 80 ms of the answered, talks of 5 s and more, all noises": float(right[long & told].mean())
        if (long & told).any()
        else 0.0,
        "share answered, talks of 5 and 10 s without noise": float(told[clean].mean()),
    }
    for name in confidence.CLEAN:
        own, swapped = (np.array([answer.condition == asked for answer in answers]) for asked in (name, f"{name}, another's sound"))
        values[f"AUROC of the confidence, own sound against another's, {name}"] = auroc(sure[own], sure[swapped])
        values[f"share answered though the sound is another's, {name}"] = float(told[swapped].mean())
    return [{"what": what, "value": round(value, 3), "command": command} for what, value in values.items()]


def _of(answers: list[Answer], condition: str) -> list[Answer]:
    return [answer for answer in answers if answer.condition == condition]


def _zero(answers: list[Answer]) -> list[Answer]:
    """What guessing zero is off by."""
    return [replace(answer, error_ms=-answer.true_ms) for answer in answers]
