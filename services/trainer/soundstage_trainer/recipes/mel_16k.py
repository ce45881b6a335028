"""Recipe `mel_16k`: the mel spectrum at 16,000 Hz, 100 a second, for speech and synchrony."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soundstage_trainer.graphs.mel import MEL_16K, Mel16k
from soundstage_trainer.recipes.sound_graph import SoundGraph, export
from soundstage_trainer.run.recipe import Recipe


def _librosa(sound: np.ndarray) -> np.ndarray:
    import librosa

    magnitude = librosa.feature.melspectrogram(
        y=sound, sr=16000, n_fft=1024, hop_length=160, n_mels=80, fmin=0, fmax=8000, power=1.0, pad_mode="constant"
    )
    return np.log(np.maximum(1e-5, magnitude)).T


GRAPH = SoundGraph(
    name="mel_16k",
    does="Logarithm of the mel spectrum of sound at 16,000 Hz, 100 a second.",
    module=Mel16k,
    sample_rate_hz=MEL_16K["sample_rate_hz"],
    window_samples=MEL_16K["window_samples"],
    hop_samples=MEL_16K["hop_samples"],
    outputs={"mel": (80, "natural logarithm of magnitude", "0 to 8000 Hz on Slaney's scale; nothing below ln 1e-5")},
    compared="mel",
    equals="np.log(np.maximum(1e-5, librosa.feature.melspectrogram(y=sound, sr=16000, n_fft=1024, hop_length=160, n_mels=80, fmin=0, fmax=8000, power=1.0, pad_mode='constant'))).T",
    reference=_librosa,
    source="Slaney 1998 (mel scale); Cooley and Tukey 1965 (factored DFT)",
)


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/mel_16k/version."""
    return export(GRAPH, out, version)


RECIPE = Recipe(does="export the mel spectrum at 16,000 Hz", export=run)
