"""Magnitude spectra of overlapping frames, as two matrix products, so that they export to ONNX without complex numbers.

A DFT of N = P · Q samples is P-point DFTs over every Qth sample, a turn by a phase, and Q-point DFTs of the results
(Cooley and Tukey 1965). For N = 1024 and P = 32 that is 0.1 million multiplications a frame where the whole matrix
takes 1.05 million, and 0.3 MB of constants instead of 4 MB. Sound is real, so the half of the first stage that mirrors
the other is left out, and the phase turn is part of the second stage's matrices.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALLEST_ENERGY = 1e-20  # keeps the slope of the square root finite where a bin is silent; 1e-10 in magnitude


class Spectrum(nn.Module):
    """sound float32 [N, samples] → magnitude² float32 [N, hops, positions]; hop i is centred at sample i · hop_samples.

    hops = 1 + samples // hop_samples, zeros beyond both ends (librosa's center=True, pad_mode="constant").
    Positions stand in the order in which the factored DFT gives them: `bins[p]` tells the frequency bin (0 to
    window_samples // 2) of position p; some bins come twice, and `first[b]` is the one position to take bin b from.

    Raises ValueError where window_samples is no multiple of factor.
    """

    def __init__(self, *, window: np.ndarray, hop_samples: int, factor: int) -> None:
        super().__init__()
        self.window_samples, self.hop_samples, self.factor = len(window), hop_samples, factor
        if self.window_samples % factor:
            raise ValueError(f"{self.window_samples} is no multiple of {factor}")
        first_stage, second_stage, frequencies = dft_stages(self.window_samples, factor)
        self.register_buffer("window", torch.tensor(window, dtype=torch.float32))
        self.register_buffer("first_stage", torch.tensor(first_stage, dtype=torch.float32))
        self.register_buffer("second_stage", torch.tensor(second_stage, dtype=torch.float32))
        self.bins = np.minimum(frequencies, self.window_samples - frequencies)
        self.first = np.array([int(np.argmax(self.bins == b)) for b in range(self.window_samples // 2 + 1)])

    def forward(self, sound: Tensor) -> Tensor:
        clips = sound.shape[0]
        rest = self.window_samples // self.factor
        frames = cut(sound, self.window_samples, self.hop_samples) * self.window
        inner = torch.matmul(self.first_stage, frames.reshape(-1, self.factor, rest))
        inner = inner.reshape(-1, self.factor // 2 + 1, 2 * rest).transpose(0, 1)
        outer = torch.matmul(inner, self.second_stage)
        real, imaginary = outer[..., :rest], outer[..., rest:]
        energy = real * real + imaginary * imaginary + SMALLEST_ENERGY
        return energy.transpose(0, 1).reshape(clips, -1, (self.factor // 2 + 1) * rest)


def cut(sound: Tensor, window_samples: int, hop_samples: int) -> Tensor:
    """sound [N, samples] → frames [N, hops, window_samples], centred, zeros beyond both ends.

    A frame is several neighbouring hops laid end to end: shifted copies, which cost less than gathering samples.
    """
    clips, samples = sound.shape
    hops = 1 + samples // hop_samples
    parts = -(-window_samples // hop_samples)
    padded = F.pad(sound, (window_samples // 2, window_samples + hop_samples))
    blocks = padded[:, : (hops + parts - 1) * hop_samples].reshape(clips, hops + parts - 1, hop_samples)
    return torch.cat([blocks[:, part : part + hops] for part in range(parts)], dim=2)[:, :, :window_samples]


def dft_stages(size: int, factor: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrices of a DFT of real numbers, float64, with P = factor, Q = size / factor, K = P // 2 + 1.

    first [2K, P]: rows (bin, real or imaginary), for the P samples that lie Q apart.
    second [K, 2Q, 2Q]: (real or imaginary, sample) → (real or imaginary, bin), the phase turn included.
    frequencies [K · Q]: which of the size frequencies each result is.
    """
    rest, kept = size // factor, factor // 2 + 1
    angle = 2 * np.pi * np.outer(np.arange(kept), np.arange(factor)) / factor
    first = np.stack([np.cos(angle), -np.sin(angle)], axis=1).reshape(2 * kept, factor)
    frequencies = np.arange(kept)[:, None] + factor * np.arange(rest)[None]
    angle = 2 * np.pi * (np.arange(rest)[None, :, None] * frequencies[:, None, :] % size) / size
    second = np.empty((kept, 2, rest, 2, rest))
    second[:, 0, :, 0], second[:, 1, :, 0] = np.cos(angle), np.sin(angle)
    second[:, 0, :, 1], second[:, 1, :, 1] = -np.sin(angle), np.cos(angle)
    return first, second.reshape(kept, 2 * rest, 2 * rest), frequencies.reshape(-1)


def hann(samples: int) -> np.ndarray:
    """Periodic Hann window (scipy's `get_window("hann")`)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(samples) / samples)


def hamming(samples: int) -> np.ndarray:
    """Periodic Hamming window (scipy's `get_window("hamming")`)."""
    return 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(samples) / samples)
