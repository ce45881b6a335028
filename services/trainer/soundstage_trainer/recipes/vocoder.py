"""Recipe `vocoder`: learn from any recordings to turn a mel spectrum into sound; export, check and measure beside Griffin-Lim."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch

from soundstage_trainer.export import store_as_float16
from soundstage_trainer.graphs.short_time import BANDS
from soundstage_trainer.graphs.vocoder_net import VocoderNet
from soundstage_trainer.recipes import vocoder_card
from soundstage_trainer.run import Config, Exported, Recipe, Run, Written, export_with_gate, finish, metric_gate, setting, train
from soundstage_trainer.vocoder import dataset, measures
from soundstage_trainer.vocoder.dataset import Recording, of_split
from soundstage_trainer.vocoder.measures import NET, Maker
from soundstage_trainer.vocoder.training import Plan, VocoderTask

PARITY = 0.005  # of one sample, before the first iteration
SAME_METRIC = 5e-3
MEASURED_HOPS = 345  # the first 4 s of each clip

# size → channels, layers
SIZES = {"small": (192, 4), "large": (512, 8)}


@dataclass(frozen=True)
class VocoderConfig(Config):
    """What can be told to the recipe, beside what every recipe is told."""

    size: str = setting("small", "small (a CPU) or large (a GPU)", choices=("small", "large"))
    channels: int = setting(0, "channels of the trunk; 0: as size says", least=0, most=2048)
    layers: int = setting(0, "layers of the trunk; 0: as size says", least=0, most=32)
    iterations: int = setting(32, "Griffin-Lim iterations that end the graph: more are closer and slower", least=0, most=64)
    training_iterations: int = setting(1, "iterations that the loss looks through", least=0, most=16)
    steps: int = setting(1500, "optimisation steps", least=1)
    batch: int = setting(6, "crops a step", least=1, most=1024)
    crop_hops: int = setting(28, "hops of a crop that are judged, 86.1 a second", least=16, most=2000)
    learning_rate: float = setting(2e-3, "the highest; it rises over the first steps and falls as a cosine", least=1e-6, most=1)
    gan_weight: float = setting(0.0, "how much the judge counts beside the distances; 0: no judge", least=0, most=100)
    gan_begin: float = setting(0.5, "share of the steps after which the judge comes in", least=0, most=1)

    def net(self) -> VocoderNet:
        channels, layers = SIZES[self.size]
        return VocoderNet(channels=self.channels or channels, layers=self.layers or layers, iterations=self.iterations)

    def plan(self) -> Plan:
        return Plan(
            self.steps, self.batch, self.crop_hops, self.learning_rate, self.training_iterations, self.gan_weight,
            round(self.gan_begin * self.steps),
        )  # fmt: skip


def learn(config: VocoderConfig, run: Run) -> Written:
    """Train on the split train; ship() does the rest."""
    rows, version = dataset.read_rows(run.data)
    recordings = dataset.load(rows, run.models)
    learned, validation = of_split(recordings, "train"), of_split(recordings, "validation")
    run.begin(version)
    torch.manual_seed(run.seed)
    task = VocoderTask(config.net(), learned, validation, config.plan(), run)
    train(task, run)

    return ship(run, task.trained(), recordings, len(rows))


def ship(run: Run, net: VocoderNet, recordings: list[Recording], clips: int) -> Written:
    """Export, measure on validation and test in one run with Griffin-Lim, write. clips: as many as the data set lists."""
    learned, validation, test = (of_split(recordings, split) for split in ("train", "validation", "test"))
    exported = export(net, validation + test or learned)
    makers: dict[str, Maker] = {NET: through_onnx(exported), **measures.comparators()}
    parts, measured = [], []
    for split, members in (("validation", validation), ("test", test)):
        if not members:
            continue
        part = measures.measure(split, members, makers, MEASURED_HOPS)
        by_torch = measures.measure(split, members, {NET: measures.by_module(net)}, MEASURED_HOPS)
        same = metric_gate(
            f"mel L1 of {split}", by_torch.values[NET]["mel_l1"], part.values[NET]["mel_l1"], tolerance=SAME_METRIC
        )
        parts.append(part)
        measured += vocoder_card.figures(part, same, run.command())
        for method, values in part.values.items():
            for name, value in values.items():
                run.metric(f"{measures.METHODS[method]}.{name}.{split}", value)
    told = vocoder_card.card(run, recordings, clips, parts, measured, exported)
    return finish(run, exported.model, told, vocoder_card.page(recordings, parts, makers))


def export(net: VocoderNet, recordings: list[Recording]) -> Exported:
    """The graph for any number of hops; held to PyTorch on noise, and on the beginnings of recordings.

    Sample by sample that holds for what the net gives to the iterations: those turn the phase of faint bins by what rounding
    left, and hand it on. What they make of it is held by the metric.
    """
    example = torch.rand(2, 40, BANDS, generator=torch.Generator().manual_seed(0)) * 0.6
    cases = [(torch.from_numpy(recording.mel[:172])[None],) for recording in recordings[:2]] + [(example[:1, :1],)]
    iterations = net.iterations
    net.iterations = 0
    begun = _gated(net, example, cases, ["sound"])
    net.iterations = iterations
    whole = _gated(net, example, cases, [])
    what = f"{begun.parity['what']}, before the {iterations} iterations"
    return dataclasses.replace(whole, parity={**begun.parity, "what": what})


def _gated(net: VocoderNet, example: torch.Tensor, cases: list[tuple[torch.Tensor]], compared: list[str]) -> Exported:
    return export_with_gate(
        net, (example,), inputs=["mel"], outputs=["sound"],
        dynamic={"mel": {0: torch.export.Dim("n", min=1), 1: torch.export.Dim("hops", min=1)}},
        tolerance=PARITY, cases=cases, compared=compared, change=store_as_float16,
    )  # fmt: skip


def through_onnx(exported: Exported) -> Maker:
    """mel [hops, 80] → sound [256 · hops] by the exported graph."""
    return lambda mel: exported.running.run(["sound"], {"mel": np.ascontiguousarray(mel[None])})[0][0]


RECIPE = Recipe(
    does="train the way from a mel spectrum to sound", train=learn, config=VocoderConfig, needs=("data",), threads=2,
)  # fmt: skip
