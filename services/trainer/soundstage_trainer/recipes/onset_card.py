"""What the onset model's card tells: inputs, outputs, thresholds, and every figure with the command that measures it."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from soundstage_trainer import card as cards
from soundstage_trainer.graphs import motion, onset_net
from soundstage_trainer.onset import dataset, training, trust
from soundstage_trainer.onset.dataset import Clip
from soundstage_trainer.onset.evaluation import Evaluation
from soundstage_trainer.onset.held_out import METHODS, NET, HeldOut
from soundstage_trainer.recipes.common import OWN_LICENCE, milliseconds
from soundstage_trainer.run import Exported, Run
from soundstage_trainer.run.clips import SPLITS

WORST_CLIPS = 8
FOLEY_LICENCE = "CondFoleyGen, FoleyCrafter, VTA-LDM, SpecVQGAN (VAS, VGGSound) and AC215 demo clips: the clips keep their own terms; research weights, no clip is contained"
OTHER_LICENCE = "the clips of this data set keep their own terms; no clip is contained"
THRESHOLD_FROM = {
    "validation": "the clips of the split validation", "folds": "cross-validation", "train": "the training clips themselves",
}  # fmt: skip


def card(
    run: Run, plan: training.TrainingPlan, learned: list[Clip], clips: list[Clip], threshold: float, threshold_from: str,
    result: Evaluation | None, parts: list[HeldOut], by_both: list[dict[str, object]], exported: Exported,
) -> dict[str, object]:  # fmt: skip
    """Everything but what finish() adds. by_both: the F1 of each part through onnxruntime beside PyTorch's."""
    command = run.command()
    measured = figures(result, command) if result is not None else []
    for part, gated in zip(parts, by_both, strict=True):
        measured += held_out_figures(part, gated, command)
    measured += [
        {"what": "largest difference to PyTorch", "value": exported.parity["max_abs_difference"], "command": command},
        _speed(exported, command),
    ]
    packaged = dataset.is_packaged(run.data, run.paths.get("labels"))
    told: dict[str, object] = {
        "name": "onset",
        "version": run.version,
        "does": "When what is seen makes a struck sound, how loud what is seen is, and how far that may be trusted, from motion features.",
        "inputs": [
            cards.tensor("features", ["T", motion.CHANNELS], "as motion", "the output of motion for the whole clip, T >= 1"),
            cards.tensor("times_s", ["T"], "seconds", "the middle of each frame pair, rising"),
            cards.tensor("grid_s", ["G"], "seconds", "uniform, 50 Hz (step 0.02 s), G >= 1; usually from 0 to the clip's end"),
        ],
        "outputs": [
            cards.tensor("onset", ["G"], "0..1", "chance that a struck sound begins at this grid time"),
            cards.tensor("peak", ["G"], "0..1", "onset where it is the largest within 80 ms to each side, else 0; an onset is where peak >= threshold"),
            cards.tensor("envelope", ["G"], "0..1", "loudness; 1 is the clip's loudest, 0 is 40 dB or more below"),
            cards.tensor("trust", [1], "0..1", "share of the found onsets that may be expected within 50 ms of a true one, for what this run was given"),
        ],
        "threshold": threshold,
        "threshold_from": THRESHOLD_FROM[threshold_from],
        "trust_levels": {"good": trust.GOOD, "poor": trust.POOR},
        "min_gap_s": 0.1,
        "grid_rate_hz": onset_net.GRID_RATE_HZ,
        "plan": asdict(plan),
        "dataset": f"{'foley clips' if packaged else 'clips'}, {len(learned)} files of {len({c.entry.source for c in learned})} sources to learn from, version {run.dataset_version}",
        "splits": splits_of(clips),
        "parity": exported.parity,
        "measured": measured,
        "licence": {
            "model": OWN_LICENCE,
            "training_data": FOLEY_LICENCE if packaged else OTHER_LICENCE,
        },
        "source": "written and trained here",
    }  # fmt: skip
    if result is not None or parts:
        told["scores"] = {**(scores(result) if result is not None else {}), **{part.split: split_scores(part) for part in parts}}
    if result is not None:
        told["worst_clips"] = [
            {"clip": s.clip, "class": s.kind, "onsets": s.true, "found": s.found, "f1_50ms": s.f1_50ms, "trust": s.trust}
            for s in result.by_clip[:WORST_CLIPS]
        ]
    return told


def scores(result: Evaluation) -> dict[str, object]:
    """The headline by part of the clips: impact (all), close_up, trusted_half; and what stands beside them."""
    names = {
        "onset net": "impact", "onset net, close-up contact": "close_up", "onset net, trusted half": "trusted_half",
        "frame difference, best of 4x4": "frame_difference", "metronome, 5 Hz": "metronome",
        "onset net, each clip moved by its best offset": "impact_in_step",
        "onset net, close-up, each clip moved by its best offset": "close_up_in_step",
        "onset net, trusted half, each clip moved by its best offset": "trusted_half_in_step",
        "metronome, each clip moved by its best offset": "metronome_in_step",
    }  # fmt: skip
    return {
        names[str(line["method"])]: {
            key: line[key] for key in ("clips", "onsets", "f1_50ms", "f1_50ms_90", "f1_100ms", "f1_100ms_90", "precision_50ms", "recall_50ms")
        }
        for line in result.rows
        if line["method"] in names
    }  # fmt: skip


def split_scores(part: HeldOut) -> dict[str, object]:
    """The rows of a split by method."""
    return {name: {key: value for key, value in part.row(method).items() if key != "method"} for method, name in METHODS.items()}


def splits_of(clips: list[Clip]) -> dict[str, object]:
    """Clips, sources and onsets of the struck clips, by split."""
    told = {}
    for split in SPLITS:
        members = [clip for clip in clips if clip.entry.split == split]
        onsets = sum(len(clip.onsets_s) for clip in members if clip.entry.impact)
        told[split] = {"clips": len(members), "sources": len({c.entry.source for c in members}), "onsets": onsets}
    return told


def held_out_figures(part: HeldOut, by_both: dict[str, object], command: str) -> list[dict[str, object]]:
    """F1 of a split as the card keeps it, through onnxruntime, PyTorch's and the comparators beside it."""
    rows = []
    for name, tolerance in (("50ms", 50), ("100ms", 100)):
        line = part.row(NET)
        what = f"onset F1 at ±{tolerance} ms on {part.split}, through onnxruntime, {line['clips']} clips, {line['onsets']} onsets"
        beside = "; ".join(f"{method}: {part.f1(method, name)}" for method in METHODS if method != NET)
        row = {"what": what, "value": line[f"f1_{name}"], "interval_90": line[f"f1_{name}_90"], "comparator": beside}
        if name == "50ms":
            row["pytorch"] = by_both["pytorch"]
        rows.append({**row, "command": command})
    return rows


def unmeasured(result: Evaluation | None) -> list[str]:
    """What to say where all clips were trained on."""
    if result is not None:
        return [
            "The net was trained on all clips; the figures are of nets of the same recipe that had not seen the clip's source."
        ]
    return ["Nothing was held out and nothing cross-validated: how well it does is not known. Threshold and trust are guesses."]


def figures(result: Evaluation, command: str) -> list[dict[str, object]]:
    """The table as the card keeps it."""
    ours = [line for line in result.rows if str(line["method"]).startswith("onset net")]
    others = [line for line in result.rows if line["method"] in ("frame difference, best of 4x4", "metronome, 5 Hz")]
    rows: list[dict[str, object]] = []
    for line in ours:
        part = str(line["method"]).replace("onset net", "").strip(", ") or "impact clips"
        for name, tolerance in (("50ms", 50), ("100ms", 100)):
            what = f"onset F1 at ±{tolerance} ms, {part}, {result.folds}-fold cross-validation by source, {line['clips']} clips, {line['onsets']} onsets"
            row = {"what": what, "value": line[f"f1_{name}"], "interval_90": line[f"f1_{name}_90"], "command": command}
            if line is ours[0]:
                row["comparator"] = "; ".join(f"{other['method']}: {other[f'f1_{name}']}" for other in others)
            elif "offset" in part:
                likewise = next(
                    other for other in result.rows if other["method"] == "metronome, each clip moved by its best offset"
                )
                row["comparator"] = f"metronome likewise: {likewise[f'f1_{name}']}"
            rows.append(row)
    rows.append(
        {
            "what": "mean difference of trust to the share of right onsets, same folds, each file's own offset taken out",
            "value": result.trust_error,
            "command": command,
        }
    )
    rows.append(
        {
            "what": "mean correlation of envelope and loudness, same folds, all clips",
            "value": result.envelope_correlation,
            "command": command,
        }
    )
    return rows


def _speed(exported: Exported, command: str) -> dict[str, object]:
    times_s = (np.arange(300) / 30).astype(np.float32)
    features = np.random.default_rng(0).normal(0, 0.1, (300, motion.CHANNELS)).astype(np.float32)
    grid_s = (np.arange(501) / 50).astype(np.float32)
    value = milliseconds(exported.running, {"features": features, "times_s": times_s, "grid_s": grid_s})
    return {"what": "ms for 10 s of video, onnxruntime CPU, 2 threads", "value": round(value, 1), "command": command}
