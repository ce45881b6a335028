"""Recipe `onset`: learn from clips with sound when a picture sounds; export, check and measure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

from soundstage_trainer import card, progress
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session, to_onnx
from soundstage_trainer.graphs import motion, onset_net
from soundstage_trainer.onset import dataset, evaluation, training
from soundstage_trainer.onset.dataset import Clip
from soundstage_trainer.recipes.common import OWN_LICENCE, milliseconds

COMMAND = "python -m soundstage_trainer onset --data DIR --out models --evaluate"
UNMEASURED_THRESHOLD = 0.3


@dataclass(frozen=True)
class OnsetOptions:
    """As the command line gives them. limit: the first so many clips only, 0 for all."""

    data: Path
    out: Path
    models: Path
    cache: Path
    labels: Path | None = None
    version: str = "1"
    folds: int = 5
    evaluate: bool = False
    limit: int = 0
    plan: training.TrainingPlan = training.TrainingPlan()


def run(options: OnsetOptions) -> tuple[Path, Path]:
    """Train on all clips, after a cross-validation where one is asked for; write out/onset/version."""
    clips, version = load(options)
    epochs = options.plan.epochs * options.plan.voters
    runs = (options.folds if options.evaluate else 0) + 1
    measured: list[dict[str, object]] = []
    result: evaluation.Evaluation | None = None
    if options.evaluate:
        result = evaluate(options, clips, version, runs)
        measured = card_figures(result)
        threshold = result.threshold
    net = training.fit(
        clips, options.plan, lambda epoch: _tell((runs - 1) * epochs + epoch, runs * epochs, "training on all clips")
    )
    if result is None:
        impact = [clip for clip in clips if clip.entry.impact]
        threshold = (
            training.best_threshold([_scored(net, clip) for clip in impact], training.THRESHOLDS)
            if impact
            else UNMEASURED_THRESHOLD
        )
    model = build(net)
    measured.append(_parity(net, model, clips[0]))
    measured.append(_speed(model))
    return card.write_model(options.out / "onset" / options.version, model, _card(options, clips, version, threshold, measured))


def load(options: OnsetOptions) -> tuple[list[Clip], str]:
    """The clips with their features, and the version of the data set."""
    entries = dataset.read_labels(options.data, options.labels)
    entries = entries[: options.limit] if options.limit else entries
    model_folder = options.models / "motion" / "1"
    if not (model_folder / "card.json").is_file():
        raise SoundstageError("bad_input", f"{options.models} holds no motion model; make it by the recipe motion.")
    card.read_card(model_folder)
    clips = list(
        dataset.load_clips(
            options.data, entries, cache=options.cache, motion_model=model_folder / "model.onnx",
            on_clip=lambda done, of, name: progress.progress(done, of, f"features of {Path(name).name}"),
        )
    )  # fmt: skip
    if not any(clip.entry.impact and len(clip.onsets_s) for clip in clips):
        raise SoundstageError("bad_input", "No clip marked as impact has an audible onset; there is nothing to learn from.")
    motion_hash = hashlib.sha256((model_folder / "model.onnx").read_bytes()).hexdigest()[:8]
    return clips, f"{dataset.dataset_version(entries, options.data)}-{motion_hash}"


def evaluate(options: OnsetOptions, clips: list[Clip], version: str, runs: int) -> evaluation.Evaluation:
    """Cross-validate, tell the figures as metric lines, and the table to people."""
    sources = {clip.entry.source for clip in clips}
    if len(sources) < options.folds:
        raise SoundstageError("bad_input", f"{options.folds} folds need as many sources; the clips have {len(sources)}.")
    epochs = options.plan.epochs * options.plan.voters
    result = evaluation.evaluate(
        clips, options.plan, folds=options.folds, cache=options.cache, dataset=version,
        on_epoch=lambda fold, epoch: _tell(fold * epochs + epoch, runs * epochs, f"fold {fold + 1} of {options.folds}"),
    )  # fmt: skip
    for line in result.rows:
        name = str(line["method"]).split(",")[0].replace(" ", "_")
        progress.metric(f"{name}.f1_50ms", float(line["f1_50ms"]))
        progress.metric(f"{name}.f1_100ms", float(line["f1_100ms"]))
    progress.metric("envelope_correlation", result.envelope_correlation)
    progress.say(evaluation.table(result))
    return result


def build(net: onset_net.OnsetNet) -> onnx.ModelProto:
    pairs, steps = torch.export.Dim("t", min=1), torch.export.Dim("g", min=1)
    example = (torch.rand(40, motion.CHANNELS), torch.arange(40) / 25.0, torch.arange(77) / 50.0)
    return to_onnx(
        net, example, inputs=["features", "times_s", "grid_s"], outputs=["onset", "peak", "envelope"],
        dynamic={"features": {0: pairs}, "times_s": {0: pairs}, "grid_s": {0: steps}},
    )  # fmt: skip


def card_figures(result: evaluation.Evaluation) -> list[dict[str, object]]:
    """The table as the card keeps it."""
    net, *others = result.rows
    what = f"onset F1 at ±{{}} ms, {result.folds}-fold cross-validation by source, {result.clips} clips, {result.onsets} onsets"
    figures: list[dict[str, object]] = []
    for name, tolerance in (("50ms", 50), ("100ms", 100)):
        beside = "; ".join(f"{line['method']}: {line[f'f1_{name}']}" for line in others)
        figures.append(
            {"what": what.format(tolerance), "value": net[f"f1_{name}"], "interval_90": net[f"f1_{name}_90"], "comparator": beside, "command": COMMAND}
        )  # fmt: skip
    figures.append(
        {
            "what": "mean correlation of envelope and loudness, same folds, all clips",
            "value": result.envelope_correlation,
            "command": COMMAND,
        }
    )
    return figures


def _card(
    options: OnsetOptions, clips: list[Clip], version: str, threshold: float, measured: list[dict[str, object]]
) -> dict[str, object]:
    plan = options.plan
    return {
        "name": "onset",
        "version": options.version,
        "does": "When what is seen makes a struck sound, and how loud what is seen is, from motion features.",
        "inputs": [
            card.tensor("features", ["T", motion.CHANNELS], "as motion", "the output of motion for the whole clip, T >= 1"),
            card.tensor("times_s", ["T"], "seconds", "the middle of each frame pair, rising"),
            card.tensor("grid_s", ["G"], "seconds", "uniform, 50 Hz (step 0.02 s), G >= 1; usually from 0 to the clip's end"),
        ],
        "outputs": [
            card.tensor("onset", ["G"], "0..1", "chance that a struck sound begins at this grid time"),
            card.tensor("peak", ["G"], "0..1", "onset where it is the largest within 80 ms to each side, else 0; an onset is where peak >= threshold"),
            card.tensor("envelope", ["G"], "0..1", "loudness; 1 is the clip's loudest, 0 is 40 dB or more below"),
        ],
        "threshold": threshold,
        "min_gap_s": 0.1,
        "grid_rate_hz": onset_net.GRID_RATE_HZ,
        "recipe": "onset",
        "parameters": {"epochs": plan.epochs, "voters": plan.voters, "seed": plan.seed, "learning_rate": plan.learning_rate, "batch": plan.batch},
        "dataset": f"foley clips, {len(clips)} files of {len({c.entry.source for c in clips})} sources, version {version}",
        "measured": measured,
        "licence": {
            "model": OWN_LICENCE,
            "training_data": "CondFoleyGen, FoleyCrafter, VTA-LDM, SpecVQGAN (VAS, VGGSound) and AC215 demo clips: the clips keep their own terms; research weights, no clip is contained",
        },
        "source": "written and trained here",
    }  # fmt: skip


def _scored(net: onset_net.OnsetNet, clip: Clip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    grid_s, peak, _ = training.detect(net, clip)
    return grid_s[peak > 0], peak[peak > 0], clip.onsets_s


def _parity(net: onset_net.OnsetNet, model: onnx.ModelProto, clip: Clip) -> dict[str, object]:
    grid_s, peak, envelope = training.detect(net, clip)
    found = session(model).run(["peak", "envelope"], {"features": clip.features, "times_s": clip.times_s, "grid_s": grid_s})
    worst = max(float(np.abs(found[0] - peak).max()), float(np.abs(found[1] - envelope).max()))
    if worst > 1e-3:
        raise SoundstageError("export_failed", f"The exported graph differs from PyTorch by {worst:.2g}; nothing was written.")
    return {"what": "largest difference to PyTorch on a real clip", "value": float(f"{worst:.2g}"), "command": COMMAND}


def _speed(model: onnx.ModelProto) -> dict[str, object]:
    times_s = (np.arange(300) / 30).astype(np.float32)
    features = np.random.default_rng(0).normal(0, 0.1, (300, motion.CHANNELS)).astype(np.float32)
    grid_s = (np.arange(501) / 50).astype(np.float32)
    value = milliseconds(session(model), {"features": features, "times_s": times_s, "grid_s": grid_s})
    return {"what": "ms for 10 s of video, onnxruntime CPU, 2 threads", "value": round(value, 1), "command": COMMAND}


def _tell(step: int, of: int, message: str) -> None:
    if step % 5 == 0 or step == of:
        progress.progress(step, of, message)
