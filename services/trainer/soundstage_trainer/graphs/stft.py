"""Magnitude spectrum at 11,025 Hz, and the same on a logarithmic scale of frequency (Zhao et al. 2018, Sound of Pixels)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from soundstage_trainer.graphs.spectrum import Spectrum, hann

SAMPLE_RATE_HZ = 11_025
WINDOW_SAMPLES, HOP_SAMPLES = 1022, 256
BINS = WINDOW_SAMPLES // 2 + 1
LOG_BINS = 256
STRETCH = 21.0  # the top of the logarithmic scale is spread 21 times as far as its foot


class Stft11k(nn.Module):
    """sound float32 [N, samples] at 11,025 Hz → magnitude [N, hops, 512], log_frequency [N, hops, 256]."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = Spectrum(window=hann(WINDOW_SAMPLES), hop_samples=HOP_SAMPLES, factor=14)
        below, share = log_frequency_places()
        self.register_buffer("order", torch.tensor(self.spectrum.first))
        self.register_buffer("below", torch.tensor(below))
        self.register_buffer("share", torch.tensor(share, dtype=torch.float32))

    def forward(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        magnitude = torch.sqrt(self.spectrum(sound)[:, :, self.order])
        lower, upper = magnitude[:, :, self.below], magnitude[:, :, self.below + 1]
        return magnitude, lower + (upper - lower) * self.share


def log_frequency_places() -> tuple[np.ndarray, np.ndarray]:
    """For each of the LOG_BINS rows the bin below it, and how far it lies towards the next (0..1).

    Row i stands at bin (21^(i / 255) − 1) / 20 · 511: the paper's warp, bilinear with the corners aligned.
    """
    place = (STRETCH ** (np.arange(LOG_BINS) / (LOG_BINS - 1)) - 1) / (STRETCH - 1) * (BINS - 1)
    below = np.minimum(np.floor(place).astype(np.int64), BINS - 2)
    return below, place - below
