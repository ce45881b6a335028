"""What the recipes of sound features share: the export, the figures beside librosa, the card."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from soundstage_trainer import card, progress
from soundstage_trainer.export import session, to_onnx
from soundstage_trainer.recipes.common import NO_TRAINING_DATA, OWN_LICENCE

SPEED_SECONDS, SPEED_ROUNDS = 10, 15


@dataclass(frozen=True)
class SoundGraph:
    """A feature of sound: sound float32 [N, samples] → outputs float32 [N, hops, channels], hop i centred at i · hop.

    module: makes the graph. outputs: name → (channels, unit, description), in the graph's order. compared: the output
    that librosa gives too; equals: librosa's call as the card tells it; reference: the same call, sound [samples] →
    [hops, channels]. notes: more for the card.
    """

    name: str
    does: str
    module: Callable[[], torch.nn.Module]
    sample_rate_hz: int
    window_samples: int
    hop_samples: int
    outputs: dict[str, tuple[int, str, str]]
    compared: str
    equals: str
    reference: Callable[[np.ndarray], np.ndarray]
    source: str
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> str:
        return f"python -m soundstage_trainer {self.name.replace('_', '-')} --out models"


def build(graph: SoundGraph) -> onnx.ModelProto:
    """The graph for any number of clips of any one length."""
    sizes = {0: torch.export.Dim("n", min=1), 1: torch.export.Dim("samples", min=1)}
    example = torch.rand(2, graph.sample_rate_hz // 2) - 0.5
    return to_onnx(graph.module(), (example,), inputs=["sound"], outputs=list(graph.outputs), dynamic={"sound": sizes})


def export(graph: SoundGraph, out: Path, version: str, measured: list[dict[str, Any]] | None = None) -> tuple[Path, Path]:
    """Write out/NAME/version. measured: figures beyond parity and speed."""
    model = build(graph)
    progress.progress(1, 2, f"exported {graph.name}")
    running = session(model)
    figures = [*parity(graph, running), *speed(graph, running), *(measured or [])]
    progress.progress(2, 2, f"measured {graph.name}")
    about = f"float32, -1..1; mono, {graph.sample_rate_hz} Hz; N clips of one length"
    return card.write_model(
        out / graph.name / version,
        model,
        {
            "name": graph.name,
            "version": version,
            "does": graph.does,
            "inputs": [card.tensor("sound", ["N", "samples"], "-1..1", about)],
            "outputs": [
                card.tensor(name, ["N", "hops", channels], unit, f"{description}; hops = 1 + samples // {graph.hop_samples}")
                for name, (channels, unit, description) in graph.outputs.items()
            ],
            "sample_rate_hz": graph.sample_rate_hz,
            "hop_samples": graph.hop_samples,
            "window_samples": graph.window_samples,
            "context_hops": -(-graph.window_samples // 2 // graph.hop_samples),
            "hops": "hop i is centred at sample i * hop_samples; beyond both ends the sound is taken as the equals call takes it",
            "equals": f"{graph.compared}: {graph.equals}",
            "warm_up": {"N": 1, "samples": graph.sample_rate_hz},
            "recipe": graph.name,
            "dataset": "none",
            "measured": figures,
            "licence": {"model": OWN_LICENCE, "training_data": NO_TRAINING_DATA},
            "source": graph.source,
            **graph.notes,
        },
    )


def example_sound(graph: SoundGraph, seconds: float, seed: int = 0) -> np.ndarray:
    """Noise, a glide and silence: float32 [samples] within −1..1."""
    count = int(seconds * graph.sample_rate_hz)
    time_s = np.arange(count) / graph.sample_rate_hz
    glide = 0.3 * np.sin(2 * np.pi * (100 + 1500 * time_s / max(seconds, 1e-9)) * time_s)
    sound = np.random.default_rng(seed).uniform(-0.5, 0.5, count) + glide
    sound[count // 2 : count // 2 + count // 10] = 0.0
    return sound.astype(np.float32)


def parity(graph: SoundGraph, running: onnxruntime.InferenceSession) -> list[dict[str, Any]]:
    sound = example_sound(graph, SPEED_SECONDS)
    ours = running.run([graph.compared], {"sound": sound[None]})[0][0]
    value = float(f"{np.abs(ours - graph.reference(sound)).max():.2g}")
    what = f"largest difference of {graph.compared} to librosa, {SPEED_SECONDS} s of noise, a glide and silence"
    return [{"what": what, "value": value, "command": graph.command}]


def speed(graph: SoundGraph, running: onnxruntime.InferenceSession) -> list[dict[str, Any]]:
    """Ours and librosa in turn, so that both see the same machine."""
    sound = example_sound(graph, SPEED_SECONDS)
    ours = lambda: running.run(None, {"sound": sound[None]})  # noqa: E731
    theirs = lambda: graph.reference(sound)  # noqa: E731
    times = np.array([[_milliseconds(ours), _milliseconds(theirs)] for _ in range(SPEED_ROUNDS + 1)][1:])
    ratios = times[:, 0] / times[:, 1]
    return [
        {
            "what": f"ms for {SPEED_SECONDS} s of sound, onnxruntime CPU, 2 threads, median of {SPEED_ROUNDS}",
            "value": round(float(np.median(times[:, 0])), 1),
            "comparator": f"librosa {np.median(times[:, 1]):.1f}; ratio {np.median(ratios):.2f}, in the worst round {ratios.max():.2f}",
            "command": graph.command,
        }
    ]


def _milliseconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1e3
