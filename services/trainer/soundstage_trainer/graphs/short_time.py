"""Sound ↔ complex spectra of overlapping frames, both ways, in real numbers only, so that loops over both export to ONNX.

The spectra stand in the order that the factored DFT gives (graphs/spectrum.py): [K, frames, 2Q] with K = 17, Q = 32, the
real parts first. Position (k, q) is frequency k + 32 q of 1024; those above 512 mirror one below. Nothing here needs them
in order of frequency: matrices from mel bands are laid out in the same order once, when a graph is built.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from soundstage_trainer.graphs.mel import mel_filters
from soundstage_trainer.graphs.spectrum import dft_stages, hann

SAMPLE_RATE_HZ = 22_050
WINDOW_SAMPLES = 1024
HOP_SAMPLES = 256
BANDS = 80
LOWEST_HZ, HIGHEST_HZ = 125.0, 7600.0
FACTOR = 32
EXTRA_HOPS = 3  # repeated before the first and after the last hop, and cut off again: every sample lies under four windows
OVERLAP = WINDOW_SAMPLES // HOP_SAMPLES
WINDOW_POWER = 1.5  # sum of squared periodic Hann windows at a hop of a quarter
SILENT = 1e-6  # held by clamp(): the exporter drops additions as small as this


class ShortTime(nn.Module):
    """The short-time Fourier transform and its least-squares inverse (Griffin and Lim 1984), Hann 1024, hop 256.

    Frame i is centred at sample i · 256 + 512 of the sound that is analysed; frames · 256 + 768 samples make frames.
    """

    def __init__(self) -> None:
        super().__init__()
        first, second, frequencies = dft_stages(WINDOW_SAMPLES, FACTOR)
        counted = np.full(FACTOR // 2 + 1, 2.0)  # each stands for its mirror too, except where both are there
        counted[[0, -1]] = 1.0
        back = (first * np.repeat(counted, 2)[:, None]).T / WINDOW_SAMPLES
        self.register_buffer("window", torch.tensor(hann(WINDOW_SAMPLES), dtype=torch.float32))
        self.register_buffer("first", torch.tensor(first, dtype=torch.float32))
        self.register_buffer("second", torch.tensor(second, dtype=torch.float32))
        self.register_buffer("back", torch.tensor(back, dtype=torch.float32))
        self.bins = np.minimum(frequencies, WINDOW_SAMPLES - frequencies)  # of each of the K · Q positions
        self.kept, self.rest = FACTOR // 2 + 1, WINDOW_SAMPLES // FACTOR

    def analyse(self, sound: Tensor, frames: int) -> Tensor:
        """sound [N, frames · 256 + 768] → spectra [K, N · frames, 2Q]."""
        blocks = sound.reshape(sound.shape[0], frames + OVERLAP - 1, HOP_SAMPLES)
        cut = torch.cat([blocks[:, part : part + frames] for part in range(OVERLAP)], dim=2) * self.window
        inner = torch.matmul(self.first, cut.reshape(-1, FACTOR, self.rest))
        return torch.matmul(inner.reshape(-1, self.kept, 2 * self.rest).transpose(0, 1), self.second)

    def synthesise(self, spectra: Tensor, frames: int) -> Tensor:
        """spectra [K, N · frames, 2Q] → sound [N, frames · 256 + 768]; the outermost 768 samples at each end fade."""
        inner = torch.matmul(spectra, self.second.transpose(1, 2)).transpose(0, 1)
        cut = torch.matmul(self.back, inner.reshape(-1, 2 * self.kept, self.rest))
        cut = cut.reshape(-1, frames, WINDOW_SAMPLES) * (self.window / WINDOW_POWER)
        parts = cut.split(HOP_SAMPLES, dim=2)
        blocks = sum(F.pad(part, (0, 0, index, OVERLAP - 1 - index)) for index, part in enumerate(parts))
        return blocks.reshape(blocks.shape[0], (frames + OVERLAP - 1) * HOP_SAMPLES)

    def laid_out(self, by_bin: Tensor) -> Tensor:
        """[N, frames, 513] in order of frequency → [K, N · frames, Q]."""
        taken = by_bin[..., torch.as_tensor(self.bins)]
        return taken.reshape(-1, self.kept, self.rest).transpose(0, 1)


def with_extra_hops(mel: Tensor) -> Tensor:
    """mel [N, hops, C] → [N, hops + 6, C]: both ends held."""
    first, last = mel[:, :1], mel[:, -1:]
    return torch.cat([first] * EXTRA_HOPS + [mel] + [last] * EXTRA_HOPS, dim=1)


def without_extra_hops(sound: Tensor, hops: int) -> Tensor:
    """What synthesise() gave for hops + 6 frames → [N, hops · 256]; sample 0 is the centre of the first hop."""
    begin = EXTRA_HOPS * HOP_SAMPLES + WINDOW_SAMPLES // 2
    return sound[:, begin : begin + hops * HOP_SAMPLES]


def modulus(spectra: Tensor) -> Tensor:
    """|spectra|: [K, F, 2Q] → [K, F, Q]."""
    real, imaginary = spectra.chunk(2, dim=2)
    return torch.sqrt((real * real + imaginary * imaginary).clamp(min=SILENT * SILENT))


def with_phase_of(magnitude: Tensor, spectra: Tensor) -> Tensor:
    """magnitude [K, F, Q], turned as spectra [K, F, 2Q] are."""
    scale = magnitude / modulus(spectra)
    return spectra * torch.cat([scale, scale], dim=2)


def mel_to_magnitude(mel: Tensor) -> Tensor:
    """0..1 as mel_22k lays it → linear magnitude of each band."""
    return torch.pow(10.0, mel * 5.0 - 4.0)


def filters() -> np.ndarray:
    """mel_22k's triangles [80, 513]."""
    return mel_filters(SAMPLE_RATE_HZ, WINDOW_SAMPLES, BANDS, LOWEST_HZ, HIGHEST_HZ)


class MelInverse(nn.Module):
    """Band magnitudes [N, hops, 80] → magnitude of each bin [N, hops, 513], none negative, whose bands come close to them.

    Begins at the pseudo-inverse and takes multiplicative steps towards the least squares (Lee and Seung 1999). What lies
    below 125 and above 7600 Hz is not in the bands and stays silent.
    """

    def __init__(self, iterations: int = 16) -> None:
        super().__init__()
        bands = filters()
        self.iterations = iterations
        self.register_buffer("bands", torch.tensor(bands, dtype=torch.float32))
        self.register_buffer("inverse", torch.tensor(np.linalg.pinv(bands).T, dtype=torch.float32))

    def forward(self, magnitude: Tensor) -> Tensor:
        wanted = torch.matmul(magnitude, self.bands)
        spectrum = torch.matmul(magnitude, self.inverse).clamp(min=0) + 0.01 * wanted
        for _ in range(self.iterations):
            found = torch.matmul(torch.matmul(spectrum, self.bands.T), self.bands)
            spectrum = spectrum * wanted / found.clamp(min=SILENT)
        return spectrum
