"""A vocoder that gives all its sound at once: a trunk of 1-D convolutions, a spectrum, and the inverse transform.

Sources: Vocos (Siuzdak 2023: ConvNeXt trunk, magnitude and phase, iSTFT); Deep Griffin–Lim (Masuyama et al. 2019: iterations
of the consistency projection inside the net). The magnitude begins at the least-squares inverse of the mel bands, and the
phases at fixed noise, so that an untrained net is a short Griffin–Lim; the trunk learns what is missing from both. What it makes is
heard through the mel bands as what it was given.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from soundstage_trainer.graphs.griffin_lim import consistent_sound, fixed_noise
from soundstage_trainer.graphs.short_time import (
    BANDS, MelInverse, ShortTime, filters, mel_to_magnitude, with_extra_hops, without_extra_hops,
)  # fmt: skip

KERNEL = 7
WIDENING = 3
INVERSE_STEPS = 4
BAND_STEPS = 3
FAINTEST = 1e-5  # magnitude of a bin that the bands say nothing of
EDGE_BINS = (1, 8)  # left out at the lower and the upper end
LARGEST_CHANGE = 8.0  # of the natural logarithm of a magnitude


class VocoderNet(nn.Module):
    """mel float32 [N, hops, 80], 0..1 as mel_22k's `mel` → sound float32 [N, 256 · hops], −1..1, at 22,050 Hz.

    channels, layers: of the trunk. iterations: consistency projections after it (0: the trunk's phases as they are).
    """

    def __init__(self, *, channels: int, layers: int, iterations: int) -> None:
        super().__init__()
        self.iterations = iterations
        self.short_time, self.mel_inverse = ShortTime(), MelInverse(INVERSE_STEPS)
        self.positions = self.short_time.kept * self.short_time.rest
        self._lay_out_bands()
        self.begin = nn.Conv1d(BANDS, channels, KERNEL, padding=KERNEL // 2)
        self.begin_norm = nn.LayerNorm(channels)
        self.trunk = nn.ModuleList(_Block(channels, layers) for _ in range(layers))
        self.end_norm = nn.LayerNorm(channels)
        self.end = nn.Linear(channels, 3 * self.positions)
        nn.init.normal_(self.end.weight, std=0.01)
        nn.init.zeros_(self.end.bias)

    def _lay_out_bands(self) -> None:
        """The mel triangles over positions: bands_in counts each bin once, bands_out gives each position its bands' mean."""
        bins = self.short_time.bins
        once = np.zeros(len(bins))
        once[np.unique(bins, return_index=True)[1]] = 1.0
        bands = filters()[:, bins]
        whole = bands.sum(axis=0)
        # Beyond the bands the guess goes on as it is a little inside them: the outermost bins hardly weigh in any band.
        inside = np.flatnonzero(filters().sum(axis=0) > 0)
        self.register_buffer("guessed_from", torch.tensor(np.clip(bins, inside[0] + EDGE_BINS[0], inside[-1] - EDGE_BINS[1])))
        self.register_buffer("bands_in", torch.tensor(bands * once, dtype=torch.float32))
        self.register_buffer("bands_out", torch.tensor(bands / np.maximum(whole, 1e-9), dtype=torch.float32))
        self.register_buffer("outside", torch.tensor(whole < 1e-9, dtype=torch.float32))

    def forward(self, mel: Tensor) -> Tensor:
        return self.sound(mel).clamp(-1.0, 1.0)

    def sound(self, mel: Tensor) -> Tensor:
        """As forward(), not clipped: for training."""
        hops = mel.shape[1]
        wide = with_extra_hops(mel)
        magnitude, phases = self.spectrum(wide)
        return without_extra_hops(consistent_sound(self.short_time, magnitude, phases, wide.shape[1], self.iterations), hops)

    def spectrum(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """mel [N, frames, 80] → magnitude [K, N · frames, Q] and phases as spectra [K, N · frames, 2Q]."""
        x = self.begin_norm(self.begin((mel * 2.0 - 1.0).transpose(1, 2)).transpose(1, 2))
        for block in self.trunk:
            x = block(x)
        kept, rest = self.short_time.kept, self.short_time.rest
        told = self.end(self.end_norm(x))
        wanted = mel_to_magnitude(mel)
        guess = self.mel_inverse(wanted)[..., self.guessed_from].clamp(min=FAINTEST)
        change = told[..., : self.positions]
        magnitude = self._heard_as(wanted, guess * torch.exp(LARGEST_CHANGE * torch.tanh(change / LARGEST_CHANGE)))
        magnitude = magnitude.reshape(-1, kept, rest).transpose(0, 1)
        turned = told[..., self.positions :].reshape(-1, kept, 2 * rest).transpose(0, 1)
        noise = fixed_noise(mel.shape[1], kept, rest).to(mel.device).repeat(1, mel.shape[0], 1)
        return magnitude, turned + 0.3 * noise

    def _heard_as(self, wanted: Tensor, magnitude: Tensor) -> Tensor:
        """magnitude [N, frames, positions], its bands brought to those wanted [N, frames, 80]: the net shares out what is
        inside a band, and the spectrum that it was given stays as it is."""
        for _ in range(BAND_STEPS):
            found = torch.matmul(magnitude, self.bands_in.T)
            magnitude = magnitude * (torch.matmul(wanted / found.clamp(min=FAINTEST), self.bands_out) + self.outside)
        return magnitude


class _Block(nn.Module):
    """ConvNeXt in one dimension (Liu et al. 2022)."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.along = nn.Conv1d(channels, channels, KERNEL, padding=KERNEL // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, WIDENING * channels)
        self.narrow = nn.Linear(WIDENING * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 1.0 / layers))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.along(x.transpose(1, 2)).transpose(1, 2))
        return x + self.scale * self.narrow(nn.functional.gelu(self.widen(y)))
