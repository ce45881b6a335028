"""Do the lips move with the sound, and at which offset? Two small towers over lip shape and mel spectrum, compared at each lag.

Inputs that don't depend on who speaks: distances between points of the face mesh, in units of the distance of the eyes, and
a mel spectrum with its mean taken out. The towers' answers are vectors whose dot products add up to the evidence for a lag,
in nats where the frames tell something new each.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FRAME_RATE_HZ = 25
HOPS_PER_FRAME = 4  # 100 hops a second
BANDS = 80
# Points of the mesh that are given, by MediaPipe's numbers: the outer and inner ring of the lips, then the head; as
# packages/faces keeps them.
POINTS = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
    1, 2, 4, 33, 133, 362, 263, 10, 152, 234, 454, 168,
)  # fmt: skip
OUTER_EYES = (33, 263)
# Each a length of the mouth, as the mean over pairs of points: those of the left and the right side count as one.
LENGTHS = (
    ((13, 14),), ((82, 87), (312, 317)), ((81, 178), (311, 402)), ((80, 88), (310, 318)),  # how far the mouth is open
    ((0, 17),), ((37, 84), (267, 314)), ((39, 181), (269, 405)),  # the same with the lips
    ((78, 308),), ((61, 291),),  # its width
    ((2, 0),), ((2, 13),), ((2, 14),), ((2, 17),), ((2, 152),), ((17, 152),),  # where lips and chin stand beneath the nose
    ((2, 61), (2, 291)), ((152, 61), (152, 291)),
    ((0, 13),), ((14, 17),),  # the lips themselves
    ((0, 61), (0, 291)), ((17, 61), (17, 291)),  # how far they are pushed forward
)  # fmt: skip
LIP_SCALE, SOUND_SCALE = 20.0, 0.5


class LipShape(nn.Module):
    """points float32 [B, frames, 52, 3] in pixels → lengths [B, frames, 21], in units of the eyes' distance, their mean taken out.

    depth: what z counts beside x and y; the mesh guesses it.
    """

    def __init__(self, depth: float) -> None:
        super().__init__()
        place = {point: index for index, point in enumerate(POINTS)}
        pairs = [pair for pairs in LENGTHS for pair in pairs]
        shares = torch.zeros(len(pairs), len(LENGTHS))
        at = 0
        for length, own in enumerate(LENGTHS):
            shares[at : at + len(own), length] = 1 / len(own)
            at += len(own)
        self.register_buffer("first", torch.tensor([place[a] for a, _ in pairs]), persistent=False)
        self.register_buffer("second", torch.tensor([place[b] for _, b in pairs]), persistent=False)
        self.register_buffer("shares", shares, persistent=False)
        self.register_buffer("axes", torch.tensor([1.0, 1.0, depth]), persistent=False)
        self.eyes = tuple(place[point] for point in OUTER_EYES)

    def forward(self, points: Tensor) -> Tensor:
        points = points * self.axes
        lengths = _norm(points.index_select(2, self.first) - points.index_select(2, self.second)) @ self.shares
        eyes = _norm(points[:, :, self.eyes[0]] - points[:, :, self.eyes[1]]).mean(dim=1)
        shape = lengths / (eyes[:, None, None] + 1e-3)
        return shape - shape.mean(dim=1, keepdim=True)


class Tower(nn.Sequential):
    """[B, channels, steps] → [B, size, steps]; kernels and dilations by layer."""

    def __init__(self, channels: int, width: int, size: int, layers: tuple[tuple[int, int], ...], dropout: float) -> None:
        parts: list[nn.Module] = []
        for kernel, dilation in layers[:-1]:
            parts += [nn.Conv1d(channels, width, kernel, padding=kernel // 2 * dilation, dilation=dilation), nn.GELU(), nn.Dropout(dropout)]
            channels = width
        kernel, dilation = layers[-1]
        parts.append(nn.Conv1d(channels, size, kernel, padding=kernel // 2 * dilation, dilation=dilation))
        super().__init__(*parts)


class SyncVoter(nn.Module):
    """One pair of towers. Lips see ±5 frames (0.2 s), the sound ±14 hops (0.14 s) beside the spectrum's own 64 ms."""

    def __init__(self, width: int = 64, size: int = 32, bands: int = 40, dropout: float = 0.15, depth: float = 0.5) -> None:
        super().__init__()
        self.bands = bands
        self.shape = LipShape(depth)
        self.lips = Tower(2 * len(LENGTHS), width, size, ((5, 1), (5, 1), (3, 1)), dropout)
        self.sound = Tower(2 * bands, width, size, ((5, 1), (5, 2), (5, 2), (3, 1)), dropout)
        self.sharpness = nn.Parameter(torch.tensor(0.1))

    def of_lips(self, shape: Tensor) -> Tensor:
        """shape [B, frames, 21] as LipShape gives it → [B, size, frames]."""
        x = shape.transpose(1, 2) * LIP_SCALE
        return self.lips(torch.cat([x, _slope(x)], dim=1))

    def of_sound(self, mel: Tensor, heard: Tensor) -> Tensor:
        """mel [B, hops, 80], heard [B, hops]: 0 where there is no sound → [B, size, hops]."""
        x = mel.reshape(mel.shape[0], mel.shape[1], self.bands, BANDS // self.bands).mean(dim=3).transpose(1, 2)
        known = heard.unsqueeze(1)
        mean = (x * known).sum(dim=2, keepdim=True) / (known.sum(dim=2, keepdim=True) + 1e-6)
        x = (x - mean) * known * SOUND_SCALE
        return self.sound(torch.cat([x, _slope(x)], dim=1)) * self.sharpness


class SyncNet(nn.Module):
    """points float32 [frames, 52, 3], mel [hops, 80], heard [hops] → agreement [frames, lags].

    frames: 25 a second; hops: 100 a second, as mel_16k gives them. lags = hops − 4·(frames − 1), frame t and lag k meet at
    hop 4·t + k: with hops that begin R before the first frame, lag k is an offset of 10·k ms − R. Each row's mean over the
    lags that are heard is zero; a lag that isn't heard counts zero.
    """

    def __init__(self, voters: list[SyncVoter]) -> None:
        super().__init__()
        self.voters = nn.ModuleList(voters)

    def forward(self, points: Tensor, mel: Tensor, heard: Tensor) -> Tensor:
        frames, hops = points.shape[0], mel.shape[0]
        lags = hops - HOPS_PER_FRAME * (frames - 1)
        at = HOPS_PER_FRAME * torch.arange(frames).unsqueeze(1) + torch.arange(lags).unsqueeze(0)
        products = torch.zeros(1, 1)
        for voter in self.voters:
            lips = voter.of_lips(voter.shape(points.unsqueeze(0)))[0]
            sound = voter.of_sound(mel.unsqueeze(0), heard.unsqueeze(0))[0]
            products = products + lips.transpose(0, 1) @ sound / len(self.voters)
        agreement = torch.gather(products, 1, at)
        known = heard[at]
        mean = (agreement * known).sum(dim=1, keepdim=True) / (known.sum(dim=1, keepdim=True) + 1e-6)
        return (agreement - mean) * known


def _norm(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(dim=-1) + 1e-8).sqrt()


def _slope(x: Tensor) -> Tensor:
    """Difference of the neighbours, [B, channels, steps]; zero at both ends."""
    return nn.functional.pad(x[:, :, 2:] - x[:, :, :-2], (1, 1))
