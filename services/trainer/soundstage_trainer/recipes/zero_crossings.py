"""Recipe `zero_crossings`: the rate of zero crossings at 16,000 Hz."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soundstage_trainer.graphs.zero_crossings import HOP_SAMPLES, SAMPLE_RATE_HZ, WINDOW_SAMPLES, ZeroCrossings
from soundstage_trainer.recipes.sound_graph import SoundGraph, export
from soundstage_trainer.run.recipe import Recipe


def _librosa(sound: np.ndarray) -> np.ndarray:
    import librosa

    return librosa.feature.zero_crossing_rate(sound, frame_length=304, hop_length=152).T


GRAPH = SoundGraph(
    name="zero_crossings",
    does="How often the wave of a sound at 16,000 Hz crosses zero.",
    module=ZeroCrossings,
    sample_rate_hz=SAMPLE_RATE_HZ,
    window_samples=WINDOW_SAMPLES,
    hop_samples=HOP_SAMPLES,
    outputs={"rate": (1, "crossings a sample, 0..1", "within the window of 304 samples")},
    compared="rate",
    equals="librosa.feature.zero_crossing_rate(sound, frame_length=304, hop_length=152).T",
    reference=_librosa,
    source="counting signs; written anew in PyTorch",
)


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/zero_crossings/version."""
    return export(GRAPH, out, version)


RECIPE = Recipe(does="export the rate of zero crossings", export=run)
