"""The vocoder's judge: small 2-D convolutions over log spectra at three resolutions (after Jang et al. 2021, UnivNet)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

RESOLUTIONS = (1024, 512, 256)
CHANNELS = 16


class SpectrumJudge(nn.Module):
    """Sounds [N, samples] → a map of how true each stretch and band looks, for each resolution; 1 is true."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = nn.ModuleList(_judge() for _ in RESOLUTIONS)
        for size in RESOLUTIONS:
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)

    def forward(self, sound: Tensor) -> list[Tensor]:
        answers = []
        for size, judge in zip(RESOLUTIONS, self.judges, strict=True):
            window = getattr(self, f"window_{size}")
            spectrum = torch.stft(sound, size, size // 4, window=window, pad_mode="constant", return_complex=True)
            energy = spectrum.real.square() + spectrum.imag.square()
            answers.append(judge(torch.log(energy.clamp(min=1e-8))[:, None] / 10.0))
        return answers

    def distance(self, sound: Tensor, wanted: float) -> Tensor:
        """Mean squared distance of all answers to the wanted one (least-squares GAN)."""
        return torch.stack([F.mse_loss(answer, torch.full_like(answer, wanted)) for answer in self(sound)]).mean()


def _judge() -> nn.Sequential:
    layers: list[nn.Module] = []
    for inside, stride in ((1, (2, 1)), (CHANNELS, (2, 2)), (CHANNELS, (2, 2))):
        layers += [nn.Conv2d(inside, CHANNELS, (5, 3), stride=stride, padding=(2, 1)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(CHANNELS, 1, 3, padding=1))
