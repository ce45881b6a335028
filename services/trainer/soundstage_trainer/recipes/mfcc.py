"""Recipe `mfcc`: cepstral coefficients 2 to 13 at 16,000 Hz."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soundstage_trainer.graphs.mfcc import BANDS, FIRST, HOP_SAMPLES, LAST, SAMPLE_RATE_HZ, WINDOW_SAMPLES, Mfcc
from soundstage_trainer.recipes.sound_graph import SoundGraph, export
from soundstage_trainer.run.recipe import Recipe


def _librosa(sound: np.ndarray) -> np.ndarray:
    import librosa

    power = librosa.feature.melspectrogram(
        y=sound, sr=16000, n_fft=304, hop_length=152, window="hamming", n_mels=BANDS, power=2.0, pad_mode="constant"
    )
    return librosa.feature.mfcc(S=librosa.power_to_db(power, top_db=None), n_mfcc=13)[1:13].T


GRAPH = SoundGraph(
    name="mfcc",
    does="Mel-frequency cepstral coefficients 2 to 13 of sound at 16,000 Hz.",
    module=Mfcc,
    sample_rate_hz=SAMPLE_RATE_HZ,
    window_samples=WINDOW_SAMPLES,
    hop_samples=HOP_SAMPLES,
    outputs={"coefficients": (LAST - FIRST + 1, "decibels", f"the {FIRST}nd to the {LAST}th; {BANDS} mel bands, Hamming window")},
    compared="coefficients",
    equals="librosa.feature.mfcc(S=librosa.power_to_db(librosa.feature.melspectrogram(y=sound, sr=16000, n_fft=304, hop_length=152, window='hamming', n_mels=40, power=2.0, pad_mode='constant'), top_db=None), n_mfcc=13)[1:13].T",
    reference=_librosa,
    source="Davis and Mermelstein 1980; Cooley and Tukey 1965 (factored DFT)",
    notes={
        "top_db": "none: librosa's default takes the loudest of the whole clip for a limit, so that a piece of a clip would give other numbers than the clip"
    },
)


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/mfcc/version."""
    return export(GRAPH, out, version)


RECIPE = Recipe(does="export cepstral coefficients", export=run)
