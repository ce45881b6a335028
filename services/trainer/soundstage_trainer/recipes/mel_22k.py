"""Recipe `mel_22k`: the mel spectrum at 22,050 Hz that RegNet learns and the vocoder reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soundstage_trainer.graphs.mel import MEL_22K, Mel22k
from soundstage_trainer.recipes.sound_graph import SoundGraph, export
from soundstage_trainer.run.recipe import Recipe


def _librosa(sound: np.ndarray) -> np.ndarray:
    import librosa

    return librosa.feature.melspectrogram(
        y=sound, sr=22050, n_fft=1024, hop_length=256, n_mels=80, fmin=125, fmax=7600, power=1.0, pad_mode="constant"
    ).T


GRAPH = SoundGraph(
    name="mel_22k",
    does="Mel spectrum of sound at 22,050 Hz, as magnitude and laid on 0..1 in decibels.",
    module=Mel22k,
    sample_rate_hz=MEL_22K["sample_rate_hz"],
    window_samples=MEL_22K["window_samples"],
    hop_samples=MEL_22K["hop_samples"],
    outputs={
        "magnitude": (80, "magnitude", "125 to 7600 Hz on Slaney's scale, each triangle of unit area"),
        "mel": (80, "0..1", "clip((20 * log10(max(1e-5, magnitude)) - 20 + 100) / 100, 0, 1)"),
    },
    compared="magnitude",
    equals="librosa.feature.melspectrogram(y=sound, sr=22050, n_fft=1024, hop_length=256, n_mels=80, fmin=125, fmax=7600, power=1.0, pad_mode='constant').T",
    reference=_librosa,
    source="Slaney 1998 (mel scale); Cooley and Tukey 1965 (factored DFT); scale of mel as in SpecVQGAN and RegNet",
)


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/mel_22k/version."""
    return export(GRAPH, out, version)


RECIPE = Recipe(does="export the mel spectrum at 22,050 Hz", export=run)
