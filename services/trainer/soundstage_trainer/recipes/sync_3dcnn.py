"""Recipe `sync_3dcnn`: the AV-sync project's own model, trained and measured on any data set, so that `sync` can be held
against it: one regression from 8 frames of lip flow and the MFCC of as long a sound to the offset between the two."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from soundstage_trainer import progress
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.graphs.lip_flow import SIDE
from soundstage_trainer.run import Config, Exported, Recipe, Run, Written, export_with_gate, finish, metric_gate, setting, train
from soundstage_trainer.sync_3dcnn import blocks, card, dataset, measures
from soundstage_trainer.sync_3dcnn.dataset import COEFFICIENTS, Clip, speaker_folds
from soundstage_trainer.sync_3dcnn.measures import METHODS, NET, Measured, answers_of_graph, answers_of_net
from soundstage_trainer.sync_3dcnn.net import Sync3dCnn
from soundstage_trainer.sync_3dcnn.training import Plan, Sync3dTask

PARITY = 1e-3
SAME_METRIC = 1e-3


@dataclass(frozen=True)
class Sync3dConfig(Config):
    """What can be told to the recipe, beside what every recipe is told."""

    steps: int = setting(600, "optimisation steps of a training", least=1)
    batch: int = setting(64, "pairs of blocks a step", least=2, most=4096)
    learning_rate: float = setting(1e-3, "the highest; it rises over the first steps and falls as a cosine", least=1e-6, most=1)
    weight_decay: float = setting(0.01, "AdamW's", least=0, most=1)
    dropout: float = setting(0.3, "share of the activations of the dense layers left out while training", least=0, most=0.9)
    held_out: float = setting(
        0.15, "share of every speaker's clips on which weights are chosen, and once more to measure known speakers on", least=0, most=0.4
    )  # fmt: skip
    evaluate: bool = setting(False, "before training, train for every part of the speakers on the others, and print the table")
    folds: int = setting(2, "parts that the speakers are dealt into for that", least=2, most=20)

    def plan(self) -> Plan:
        return Plan(self.steps, self.batch, self.learning_rate, self.weight_decay, self.dropout)


@dataclass(frozen=True)
class Trained:
    """known: clips of the speakers that were learned from, which were not. mean_offset: frames."""

    net: Sync3dCnn
    learned: list[Clip]
    known: list[Clip]
    mean_offset: float


@dataclass
class Trainings:
    """All trainings of a run; two of the same clips are done once. of: how many differ."""

    config: Sync3dConfig
    run: Run
    of: int
    done: dict[tuple[str, ...], Trained] = field(default_factory=dict)

    def on(self, clips: list[Clip], name: str, message: str) -> Trained:
        key = _key(clips)
        if key not in self.done:
            learned, chosen_on, known = dataset.hold_out(clips, self.config.held_out, self.config.seed)
            steps = self.config.steps
            part = self.run.part(name, message, steps_before=len(self.done) * steps, steps_in_all=self.of * steps)
            task = Sync3dTask(learned, chosen_on, self.config.plan(), part)
            train(task, part)
            self.done[key] = Trained(task.best(), learned, known, task.mean_offset())
        return self.done[key]


def learn(config: Sync3dConfig, run: Run) -> Written:
    """Train on the split train, measure on clips of its speakers that were kept out and on the speakers of the other splits."""
    clips, version = dataset.load(run.data)
    usable = [clip for clip in clips if len(blocks.places(clip))]
    if len(usable) < len(clips):
        progress.say(f"{len(clips) - len(usable)} of {len(clips)} clips are left out: shorter than 1.1 s, or no mouth is seen.")
    taught = [clip for clip in usable if clip.split == "train"]
    if not taught:
        raise SoundstageError(
            "bad_input", "No clip of the split train shows a mouth for 1.1 s or more; there is nothing to learn from."
        )
    folds = _folds(config, usable)
    run.begin(version)
    trainings = Trainings(config, run, of=len({_key(taught), *(_key(others) for others, _ in folds)}))
    crossed = [part for number, fold in enumerate(folds, 1) for part in _fold(trainings, number, *fold)]
    if crossed:
        progress.say(measures.table(crossed))

    trained = trainings.on(taught, "final", "training")
    groups = {"known": trained.known, **{split: [c for c in usable if c.split == split] for split in ("validation", "test")}}
    groups = {name: members for name, members in groups.items() if members}
    exported = export(trained.net, [members[0] for members in groups.values()] or trained.learned[:1])
    parts, gates = [], []
    for name, members in groups.items():
        part = measures.measure(name, members, answers_of_graph(exported.running), trained.mean_offset)
        by_torch = measures.measure(name, members, answers_of_net(trained.net), trained.mean_offset)
        gates.append(
            metric_gate(
                f"rMSE of a block in frames, {name}", by_torch.values[NET]["block_rmse_frames"],
                part.values[NET]["block_rmse_frames"], tolerance=SAME_METRIC,
            )
        )  # fmt: skip
        parts.append(part)
        _tell(run, part)
    progress.say(measures.table(parts))
    told = card.card(run, usable, trained.learned, trained.net, parts, crossed, gates, exported)
    page = card.page(trained.learned, parts, crossed, groups)
    return finish(run, exported.model, told, page)


def export(net: Sync3dCnn, clips: list[Clip]) -> Exported:
    """The graph for any number of pairs, held to PyTorch on real blocks and on a single pair."""
    pair = (torch.randn(3, blocks.FRAMES, SIDE, SIDE), torch.randn(3, blocks.HOPS, COEFFICIENTS) * 10)
    cases = [tuple(tensor[:1] for tensor in pair)]
    for clip in clips[:3]:
        flow, mfcc = blocks.cut(clip, clip, int(blocks.places(clip)[0]), 3)
        cases.append((torch.from_numpy(flow)[None], torch.from_numpy(mfcc)[None]))
    any_number = torch.export.Dim("n", min=1)
    return export_with_gate(
        net, pair, inputs=["flow", "mfcc"], outputs=["offset"], dynamic={"flow": {0: any_number}, "mfcc": {0: any_number}},
        tolerance=PARITY, cases=cases,
    )  # fmt: skip


def _folds(config: Sync3dConfig, clips: list[Clip]) -> list[tuple[list[Clip], list[Clip]]]:
    """Clips of the speakers to learn from, and of those who are strangers then."""
    if not config.evaluate:
        return []
    speakers = {clip.speaker for clip in clips}
    if len(speakers) < config.folds:
        raise SoundstageError("bad_input", f"{config.folds} folds need as many speakers; the clips have {len(speakers)}.")
    strangers = [set(part) for part in speaker_folds(clips, config.folds)]
    return [([c for c in clips if c.speaker not in part], [c for c in clips if c.speaker in part]) for part in strangers]


def _fold(trainings: Trainings, number: int, others: list[Clip], strangers: list[Clip]) -> list[Measured]:
    trained = trainings.on(others, f"fold-{number}", f"training, fold {number} of {trainings.config.folds}")
    groups = {"known": trained.known, "stranger": strangers}
    parts = [
        measures.measure(f"{name}_{number}", members, answers_of_net(trained.net), trained.mean_offset)
        for name, members in groups.items()
        if members
    ]
    for part in parts:
        _tell(trainings.run, part)
    return parts


def _tell(run: Run, part: Measured) -> None:
    """Metric lines: sync_3dcnn.clip_median_ms.test, always_zero.clip_median_ms.test, …"""
    for method, values in part.values.items():
        for name, value in values.items():
            run.metric(f"{METHODS[method]}.{name}.{part.group}", value)


def _key(clips: list[Clip]) -> tuple[str, ...]:
    return tuple(sorted(clip.id for clip in clips))


RECIPE = Recipe(
    does="train the AV-sync project's own model, to compare with", train=learn, config=Sync3dConfig, needs=("data",),
    features=dataset.FEATURES,
)  # fmt: skip
