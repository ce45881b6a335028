"""Mel spectra. The numbers are librosa's (`librosa.feature.melspectrogram`, Slaney scale and norm, periodic window,
centred frames, zero padding); a test holds them to it.

This is the one definition: the onset ground truth and the exported graphs mel_22k, mel_16k and mfcc all stand on it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from soundstage_trainer.graphs.spectrum import Spectrum, hann

MEL_22K = {"sample_rate_hz": 22_050, "window_samples": 1024, "hop_samples": 256, "bands": 80, "lowest_hz": 125.0, "highest_hz": 7600.0}
MEL_16K = {"sample_rate_hz": 16_000, "window_samples": 1024, "hop_samples": 160, "bands": 80, "lowest_hz": 0.0, "highest_hz": 8000.0}
FLOOR = 1e-5  # of magnitude, before a logarithm is taken


class MelSpectrogram(nn.Module):
    """sound float32 [N, samples], −1..1 → mel float32 [N, hops, bands], magnitude to the given power (1 or 2).

    hops = 1 + samples // hop_samples; hop i is centred at sample i · hop_samples. window: weights, a periodic Hann
    window of window_samples where none is given. factor: how the DFT is split, see Spectrum.
    """

    def __init__(
        self, *, sample_rate_hz: int, window_samples: int, hop_samples: int, bands: int, lowest_hz: float,
        highest_hz: float, power: float = 1.0, window: np.ndarray | None = None, factor: int = 32,
    ) -> None:  # fmt: skip
        super().__init__()
        self.power = power
        self.spectrum = Spectrum(
            window=hann(window_samples) if window is None else window, hop_samples=hop_samples, factor=factor
        )
        filters = np.zeros((len(self.spectrum.bins), bands))  # a bin that comes twice counts once
        filters[self.spectrum.first] = mel_filters(sample_rate_hz, window_samples, bands, lowest_hz, highest_hz).T
        self.register_buffer("filters", torch.tensor(filters, dtype=torch.float32))

    def forward(self, sound: Tensor) -> Tensor:
        energy = self.spectrum(sound)
        return torch.matmul(energy if self.power == 2.0 else torch.sqrt(energy), self.filters)


class Mel22k(nn.Module):
    """sound float32 [N, samples] at 22,050 Hz → magnitude, mel float32 [N, hops, 80].

    mel is the magnitude in decibels, −100 to 0 dB above 20 dB laid on 0..1 (SpecVQGAN's and RegNet's scale).
    """

    def __init__(self) -> None:
        super().__init__()
        self.magnitude = MelSpectrogram(**MEL_22K)

    def forward(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        magnitude = self.magnitude(sound)
        decibels = torch.log(magnitude.clamp(min=FLOOR)) * (20.0 / np.log(10.0))
        return magnitude, ((decibels + 80.0) / 100.0).clamp(0.0, 1.0)


class Mel16k(nn.Module):
    """sound float32 [N, samples] at 16,000 Hz → mel float32 [N, hops, 80]: natural logarithm, nothing below ln 1e-5."""

    def __init__(self) -> None:
        super().__init__()
        self.magnitude = MelSpectrogram(**MEL_16K)

    def forward(self, sound: Tensor) -> Tensor:
        return torch.log(self.magnitude(sound).clamp(min=FLOOR))


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
