"""How close a vocoder's sound comes to the recording, beside Griffin-Lim, and how fast both are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from soundstage_trainer.graphs.griffin_lim import GriffinLim
from soundstage_trainer.graphs.short_time import SAMPLE_RATE_HZ
from soundstage_trainer.vocoder.dataset import Recording
from soundstage_trainer.vocoder.losses import SpectralDistance

NET, FEW, MANY = "vocoder", "Griffin-Lim, 32 iterations", "Griffin-Lim, 60 iterations"
METHODS = {NET: "vocoder", FEW: "griffin_lim_32", MANY: "griffin_lim_60"}
METRICS = {
    "mel_l1": ("Mean |difference| of the mel spectrum, 0..1 (0.01 is 1 dB)", "lower"),
    "stft_distance": ("Mean |difference| of the log magnitude at windows of 2048, 1024, 512 and 256, nepers", "lower"),
    "spectral_convergence": ("Spectral convergence at the same windows", "lower"),
    "times_real_time": ("Seconds of sound a second, measured one after the other in one run", "higher"),
}

Maker = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Measured:
    """Of a split: method → metric → value."""

    split: str
    clips: int
    sources: int
    seconds: float
    values: dict[str, dict[str, float]]


def by_module(module: torch.nn.Module) -> Maker:
    """mel [hops, 80] → sound [256 · hops] by PyTorch."""

    def make(mel: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return module(torch.from_numpy(mel)[None])[0].numpy()

    return make


def comparators() -> dict[str, Maker]:
    return {FEW: by_module(GriffinLim(32).eval()), MANY: by_module(GriffinLim(60).eval())}


def measure(split: str, recordings: list[Recording], makers: dict[str, Maker], longest_hops: int) -> Measured:
    """Every maker on the first hops of each recording, in one run. Clips count alike."""
    distance = SpectralDistance()
    seconds = sum(min(len(recording.mel), longest_hops) for recording in recordings) * 256 / SAMPLE_RATE_HZ
    values = {}
    for method, make in makers.items():
        figures, spent_s = [], 0.0
        for recording in recordings:
            mel = recording.mel[:longest_hops]
            begin_s = time.perf_counter()
            made = make(mel)
            spent_s += time.perf_counter() - begin_s
            true = torch.from_numpy(recording.sound[: len(made)])[None]
            with torch.inference_mode():
                figures.append([float(part) for part in distance(torch.from_numpy(made)[None], true)])
        convergence, log_magnitude, mel_error = np.mean(figures, axis=0).tolist()
        values[method] = {
            "mel_l1": mel_error, "stft_distance": log_magnitude, "spectral_convergence": convergence,
            "times_real_time": seconds / spent_s,
        }  # fmt: skip
    return Measured(split, len(recordings), len({recording.source for recording in recordings}), seconds, values)


def beaten(part: Measured) -> dict[str, bool]:
    """Whether the net does better than both kinds of Griffin-Lim, by metric."""
    told = {}
    for name, (_, better) in METRICS.items():
        others = [values[name] for method, values in part.values.items() if method != NET]
        ours = part.values[NET][name]
        told[name] = ours < min(others) if better == "lower" else ours > max(others)
    return told
