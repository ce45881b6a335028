"""What the onset model's card tells: inputs, outputs, thresholds, and every figure with the command that measures it."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import onnx

from soundstage_trainer import card as cards
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session
from soundstage_trainer.graphs import motion, onset_net
from soundstage_trainer.onset import training, trust
from soundstage_trainer.onset.dataset import Clip
from soundstage_trainer.onset.evaluation import Evaluation
from soundstage_trainer.recipes.common import OWN_LICENCE, milliseconds

COMMAND = "python -m soundstage_trainer onset --data DIR --out models --evaluate"
WORST_CLIPS = 8


def card(
    version: str, plan: training.TrainingPlan, clips: list[Clip], dataset: str, threshold: float, result: Evaluation | None,
    net: onset_net.OnsetNet, model: onnx.ModelProto,
) -> dict[str, object]:  # fmt: skip
    """Raises SoundstageError when the exported graph does not give what PyTorch gives."""
    measured = figures(result) if result is not None else []
    measured += [_parity(net, model, clips[0]), _speed(model)]
    told: dict[str, object] = {
        "name": "onset",
        "version": version,
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
        "trust_levels": {"good": trust.GOOD, "poor": trust.POOR},
        "min_gap_s": 0.1,
        "grid_rate_hz": onset_net.GRID_RATE_HZ,
        "recipe": "onset",
        "parameters": asdict(plan),
        "dataset": f"foley clips, {len(clips)} files of {len({c.entry.source for c in clips})} sources, version {dataset}",
        "measured": measured,
        "licence": {
            "model": OWN_LICENCE,
            "training_data": "CondFoleyGen, FoleyCrafter, VTA-LDM, SpecVQGAN (VAS, VGGSound) and AC215 demo clips: the clips keep their own terms; research weights, no clip is contained",
        },
        "source": "written and trained here",
    }  # fmt: skip
    if result is not None:
        told["scores"] = scores(result)
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


def figures(result: Evaluation) -> list[dict[str, object]]:
    """The table as the card keeps it."""
    ours = [line for line in result.rows if str(line["method"]).startswith("onset net")]
    others = [line for line in result.rows if line["method"] in ("frame difference, best of 4x4", "metronome, 5 Hz")]
    rows: list[dict[str, object]] = []
    for line in ours:
        part = str(line["method"]).replace("onset net", "").strip(", ") or "impact clips"
        for name, tolerance in (("50ms", 50), ("100ms", 100)):
            what = f"onset F1 at ±{tolerance} ms, {part}, {result.folds}-fold cross-validation by source, {line['clips']} clips, {line['onsets']} onsets"
            row = {"what": what, "value": line[f"f1_{name}"], "interval_90": line[f"f1_{name}_90"], "command": COMMAND}
            if line is ours[0]:
                row["comparator"] = "; ".join(f"{other['method']}: {other[f'f1_{name}']}" for other in others)
            elif "offset" in part:
                likewise = next(other for other in result.rows if other["method"] == "metronome, each clip moved by its best offset")
                row["comparator"] = f"metronome likewise: {likewise[f'f1_{name}']}"
            rows.append(row)
    rows.append(
        {
            "what": "mean difference of trust to the share of right onsets, same folds, each file's own offset taken out",
            "value": result.trust_error,
            "command": COMMAND,
        }
    )
    rows.append(
        {
            "what": "mean correlation of envelope and loudness, same folds, all clips",
            "value": result.envelope_correlation,
            "command": COMMAND,
        }
    )
    return rows


def _parity(net: onset_net.OnsetNet, model: onnx.ModelProto, clip: Clip) -> dict[str, object]:
    onset, _, envelope = training.detect(net, clip)
    given = {"features": clip.features, "times_s": clip.times_s, "grid_s": training.grid_of(clip)}
    found = session(model).run(["onset", "envelope"], given)
    worst = max(float(np.abs(found[0] - onset).max()), float(np.abs(found[1] - envelope).max()))
    if worst > 1e-3:
        raise SoundstageError("export_failed", f"The exported graph differs from PyTorch by {worst:.2g}; nothing was written.")
    return {"what": "largest difference to PyTorch on a real clip", "value": float(f"{worst:.2g}"), "command": COMMAND}


def _speed(model: onnx.ModelProto) -> dict[str, object]:
    times_s = (np.arange(300) / 30).astype(np.float32)
    features = np.random.default_rng(0).normal(0, 0.1, (300, motion.CHANNELS)).astype(np.float32)
    grid_s = (np.arange(501) / 50).astype(np.float32)
    value = milliseconds(session(model), {"features": features, "times_s": times_s, "grid_s": grid_s})
    return {"what": "ms for 10 s of video, onnxruntime CPU, 2 threads", "value": round(value, 1), "command": COMMAND}

