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
from soundstage_trainer.export import to_onnx
from soundstage_trainer.graphs import motion, onset_net
from soundstage_trainer.onset import dataset, evaluation, training
from soundstage_trainer.onset.dataset import Clip
from soundstage_trainer.recipes import onset_card

UNMEASURED_THRESHOLD = 0.3
UNMEASURED_TRUST = (-2.0, 3.0)


@dataclass(frozen=True)
class OnsetOptions:
    """As the command line gives them. limit: the first so many clips only, 0 for all; device: auto, cpu or cuda."""

    data: Path
    out: Path
    models: Path
    cache: Path
    labels: Path | None = None
    version: str = "1"
    folds: int = 5
    evaluate: bool = False
    limit: int = 0
    device: str = "auto"
    plan: training.TrainingPlan = training.TrainingPlan()


def run(options: OnsetOptions) -> tuple[Path, Path]:
    """Train on all clips, after a cross-validation where one is asked for; write out/onset/version."""
    clips, version = load(options)
    epochs = options.plan.epochs * options.plan.voters
    runs = (options.folds if options.evaluate else 0) + 1
    result: evaluation.Evaluation | None = None
    if options.evaluate:
        result = evaluate(options, clips, version, runs)
        threshold = result.threshold
    losses: list[float] = []

    def on_epoch(epoch: int, loss: float) -> None:
        losses.append(loss)
        _tell((runs - 1) * epochs + epoch, runs * epochs, "training on all clips")

    net = training.fit(clips, options.plan, training.device_of(options.device), on_epoch)
    progress.metric("loss.training", float(np.mean(losses[-5:])))
    net.trust_line.copy_(torch.tensor(UNMEASURED_TRUST if result is None else result.trust_line))
    if result is None:
        impact = [clip for clip in clips if clip.entry.impact]
        threshold = (
            training.best_threshold([_scored(net, clip) for clip in impact], training.THRESHOLDS)
            if impact
            else UNMEASURED_THRESHOLD
        )
    model = build(net)
    told = onset_card.card(options.version, options.plan, clips, version, threshold, result, net, model)
    return card.write_model(options.out / "onset" / options.version, model, told)


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
        device=training.device_of(options.device),
        on_epoch=lambda fold, epoch: _tell(fold * epochs + epoch, runs * epochs, f"fold {fold + 1} of {options.folds}"),
    )  # fmt: skip
    for line in result.rows:
        name = str(line["method"]).replace(", best of 4x4", "").replace(", 5 Hz", "").replace(", ", ".").replace(" ", "_")
        progress.metric(f"{name}.f1_50ms", float(line["f1_50ms"]))
        progress.metric(f"{name}.f1_100ms", float(line["f1_100ms"]))
    progress.metric("envelope_correlation", result.envelope_correlation)
    progress.metric("trust_error", result.trust_error)
    progress.say(evaluation.table(result))
    return result


def build(net: onset_net.OnsetNet) -> onnx.ModelProto:
    pairs, steps = torch.export.Dim("t", min=1), torch.export.Dim("g", min=1)
    example = (torch.rand(40, motion.CHANNELS), torch.arange(40) / 25.0, torch.arange(77) / 50.0)
    return to_onnx(
        net, example, inputs=["features", "times_s", "grid_s"], outputs=["onset", "peak", "envelope", "trust"],
        dynamic={"features": {0: pairs}, "times_s": {0: pairs}, "grid_s": {0: steps}},
    )  # fmt: skip


def _scored(net: onset_net.OnsetNet, clip: Clip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    onset, peak, _ = training.detect(net, clip)
    return (*training.peak_times(onset, peak), clip.onsets_s)


def _tell(step: int, of: int, message: str) -> None:
    if step % 5 == 0 or step == of:
        progress.progress(step, of, message)
