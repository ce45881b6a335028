"""Recipe `sync`: learn from people who speak how lips and sound go together; export, check and measure on strangers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from soundstage_trainer import card as cards
from soundstage_trainer import progress
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import store_as_float16
from soundstage_trainer.graphs.sync_net import BANDS, POINTS, SyncNet
from soundstage_trainer.recipes import sync_card
from soundstage_trainer.run import Config, Exported, Recipe, Run, Written, export_with_gate, finish, setting
from soundstage_trainer.sync import confidence, dataset, measures, training
from soundstage_trainer.sync.dataset import FEATURES, Clip, speakers
from soundstage_trainer.sync.measures import CONDITIONS, Answer, Compare

PARITY = 0.02
STRANGERS = "strangers"  # folder beside the model


@dataclass(frozen=True)
class SyncConfig(Config):
    """What can be told to the recipe, beside what every recipe is told."""

    steps: int = setting(600, "optimisation steps of each voter", least=1)
    voters: int = setting(4, "nets whose answers are averaged", least=1, most=20)
    batch: int = setting(20, "stretches of lips a step; each is held against the sounds of all", least=2, most=1024)
    frames: int = setting(75, "frames of a stretch, 25 a second", least=25, most=500)
    learning_rate: float = setting(2e-3, "the highest; it rises over the first steps and falls as a cosine", least=1e-6, most=1)
    width: int = setting(32, "channels of a tower", least=4, most=1024)
    size: int = setting(16, "size of the vectors that are compared", least=2, most=512)
    dropout: float = setting(0.25, "share of a tower's channels left out while training", least=0, most=0.9)
    evaluate_voters: int = setting(
        4, "voters of the nets that are trained without one speaker, to measure; 0: don't", least=0, most=20
    )

    talks: int = setting(60, "talks of each condition and speaker to measure on", least=2, most=10000)

    def plan(self, voters: int) -> training.Plan:
        return training.Plan(
            self.steps, voters, self.batch, self.frames, self.learning_rate, self.width, self.size, self.dropout, self.seed
        )


def learn(config: SyncConfig, run: Run) -> Written:
    """Train without each speaker in turn and measure on that one, fit the confidence, then train on all."""
    clips, version = dataset.read(run.data)
    learned = [clip for clip in clips if clip.split == "train"]
    everyone = speakers(learned)
    measured_on = everyone if config.evaluate_voters and len(everyone) > 1 else []
    if not measured_on:
        raise SoundstageError(
            "bad_input", "One speaker alone can't be measured on strangers: give clips of at least two speakers."
        )
    run.begin(version)
    of = config.steps * (config.evaluate_voters * len(measured_on) + config.voters)
    done = 0
    without: dict[str, SyncNet] = {}
    answers: list[Answer] = []
    plain: list[Answer] = []
    for speaker in measured_on:
        part = run.part(f"without-{speaker}", f"training without {speaker}", steps_before=done, steps_in_all=of)
        others = [clip for clip in learned if clip.speaker != speaker]
        net = training.fit(others, config.plan(config.evaluate_voters), part)
        done += config.steps * config.evaluate_voters
        without[speaker] = net
        stranger = [clip for clip in learned if clip.speaker == speaker]
        answers += ask_all(stranger, by_module(net), config.talks)
        plain += ask_all(stranger, measures.by_correlation, config.talks)
    line = confidence.fit(answers)
    answer_from = confidence.answer_from(answers, line)
    tell(run, answers)

    part = run.part("", "training on all speakers", steps_before=done, steps_in_all=of)
    net = training.fit(learned, config.plan(config.voters), part)
    exported = export(net, learned)
    # The line was fitted on nets of fewer voters: agreement is told on the scale of that one.
    same = sync_card.same_figures(learned, by_module(net), through_onnx(exported))
    told = sync_card.card(run, learned, answers, plain, line, answer_from, exported, same)
    # For benchmarks through the whole product: the same card with a net that never saw the speaker.
    for speaker, other in without.items():
        cards.write_model(run.folder / STRANGERS / speaker / "sync" / run.version, export(other, learned).model, told)
    return finish(run, exported.model, told, sync_card.page(learned, answers, plain, line, answer_from))


def ask_all(clips: list[Clip], compare: Compare, talks: int) -> list[Answer]:
    return [
        answer
        for n, condition in enumerate(CONDITIONS)
        for answer in measures.ask(clips, compare, condition, count=talks, seed=n)
    ]


def tell(run: Run, answers: list[Answer]) -> None:
    """Metric lines for who follows the run."""
    for condition in CONDITIONS:
        if condition.swapped:
            continue
        figures = measures.figures([answer for answer in answers if answer.condition == condition.name])
        progress.say(f"strangers, {condition.name}: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
        if condition.name == "5 s":
            for name, value in figures.items():
                run.metric(f"{name}.strangers", value)


def by_module(net: SyncNet) -> Compare:
    def compare(points: np.ndarray, mel: np.ndarray, heard: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return net(*(torch.from_numpy(np.ascontiguousarray(array)) for array in (points, mel, heard))).numpy()

    return compare


def through_onnx(exported: Exported) -> Compare:
    return lambda points, mel, heard: exported.running.run(["agreement"], {"points": points, "mel": mel, "heard": heard})[0]


def export(net: SyncNet, clips: list[Clip]) -> Exported:
    """The graph for any number of frames and hops; held to PyTorch on real clips, with sound that begins and ends inside."""
    draw = torch.Generator().manual_seed(0)
    example = (torch.rand(50, len(POINTS), 3, generator=draw) * 100, torch.randn(400, BANDS, generator=draw), torch.ones(400))
    cases = []
    for clip in clips[:2]:
        mel = torch.from_numpy(clip.mel)
        heard = torch.ones(len(mel))
        heard[:30] = 0
        cases.append((torch.from_numpy(clip.points[: len(mel) // 4 - 20]), mel, heard))
    dims = {"frames": torch.export.Dim("frames", min=2, max=1 << 20), "hops": torch.export.Dim("hops", min=12, max=1 << 22)}
    return export_with_gate(
        net, example, inputs=["points", "mel", "heard"], outputs=["agreement"],
        dynamic={"points": {0: dims["frames"]}, "mel": {0: dims["hops"]}, "heard": {0: dims["hops"]}},
        tolerance=PARITY, cases=cases, change=store_as_float16,
    )  # fmt: skip


RECIPE = Recipe(
    does="train how lips and sound go together, to measure their offset", train=learn, config=SyncConfig, needs=("data",),
    features=FEATURES, threads=2,
)  # fmt: skip
