"""Mel spectrum of a sound from what is seen, and the judge that it learns against.

Source: Chen et al. 2020, "Generating Visually Aligned Sound from Videos" (RegNet): visual encoder, an auxiliary branch that
takes in while training what cannot be seen and is silent in use, decoder, postnet; a GAN with the picture as condition.
Written anew from the paper. What differs: the visual features are narrowed first, the auxiliary branch is silent for a part of
the training clips too, and the decoder begins at the mean spectrum of the training set.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

VISUAL = 2560
BANDS = 80
HOPS_A_FRAME = 4
KERNEL = 5
ENCODER_CONVS, ENCODER_LSTM_LAYERS, POSTNET_CONVS = 3, 2, 5


@dataclass(frozen=True)
class Sizes:
    """Channels. auxiliary: of its bottleneck in each direction; auxiliary_hops: it is sampled once in so many hops."""

    encoder: int
    decoder: int
    postnet: int
    judge: int
    auxiliary: int = 8
    auxiliary_hops: int = 32
    dropout: float = 0.3


SMALL = Sizes(encoder=96, decoder=96, postnet=64, judge=48)
PAPER = Sizes(encoder=1024, decoder=1024, postnet=512, judge=512, auxiliary=32)


class RegNet(nn.Module):
    """visual float32 [N, T, 2560] at 21.5 frames/s → mel float32 [N, 4 · T, 80], 0..1 as mel_22k's `mel`. Any T >= 1."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.register_buffer("visual_mean", torch.zeros(VISUAL))
        self.register_buffer("visual_scale", torch.ones(VISUAL))
        self.register_buffer("mel_mean", torch.zeros(BANDS))
        wide = sizes.encoder
        self.narrow = nn.Sequential(nn.Dropout(sizes.dropout), nn.Linear(VISUAL, wide), nn.ReLU())
        self.convs = nn.Sequential(*[_conv(wide, wide, nn.ReLU(), sizes.dropout) for _ in range(ENCODER_CONVS)])
        self.lstm = nn.LSTM(wide, wide // 2, ENCODER_LSTM_LAYERS, batch_first=True, bidirectional=True)
        self.auxiliary = Auxiliary(sizes)
        self.raise_twice = nn.Sequential(
            *[layer for i in range(2) for layer in _raise(wide + 2 * sizes.auxiliary if i == 0 else sizes.decoder, sizes)]
        )
        self.to_mel = nn.Conv1d(sizes.decoder, BANDS, KERNEL, padding=KERNEL // 2)
        inner = [_conv(BANDS if i == 0 else sizes.postnet, sizes.postnet, nn.Tanh(), sizes.dropout) for i in range(POSTNET_CONVS - 1)]
        self.postnet = nn.Sequential(*inner, nn.Conv1d(sizes.postnet, BANDS, KERNEL, padding=KERNEL // 2))
        for last in (self.to_mel, self.postnet[-1]):
            nn.init.normal_(last.weight, std=1e-3)
            nn.init.zeros_(last.bias)

    def forward(self, visual: Tensor) -> Tensor:
        told = visual.new_zeros(1, 1, 2 * self.sizes.auxiliary).expand(visual.shape[0], visual.shape[1], -1)
        return self.decode(self.encode(visual), told)[1].clamp(0.0, 1.0)

    def learn(self, visual: Tensor, mel: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        """For training: mel [N, 4 · T, 80] is the truth, heard [N] 1 where the auxiliary branch may take it in, else 0.

        Returns the spectrum before and after the postnet, not clipped.
        """
        told = self.auxiliary(mel) * heard.reshape(-1, 1, 1)
        return self.decode(self.encode(visual), told)

    def encode(self, visual: Tensor) -> Tensor:
        """[N, T, 2560] → [N, T, encoder]"""
        narrow = self.narrow((visual - self.visual_mean) * self.visual_scale)
        return self.lstm(self.convs(narrow.transpose(1, 2)).transpose(1, 2))[0]

    def decode(self, seen: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        raised = self.raise_twice(torch.cat([seen, told], dim=2).transpose(1, 2))
        before = self.to_mel(raised) + self.mel_mean.reshape(1, -1, 1)
        after = before + self.postnet(before)
        return before.transpose(1, 2), after.transpose(1, 2)


class Auxiliary(nn.Module):
    """The true spectrum through a bottleneck in width and in time (as in AutoVC): mel [N, 4 · T, 80] → [N, T, 2 · auxiliary]."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.every, self.width = sizes.auxiliary_hops, sizes.auxiliary
        self.lstm = nn.LSTM(BANDS, sizes.auxiliary, 1, batch_first=True, bidirectional=True)

    def forward(self, mel: Tensor) -> Tensor:
        hops = mel.shape[1]
        told = self.lstm(F.pad(mel, (0, 0, 0, -hops % self.every)))[0]
        forwards = told[:, self.every - 1 :: self.every, : self.width]
        backwards = told[:, :: self.every, self.width :]
        held = torch.cat([forwards, backwards], dim=2).repeat_interleave(self.every, dim=1)
        return held[:, :hops:HOPS_A_FRAME]


class Judge(nn.Module):
    """The discriminator: visual [N, T, 2560] and mel [N, 4 · T, 80] → how true each stretch looks [N, stretches]; 1 is true."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        wide = sizes.judge
        self.narrow = nn.Linear(VISUAL, wide)
        self.from_mel = nn.Conv1d(BANDS, wide, KERNEL, padding=KERNEL // 2)
        self.convs = nn.ModuleList(nn.Conv1d(2 * wide, 2 * wide, KERNEL, stride=2, padding=KERNEL // 2) for _ in range(3))
        self.end = nn.Conv1d(2 * wide, 1, 3, padding=1)

    def forward(self, visual: Tensor, mel: Tensor) -> Tensor:
        seen = self.narrow(visual).transpose(1, 2).repeat_interleave(HOPS_A_FRAME, dim=2)
        x = torch.cat([seen, self.from_mel(mel.transpose(1, 2))], dim=1)
        for conv in self.convs:
            x = conv(F.leaky_relu(x, 0.2))
        return self.end(F.leaky_relu(x, 0.2))[:, 0]


def _conv(inside: int, outside: int, bend: nn.Module, dropout: float) -> nn.Sequential:
    conv = nn.Conv1d(inside, outside, KERNEL, padding=KERNEL // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm1d(outside), bend, nn.Dropout(dropout))


def _raise(inside: int, sizes: Sizes) -> list[nn.Module]:
    """Twice as many steps."""
    wide = sizes.decoder
    twice = nn.ConvTranspose1d(inside, wide, 4, stride=2, padding=1, bias=False)
    return [twice, nn.BatchNorm1d(wide), nn.ReLU(), _conv(wide, wide, nn.ReLU(), sizes.dropout)]
