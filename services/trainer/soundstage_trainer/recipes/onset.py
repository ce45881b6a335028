"""Recipe `onset`: learn from clips with sound when a picture sounds; export, check and measure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from soundstage_trainer import card, progress
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.graphs import motion, onset_net
from soundstage_trainer.onset import dataset, evaluation, held_out, training, trust
from soundstage_trainer.onset.dataset import Clip, ClipEntry
from soundstage_trainer.onset.held_out import NET, HeldOut
from soundstage_trainer.recipes import onset_card, onset_page
from soundstage_trainer.run import Config, Exported, Recipe, Run, Written, export_with_gate, finish, metric_gate, setting

UNMEASURED_THRESHOLD = 0.3
UNMEASURED_TRUST = (-2.0, 3.0)
FEWEST_CLIPS_FOR_TRUST = 8
PARITY = 1e-3


@dataclass(frozen=True)
class OnsetConfig(Config):
    """What can be told to the recipe, beside what every recipe is told."""

    epochs: int = setting(30, "passes over the clips for each voter", least=1)
    voters: int = setting(3, "nets whose answers are averaged", least=1, most=20)
    batch: int = setting(8, "crops of 3 s a step", least=1)
    learning_rate: float = setting(3e-3, "the highest of the cycle", least=1e-6, most=1.0)
    impact_labels: str = setting(
        "", "labels whose clips are struck, with commas between; empty: all (of a labels file: those that say so)"
    )
    folds: int = setting(5, "folds of the cross-validation, by source", least=2)
    evaluate: bool = setting(False, "cross-validate before training")
    limit: int = setting(0, "use the first so many clips only; 0 is all", least=0)

    def plan(self) -> training.TrainingPlan:
        return training.TrainingPlan(self.epochs, self.voters, self.batch, self.learning_rate, self.seed)


def train(config: OnsetConfig, run: Run) -> Written:
    """Train on the split train (all clips, where there are no splits), after a cross-validation where one is asked for."""
    entries, motion_model = begin(config, run)
    clips = load(run, entries, motion_model)
    learned, validation, test = ([c for c in clips if c.entry.split == split] for split in ("train", "validation", "test"))
    if not any(len(clip.onsets_s) for clip in held_out.struck(learned)):
        raise SoundstageError("bad_input", "No clip marked as impact has an audible onset; there is nothing to learn from.")
    plan = config.plan()
    steps, of = training.steps_of(len(learned), plan), fold_steps(config, learned) + training.steps_of(len(learned), plan)
    result = cross_validate(config, run, learned, of) if config.evaluate else None

    message = "training on all clips" if len(learned) == len(clips) else f"training on {len(learned)} clips"
    final = run.part("", message, steps_before=of - steps, steps_in_all=of)
    net = training.fit(learned, plan, final, validation)
    run.metric("loss.training", float(np.mean([value for _, value in final.curve("loss.training")[-5:]])))

    chosen_on = choose_on(learned, validation, result)
    threshold = threshold_of(net, chosen_on, result)
    net.trust_line.copy_(torch.tensor(trust_line(net, validation, threshold, result)))
    exported = export(net, [learned[0], *validation[:1], *test[:1]])

    difference = training.best_threshold(
        [evaluation.difference_peaks(clip) for clip in chosen_on], evaluation.DIFFERENCE_THRESHOLDS
    )
    parts, measured = [], []
    for split, members in (("validation", validation), ("test", test)):
        part = held_out.measure(split, members, held_out.heard_by(exported.running), threshold, difference)
        if part is not None:
            parts.append(part)
            measured.append(_by_both(part, net, threshold, difference))
            tell(run, part)
    threshold_from = "validation" if chosen_on and chosen_on[0].entry.split == "validation" else "folds" if result else "train"
    limits = held_out.limits(learned, parts, threshold_from) if len(learned) < len(clips) else onset_card.unmeasured(result)
    told = onset_card.card(run, plan, learned, clips, threshold, threshold_from, result, parts, measured, exported)
    page = onset_page.page(run, clips, exported, threshold, result, parts, limits)
    return finish(run, exported.model, told, page)


def begin(config: OnsetConfig, run: Run) -> tuple[list[ClipEntry], Path]:
    """Read the list of clips and tell the facts. Returns the clips and the motion model's file."""
    wanted = [label.strip() for label in config.impact_labels.split(",") if label.strip()]
    entries = dataset.entries_of(run.data, run.paths.get("labels"), wanted)
    entries = entries[: config.limit] if config.limit else entries
    folder = run.models / "motion" / "1"
    if not (folder / "card.json").is_file():
        raise SoundstageError("bad_input", f"{run.models} holds no motion model; make it by the recipe motion.")
    card.read_card(folder)
    motion_hash = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()[:8]
    run.begin(f"{dataset.dataset_version(entries, run.data)}-{motion_hash}")
    return entries, folder / "model.onnx"


def load(run: Run, entries: list[ClipEntry], motion_model: Path) -> list[Clip]:
    """The clips with their features."""
    return list(
        dataset.load_clips(
            run.data, entries, cache=run.cache, motion_model=motion_model,
            on_clip=lambda done, of, name: progress.progress(done, of, f"features of {Path(name).name}"),
        )
    )  # fmt: skip


def fold_steps(config: OnsetConfig, clips: list[Clip]) -> int:
    """Steps of all folds together, or none where nothing is to be cross-validated."""
    if not config.evaluate:
        return 0
    members = training.folds_by_source(clips, config.folds, seed=1)
    return sum(training.steps_of(len(clips) - len(fold), config.plan()) for fold in members)


def cross_validate(config: OnsetConfig, run: Run, clips: list[Clip], of: int) -> evaluation.Evaluation:
    """Cross-validate, tell the figures as metric lines, and the table to people."""
    sources = {clip.entry.source for clip in clips}
    if len(sources) < config.folds:
        raise SoundstageError("bad_input", f"{config.folds} folds need as many sources; the clips have {len(sources)}.")
    each = fold_steps(config, clips) // config.folds
    result = evaluation.evaluate(
        clips, config.plan(), folds=config.folds, cache=run.cache, dataset=run.dataset_version,
        part=lambda fold: run.part(
            f"fold-{fold + 1}", f"training, fold {fold + 1} of {config.folds}", steps_before=fold * each, steps_in_all=of
        ),
    )  # fmt: skip
    for line in result.rows:
        name = str(line["method"]).replace(", best of 4x4", "").replace(", 5 Hz", "").replace(", ", ".").replace(" ", "_")
        run.metric(f"{name}.f1_50ms", float(line["f1_50ms"]))
        run.metric(f"{name}.f1_100ms", float(line["f1_100ms"]))
    run.metric("envelope_correlation", result.envelope_correlation)
    run.metric("trust_error", result.trust_error)
    progress.say(evaluation.table(result))
    return result


def print_table(config: OnsetConfig, run: Run, *, as_json: bool) -> None:
    """The command evaluate-onsets: cross-validate all clips and print the table."""
    if as_json:
        progress.silence()
    clips = load(run, *begin(config, run))
    of = fold_steps(replace(config, evaluate=True), clips)
    result = cross_validate(replace(config, evaluate=True), run, clips, of)
    if as_json:
        print(json.dumps(evaluation.as_json(result)))


def choose_on(learned: list[Clip], validation: list[Clip], result: evaluation.Evaluation | None) -> list[Clip]:
    """The struck clips that the thresholds are chosen on: those of validation, where they have an onset."""
    struck = held_out.struck(validation)
    return struck if any(len(clip.onsets_s) for clip in struck) else held_out.struck(learned)


def threshold_of(net: onset_net.OnsetNet, clips: list[Clip], result: evaluation.Evaluation | None) -> float:
    """Validation decides; without it the cross-validation; without both the training clips themselves."""
    if result is not None and not any(clip.entry.split == "validation" for clip in clips):
        return result.threshold
    scored = [training.heard(net, clip) for clip in clips]
    return training.best_threshold(scored, training.THRESHOLDS) if scored else UNMEASURED_THRESHOLD


def trust_line(
    net: onset_net.OnsetNet, validation: list[Clip], threshold: float, result: evaluation.Evaluation | None
) -> tuple[float, float]:
    """Bias and slope of trust: by cross-validation, else by validation clips where there are enough, else a cautious guess."""
    if result is not None:
        return result.trust_line
    clips = held_out.struck(validation)
    if len(clips) < FEWEST_CLIPS_FOR_TRUST:
        return UNMEASURED_TRUST
    scored = [training.heard(net, clip) for clip in clips]
    found = [times[heights >= threshold] for times, heights, _ in scored]
    moved = [evaluation.in_step(times, clip) for times, clip in zip(found, clips, strict=True)]
    hits = [c.hits for c in training.counts_at(moved, clips, trust.TOLERANCE_S)]
    sure = [trust.sureness(heights) for _, heights, _ in scored]
    return trust.calibrate(np.array(sure), np.array(hits), np.array([len(times) for times in found]))


def export(net: onset_net.OnsetNet, clips: Sequence[Clip] = ()) -> Exported:
    """The graph, held to PyTorch on the clips and on the shortest input there is. `peak` is held by the F1 measured through
    onnxruntime: where two values are level to the last bit, either may be called the peak."""
    pairs, steps = torch.export.Dim("t", min=1), torch.export.Dim("g", min=1)
    example = (torch.rand(40, motion.CHANNELS), torch.arange(40) / 25.0, torch.arange(77) / 50.0)
    shortest = (torch.rand(1, motion.CHANNELS), torch.zeros(1), torch.zeros(1))
    real = [tuple(torch.from_numpy(a) for a in (clip.features, clip.times_s, training.grid_of(clip))) for clip in clips]
    return export_with_gate(
        net, example, inputs=["features", "times_s", "grid_s"], outputs=["onset", "peak", "envelope", "trust"],
        dynamic={"features": {0: pairs}, "times_s": {0: pairs}, "grid_s": {0: steps}}, tolerance=PARITY,
        compared=["onset", "envelope"], cases=[shortest, *real],
    )  # fmt: skip


def tell(run: Run, part: HeldOut) -> None:
    """Metric lines: f1_50ms.test, metronome.f1_50ms.test, …"""
    for method, name in held_out.METHODS.items():
        for tolerance in ("50ms", "100ms"):
            prefix = "" if method == NET else f"{name}."
            run.metric(f"{prefix}f1_{tolerance}.{part.split}", part.f1(method, tolerance))


def _by_both(part: HeldOut, net: onset_net.OnsetNet, threshold: float, difference: float) -> dict[str, object]:
    """Re-measured through PyTorch: two onsets may fall on the other side of the threshold, no more."""
    by_pytorch = held_out.measure(part.split, part.clips, lambda clip: training.heard(net, clip), threshold, difference)
    onsets = int(part.row(NET)["onsets"])
    return metric_gate(
        f"onset F1 at ±50 ms on {part.split}", by_pytorch.f1(NET), part.f1(NET), tolerance=0.002 + 2 / max(1, onsets)
    )


RECIPE = Recipe(
    does="train when a picture sounds, from clips with sound", train=train, config=OnsetConfig, needs=("data",), version="2",
    paths={"labels": "CSV of clip, source, class, impact, close_up (default DATA/clips.jsonl, DATA/labels.csv, the packaged list)"},
)  # fmt: skip
