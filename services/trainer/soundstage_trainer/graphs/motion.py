"""Motion features of a clip: flow and frame difference, pooled on a grid, per second.

Each frame pair stands alone (no memory of other pairs), so a long clip may be run in
chunks that overlap by one frame and gives the same numbers. What needs time (speeding
up, stopping) is left to the model that reads these features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from soundstage_trainer.graphs.flow import LucasKanadeFlow, warp

HEIGHT_PX, WIDTH_PX = 96, 160
ROWS, COLUMNS = 6, 8
CELLS = ROWS * COLUMNS
SHORTEST_PAIR_S, LONGEST_PAIR_S = 1 / 120, 0.5

CELL_CHANNELS = (
    "speed_mean",  # mean flow magnitude, camera motion taken out; frame widths a second
    "speed_max",  # largest 4×4-pixel mean of the same
    "velocity_x",  # mean flow, camera motion taken out, right positive; frame widths a second
    "velocity_y",  # the same, down positive
    "difference_mean",  # mean |grey change|; full scale a second
    "difference_max",  # largest 4×4-pixel mean of the same
    "brightness",  # mean signed grey change; full scale a second
    "residual",  # mean |grey change| that the flow does not explain; full scale a second
)
CLIP_CHANNELS = (
    "camera_x",  # median over the cells of mean flow; frame widths a second
    "camera_y",
    "difference",  # mean |grey change| of the whole frame; full scale a second
    "brightness",  # mean signed grey change of the whole frame; full scale a second
    "cut",  # 0..1: share of the frame that changed by more than 1/10 of full scale unexplained by flow
    "pair_s",  # time between the two frames, seconds
)
CHANNELS = len(CELL_CHANNELS) * CELLS + len(CLIP_CHANNELS)


def channel_names() -> list[str]:
    """Names in the order of the output: each cell channel over all cells row by row, then the clip channels."""
    cells = [f"{name}[{r},{c}]" for name in CELL_CHANNELS for r in range(ROWS) for c in range(COLUMNS)]
    return cells + [f"clip.{name}" for name in CLIP_CHANNELS]


class MotionFeatures(nn.Module):
    """frames float32 [N, 96, 160] grey 0..255, times_s float32 [N] → features float32 [N-1, CHANNELS]."""

    def __init__(self) -> None:
        super().__init__()
        self.flow = LucasKanadeFlow()

    def forward(self, frames: Tensor, times_s: Tensor) -> Tensor:
        flow = self.flow(frames)
        pair_s = (times_s[1:] - times_s[:-1]).clamp(SHORTEST_PAIR_S, LONGEST_PAIR_S)
        per_second = (1.0 / pair_s).reshape(-1, 1, 1, 1)

        velocity = flow * per_second / WIDTH_PX
        camera = _median(_cells_mean(velocity).flatten(2))  # [N-1, 2]
        velocity = velocity - camera[:, :, None, None]
        speed = torch.sqrt((velocity * velocity).sum(dim=1, keepdim=True) + 1e-12)

        grey = frames.unsqueeze(1) / 255.0
        change = (grey[1:] - grey[:-1]) * per_second
        unexplained = (warp(grey[1:], flow) - grey[:-1]).abs()

        cells = torch.cat(
            [
                _cells_mean(speed),
                _cells_max(speed),
                _cells_mean(velocity),
                _cells_mean(change.abs()),
                _cells_max(change.abs()),
                _cells_mean(change),
                _cells_mean(unexplained * per_second),
            ],
            dim=1,
        ).flatten(1)
        clip = torch.stack(
            [
                camera[:, 0],
                camera[:, 1],
                change.abs().mean(dim=(1, 2, 3)),
                change.mean(dim=(1, 2, 3)),
                (unexplained > 0.1).to(torch.float32).mean(dim=(1, 2, 3)),
                pair_s,
            ],
            dim=1,
        )
        return torch.cat([cells, clip], dim=1)


def _median(values: Tensor) -> Tensor:
    """Median over the last axis, which is CELLS long; by TopK, since ONNX has no median."""
    top = values.topk(CELLS // 2 + 1, dim=-1).values
    return 0.5 * (top[..., -1] + top[..., -2])


def _cells_mean(maps: Tensor) -> Tensor:
    return F.avg_pool2d(maps, (HEIGHT_PX // ROWS, WIDTH_PX // COLUMNS))


def _cells_max(maps: Tensor) -> Tensor:
    return F.max_pool2d(F.avg_pool2d(maps, 4), (HEIGHT_PX // ROWS // 4, WIDTH_PX // COLUMNS // 4))
