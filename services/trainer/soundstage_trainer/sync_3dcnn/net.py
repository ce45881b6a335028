"""A 3D-CNN that looks at a mouth, a CNN that hears, and dense layers that say how far apart the two are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from soundstage_trainer.graphs.lip_flow import SIDE
from soundstage_trainer.sync_3dcnn.blocks import FRAMES, HOPS
from soundstage_trainer.sync_3dcnn.dataset import COEFFICIENTS

WIDTHS = (16, 32, 48)  # channels of the three convolutions of either branch
TOWER, FUSED = 128, 64


class Sync3dCnn(nn.Module):
    """flow float32 [N, 8, 32, 32], mfcc float32 [N, 56, 12] → offset float32 [N], frames of 1/15 s, positive where the sound
    comes late."""

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        self.register_buffer("flow_scale", torch.ones(()))
        self.register_buffer("mfcc_mean", torch.zeros(COEFFICIENTS))
        self.register_buffer("mfcc_scale", torch.ones(COEFFICIENTS))
        first, second, third = WIDTHS
        # Time is kept longer than place is: what is asked for is a matter of time.
        self.look = nn.Sequential(
            *_looking(1, first, (1, 2, 2)), *_looking(first, second, (2, 2, 2)), *_looking(second, third, (2, 2, 2)),
            nn.Flatten(), *_dense(third * (FRAMES // 4) * (SIDE // 8) ** 2, TOWER, dropout),
        )  # fmt: skip
        self.listen = nn.Sequential(
            *_hearing(1, first, (2, 2)), *_hearing(first, second, (2, 2)), *_hearing(second, third, (2, 1)),
            nn.Flatten(), *_dense(third * (HOPS // 8) * (COEFFICIENTS // 4), TOWER, dropout),
        )  # fmt: skip
        self.fuse = nn.Sequential(*_dense(2 * TOWER, FUSED, dropout), nn.Linear(FUSED, 1))
        nn.init.zeros_(self.fuse[-1].bias)

    def forward(self, flow: Tensor, mfcc: Tensor) -> Tensor:
        return self.compare(self.seen(flow), self.heard(mfcc))

    def seen(self, flow: Tensor) -> Tensor:
        """[N, 8, 32, 32] → [N, 128]"""
        return self.look((flow * self.flow_scale).unsqueeze(1))

    def heard(self, mfcc: Tensor) -> Tensor:
        """[N, 56, 12] → [N, 128]"""
        return self.listen(((mfcc - self.mfcc_mean) * self.mfcc_scale).unsqueeze(1))

    def compare(self, seen: Tensor, heard: Tensor) -> Tensor:
        return self.fuse(torch.cat([seen, heard], dim=1)).squeeze(1)

    def parameters_in_all(self) -> int:
        return sum(weight.numel() for weight in self.parameters())


def _looking(inside: int, outside: int, stride: tuple[int, int, int]) -> list[nn.Module]:
    return [nn.Conv3d(inside, outside, 3, stride, padding=1, bias=False), nn.BatchNorm3d(outside), nn.ReLU()]


def _hearing(inside: int, outside: int, pool: tuple[int, int]) -> list[nn.Module]:
    return [nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(), nn.MaxPool2d(pool)]


def _dense(inside: int, outside: int, dropout: float) -> list[nn.Module]:
    return [nn.Dropout(dropout), nn.Linear(inside, outside), nn.ReLU()]
