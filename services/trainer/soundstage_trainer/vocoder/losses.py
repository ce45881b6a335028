"""How far a sound is from the true one: spectra at several resolutions, and mel bands.

Source: Yamamoto, Song and Kim 2020 (multi-resolution STFT: spectral convergence and log magnitude).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from soundstage_trainer.graphs.short_time import WINDOW_SAMPLES, filters

RESOLUTIONS = (2048, 1024, 512, 256)  # windows; the hop is a quarter
FAINTEST = 1e-4  # magnitudes below count as equal


class SpectralDistance(nn.Module):
    """Two sounds [N, samples] → spectral convergence, log-magnitude L1 (nepers) and log-mel L1 (0..1 scale of mel_22k)."""

    def __init__(self, resolutions: tuple[int, ...] = RESOLUTIONS) -> None:
        super().__init__()
        self.resolutions = resolutions
        for size in {*resolutions, WINDOW_SAMPLES}:
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)
        self.register_buffer("bands", torch.tensor(filters(), dtype=torch.float32), persistent=False)

    def forward(self, found: Tensor, true: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        convergence, log_magnitude = [], []
        for size in self.resolutions:
            ours, theirs = magnitude(found, self.windows(size)), magnitude(true, self.windows(size))
            gap, whole = (theirs - ours).flatten(1).norm(dim=1), theirs.flatten(1).norm(dim=1)
            convergence.append((gap / whole.clamp(min=0.1)).mean())
            log_magnitude.append((theirs.clamp(min=FAINTEST).log() - ours.clamp(min=FAINTEST).log()).abs().mean())
        mel = (self.mel(found) - self.mel(true)).abs().mean()
        return torch.stack(convergence).mean(), torch.stack(log_magnitude).mean(), mel

    def mel(self, sound: Tensor) -> Tensor:
        """As mel_22k's `mel`, not clipped at the top: [N, 80, hops]."""
        linear = magnitude(sound, self.windows(WINDOW_SAMPLES))
        return (torch.log10((self.bands @ linear).clamp(min=1e-4)) + 4.0) / 5.0

    def windows(self, size: int) -> Tensor:
        return getattr(self, f"window_{size}")


def magnitude(sound: Tensor, window: Tensor) -> Tensor:
    """[N, samples] → [N, window // 2 + 1, frames], a hop of a quarter, zeros beyond both ends."""
    size = len(window)
    spectrum = torch.stft(sound, size, size // 4, window=window, center=True, pad_mode="constant", return_complex=True)
    return torch.sqrt((spectrum.real.square() + spectrum.imag.square()).clamp(min=1e-12))
