"""Sound from a mel spectrum without a trained net: magnitudes by least squares, phases by the fast Griffin–Lim algorithm.

Sources: Griffin and Lim 1984; Perraudin, Balazs and Søndergaard 2013 (the momentum). Every iteration stands in the graph.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from soundstage_trainer.graphs.short_time import (
    MelInverse, ShortTime, mel_to_magnitude, with_extra_hops, with_phase_of, without_extra_hops,
)  # fmt: skip

ITERATIONS = 32
MOMENTUM = 0.99
PRIME = 65_521  # the largest below 2^16: its squares fit well into 64 bits


class GriffinLim(nn.Module):
    """mel float32 [N, hops, 80], 0..1 as mel_22k's `mel` → sound float32 [N, 256 · hops], −1..1, at 22,050 Hz.

    The same mel always gives the same sound: the phases begin as fixed noise.
    """

    def __init__(self, iterations: int = ITERATIONS) -> None:
        super().__init__()
        self.iterations = iterations
        self.short_time, self.mel_inverse = ShortTime(), MelInverse()

    def forward(self, mel: Tensor) -> Tensor:
        hops = mel.shape[1]
        wide = with_extra_hops(mel)
        magnitude = self.short_time.laid_out(self.mel_inverse(mel_to_magnitude(wide)))
        phases = fixed_noise(wide.shape[1], self.short_time.kept, self.short_time.rest).repeat(1, mel.shape[0], 1)
        sound = consistent_sound(self.short_time, magnitude, phases, wide.shape[1], self.iterations)
        return without_extra_hops(sound, hops).clamp(-1.0, 1.0)


def consistent_sound(short_time: ShortTime, magnitude: Tensor, phases: Tensor, frames: int, iterations: int) -> Tensor:
    """magnitude [K, F, Q] and first phases as spectra [K, F, 2Q] → the sound after so many iterations, with its extra hops."""
    before = torch.zeros_like(phases)
    for _ in range(iterations):
        found = short_time.analyse(short_time.synthesise(with_phase_of(magnitude, phases), frames), frames)
        phases = found - (MOMENTUM / (1.0 + MOMENTUM)) * before
        before = found
    return short_time.synthesise(with_phase_of(magnitude, phases), frames)


def fixed_noise(frames: int, kept: int, rest: int) -> Tensor:
    """Unit spectra [K, frames, 2Q] whose phases are noise, the same for every sound: squares modulo a prime, three times."""
    frame = torch.arange(frames).reshape(1, -1, 1)
    position = torch.arange(kept * rest).reshape(kept, 1, rest)
    value = (frame * 7_919 + position * 31_337 + 12_345) % PRIME
    for step in (1, 2, 3):
        value = (value * value + 4_241 * step + frame) % PRIME
    angle = value.to(torch.float32) * (2.0 * math.pi / PRIME)
    return torch.cat([torch.cos(angle), torch.sin(angle)], dim=2)
