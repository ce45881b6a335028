"""Recipe `regnet` (Silent to Sound): learn from clips the mel spectrum of what is seen; export, check and measure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import store_as_float16
from soundstage_trainer.graphs.regnet_net import PAPER, SMALL, VISUAL, RegNet, Sizes
from soundstage_trainer.recipes import regnet_card
from soundstage_trainer.regnet import dataset, measures
from soundstage_trainer.regnet.dataset import Clip, of_split
from soundstage_trainer.regnet.measures import NET, Measured
from soundstage_trainer.regnet.plan import Plan
from soundstage_trainer.regnet.training import RegNetTask, spectrum
from soundstage_trainer.run import Config, Exported, Recipe, Run, Written, export_with_gate, finish, metric_gate, setting, train

PARITY = 5e-3
SAME_METRIC = 1e-3


@dataclass(frozen=True)
class RegNetConfig(Config):
    """What can be told to the recipe, beside what every recipe is told."""

    size: str = setting("small", "small (a CPU, few clips) or paper (the widths of the paper, for a GPU)", choices=("small", "paper"))
    hidden: int = setting(0, "channels of encoder and decoder; 0: as size says", least=0, most=4096)
    auxiliary: int = setting(0, "channels of the auxiliary bottleneck, each direction; 0: as size says", least=0, most=256)
    auxiliary_hops: int = setting(32, "the auxiliary bottleneck is sampled once in so many hops", least=4, most=860)
    auxiliary_silent: float = setting(
        0.5, "share of the training clips for which the auxiliary branch is silent, as it is in use", least=0, most=1
    )
    dropout: float = setting(0.4, "share of the activations left out while training", least=0, most=0.9)
    steps: int = setting(600, "optimisation steps", least=1)
    batch: int = setting(8, "crops a step", least=2, most=1024)
    crop_frames: int = setting(86, "frames of a crop, 21.5 a second; 215 are the paper's 10 s", least=8, most=2150)
    learning_rate: float = setting(7e-4, "the highest; it rises over the first steps and falls as a cosine", least=1e-6, most=1)
    weight_decay: float = setting(0.01, "AdamW's", least=0, most=1)
    gan_weight: float = setting(0.005, "how much the judge counts beside the squared error; 0: no judge", least=0, most=100)
    gan_begin: float = setting(0.3, "share of the steps after which the judge comes in", least=0, most=1)

    def sizes(self) -> Sizes:
        chosen = {"small": SMALL, "paper": PAPER}[self.size]
        return replace(
            chosen, encoder=self.hidden or chosen.encoder, decoder=self.hidden or chosen.decoder,
            auxiliary=self.auxiliary or chosen.auxiliary, auxiliary_hops=self.auxiliary_hops, dropout=self.dropout,
        )  # fmt: skip

    def plan(self) -> Plan:
        return Plan(
            self.steps, self.batch, self.crop_frames, self.learning_rate, self.weight_decay, self.gan_weight,
            round(self.gan_begin * self.steps), self.auxiliary_silent,
        )  # fmt: skip

    def problems(self) -> list[str]:
        return ["hidden must be even (its half is the width of an LSTM)"] if self.hidden % 2 else []


def learn(config: RegNetConfig, run: Run) -> Written:
    """Train on the split train, keep the weights that do best on validation, measure on validation and test."""
    clips, version = dataset.load(run.data)
    learned, validation, test = (of_split(clips, split) for split in ("train", "validation", "test"))
    if len({clip.source for clip in learned}) < 2:
        raise SoundstageError("bad_input", "The split train holds clips of fewer than 2 sources; RegNet cannot learn from that.")
    run.begin(version)
    task = RegNetTask(learned, validation, config.sizes(), config.plan(), run)
    train(task, run)

    net = task.best().cpu()
    exported = export(net, validation + test or learned)
    parts, measured = [], []
    makers = {NET: lambda clip: through_onnx(exported, clip), **measures.comparators(learned, run.seed)}
    for split, members in (("validation", validation), ("test", test)):
        if not members:
            continue
        part = measures.measure(split, members, makers)
        parts.append(part)
        measured += regnet_card.figures(part, gate(part, members, net), run.command())
        for method, values in part.values.items():
            for name, value in values.items():
                run.metric(f"{measures.METHODS[method]}.{name}.{split}", value)
    told = regnet_card.card(run, clips, parts, measured, exported)
    page = regnet_card.page(run, clips, parts, makers)
    return finish(run, exported.model, told, page)


def export(net: RegNet, clips: list[Clip]) -> Exported:
    """The graph of forward(): without the auxiliary branch, any number of frames; held to PyTorch on real clips."""
    example = torch.randn(2, 40, VISUAL)
    cases = [(torch.from_numpy(clip.visual)[None],) for clip in clips[:2]] + [(example[:1, :1],), (example[:1, :37],)]
    return export_with_gate(
        net, (example,), inputs=["visual"], outputs=["mel"],
        dynamic={"visual": {0: torch.export.Dim("n", min=1), 1: torch.export.Dim("t", min=1)}},
        tolerance=PARITY, cases=cases, change=store_as_float16,
    )  # fmt: skip


def through_onnx(exported: Exported, clip: Clip) -> np.ndarray:
    """What the exported graph makes of a whole clip: float32 [4 · T, 80]."""
    return exported.running.run(["mel"], {"visual": clip.visual[None]})[0][0]


def gate(part: Measured, clips: list[Clip], net: RegNet) -> dict[str, object]:
    """The split's error once more by PyTorch; refused where onnxruntime's is another."""
    by_torch = measures.measure(part.split, clips, {NET: lambda clip: spectrum(net, clip)})
    return metric_gate(
        f"mel L1 of {part.split}", by_torch.values[NET]["mel_l1"], part.values[NET]["mel_l1"], tolerance=SAME_METRIC
    )


RECIPE = Recipe(
    does="train what a silent picture sounds like, as a mel spectrum", train=learn, config=RegNetConfig, needs=("data",),
    features=dataset.FEATURES, threads=2,
)  # fmt: skip
