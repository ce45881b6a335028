"""Mel-frequency cepstral coefficients (Davis and Mermelstein 1980), as librosa computes them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from soundstage_trainer.graphs.mel import MelSpectrogram
from soundstage_trainer.graphs.spectrum import hamming

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES, HOP_SAMPLES = 304, 152
BANDS = 40  # librosa's 128 would leave bands without a single bin at so short a window
FIRST, LAST = 2, 13  # counted from 1; the first is loudness alone
QUIETEST = 1e-10  # of power, before the logarithm


class Mfcc(nn.Module):
    """sound float32 [N, samples] at 16,000 Hz → coefficients float32 [N, hops, 12]: the 2nd to the 13th."""

    def __init__(self) -> None:
        super().__init__()
        self.power = MelSpectrogram(
            sample_rate_hz=SAMPLE_RATE_HZ, window_samples=WINDOW_SAMPLES, hop_samples=HOP_SAMPLES, bands=BANDS,
            lowest_hz=0.0, highest_hz=SAMPLE_RATE_HZ / 2, power=2.0, window=hamming(WINDOW_SAMPLES), factor=16,
        )  # fmt: skip
        # Decibels and the cosine transform in one matrix.
        self.register_buffer("cosines", torch.tensor(10.0 / np.log(10.0) * cosines().T, dtype=torch.float32))

    def forward(self, sound: Tensor) -> Tensor:
        return torch.matmul(torch.log(self.power(sound).clamp(min=QUIETEST)), self.cosines)


def cosines() -> np.ndarray:
    """Rows FIRST to LAST of the orthonormal discrete cosine transform (type 2) of BANDS numbers; float64 [12, BANDS]."""
    rows = np.arange(FIRST - 1, LAST)
    return np.sqrt(2.0 / BANDS) * np.cos(np.pi * rows[:, None] * (2 * np.arange(BANDS)[None] + 1) / (2 * BANDS))
