"""Mel spectrogram as two convolutions and a matrix, so that it exports to ONNX without complex numbers.

The numbers are librosa's (`librosa.feature.melspectrogram`, Slaney scale and norm, periodic
Hann window, centred frames, zero padding); a test holds them to it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MelSpectrogram(nn.Module):
    """sound float32 [samples], −1..1 → mel float32 [frames, bands]; frame i is centred at i · hop / rate seconds."""

    def __init__(
        self,
        *,
        sample_rate_hz: int,
        window_samples: int,
        hop_samples: int,
        bands: int,
        lowest_hz: float,
        highest_hz: float,
        power: float,
    ) -> None:
        super().__init__()
        self.window_samples, self.hop_samples, self.power = window_samples, hop_samples, power
        time = np.arange(window_samples)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * time / window_samples)
        phase = 2 * np.pi * np.outer(np.arange(window_samples // 2 + 1), time) / window_samples
        basis = np.concatenate([np.cos(phase) * hann, -np.sin(phase) * hann])
        self.register_buffer("basis", torch.tensor(basis[:, None, :], dtype=torch.float32))
        filters = mel_filters(sample_rate_hz, window_samples, bands, lowest_hz, highest_hz)
        self.register_buffer("filters", torch.tensor(filters, dtype=torch.float32))

    def forward(self, sound: Tensor) -> Tensor:
        padded = F.pad(sound.reshape(1, 1, -1), (self.window_samples // 2, self.window_samples // 2))
        spectrum = F.conv1d(padded, self.basis, stride=self.hop_samples)[0]
        real, imaginary = spectrum.chunk(2, dim=0)
        energy = real * real + imaginary * imaginary
        if self.power != 2.0:
            energy = (energy + 1e-20) ** (self.power / 2.0)
        return (self.filters @ energy).transpose(0, 1)


def mel_filters(sample_rate_hz: int, window_samples: int, bands: int, lowest_hz: float, highest_hz: float) -> np.ndarray:
    """Triangles on Slaney's mel scale, each of unit area; [bands, window_samples // 2 + 1]."""
    bins_hz = np.linspace(0, sample_rate_hz / 2, window_samples // 2 + 1)
    edges_hz = _mel_to_hz(np.linspace(_hz_to_mel(lowest_hz), _hz_to_mel(highest_hz), bands + 2))
    rising = (bins_hz[None] - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    falling = (edges_hz[2:, None] - bins_hz[None]) / np.diff(edges_hz)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return triangles * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None]


# Slaney's Auditory Toolbox (1998): linear to 1 kHz at 200/3 Hz a mel, then logarithmic, 27 mels for a factor of 6.4.
_LINEAR_HZ, _CORNER_HZ, _LOG_STEP = 200.0 / 3, 1000.0, np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    return hz / _LINEAR_HZ if hz < _CORNER_HZ else _CORNER_HZ / _LINEAR_HZ + np.log(hz / _CORNER_HZ) / _LOG_STEP


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    corner = _CORNER_HZ / _LINEAR_HZ
    return np.where(mel < corner, mel * _LINEAR_HZ, _CORNER_HZ * np.exp(_LOG_STEP * (mel - corner)))
