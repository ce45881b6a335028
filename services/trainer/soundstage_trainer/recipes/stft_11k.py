"""Recipe `stft_11k`: the spectrum at 11,025 Hz that separation works on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soundstage_trainer.graphs.stft import BINS, HOP_SAMPLES, LOG_BINS, SAMPLE_RATE_HZ, WINDOW_SAMPLES, Stft11k
from soundstage_trainer.recipes.sound_graph import SoundGraph, export
from soundstage_trainer.run.recipe import Recipe


def _librosa(sound: np.ndarray) -> np.ndarray:
    import librosa

    return np.abs(librosa.stft(sound, n_fft=1022, hop_length=256, pad_mode="constant")).T


GRAPH = SoundGraph(
    name="stft_11k",
    does="Magnitude spectrum of sound at 11,025 Hz, with even and with logarithmic steps of frequency.",
    module=Stft11k,
    sample_rate_hz=SAMPLE_RATE_HZ,
    window_samples=WINDOW_SAMPLES,
    hop_samples=HOP_SAMPLES,
    outputs={
        "magnitude": (BINS, "magnitude", "0 to 5512.5 Hz"),
        "log_frequency": (LOG_BINS, "magnitude", "row i is magnitude at bin (21^(i / 255) - 1) / 20 * 511, between two bins linearly"),
    },
    compared="magnitude",
    equals="np.abs(librosa.stft(sound, n_fft=1022, hop_length=256, pad_mode='constant')).T",
    reference=_librosa,
    source="Zhao et al. 2018, The Sound of Pixels (sizes and the scale of frequency); Cooley and Tukey 1965 (factored DFT)",
)  # fmt: skip


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/stft_11k/version."""
    return export(GRAPH, out, version)


RECIPE = Recipe(does="export the spectrum at 11,025 Hz", export=run)
