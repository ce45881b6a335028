"""Dense optical flow as one differentiable graph: pyramidal Lucas–Kanade, unrolled.

Source: Lucas and Kanade 1981; Bouguet 2000 (pyramid); Baker and Matthews 2004
(inverse compositional: the gradients stay on the first image, so that an
iteration is one warp and one filtering). After each level a 3×3 median removes
lone vectors (Sun, Roth and Black 2010).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = 4
ITERATIONS = (2, 2, 2, 2)  # finest first
WINDOW_SIGMA_PX = 2.0
WINDOW_RADIUS_PX = 4
DAMPING = 30.0  # grey levels squared; holds flat regions to the coarser estimate
LARGEST_STEP_PX = 1.0
SMALLEST_SIDE_PX = 10


class LucasKanadeFlow(nn.Module):
    """frames float32 [N, H, W], grey 0..255 → flow float32 [N-1, 2, H, W] (dx, dy), pixels a frame.

    flow[i] at (y, x) is where the point seen there in frame i has moved to in
    frame i + 1. H and W are at least 16; N at least 2.

    finest_level: the last level of the pyramid that is solved, 0 the frames themselves. From 1 on the rest is
    interpolated: flow is smoother than pictures, and the frames' own level takes three quarters of the time.
    """

    def __init__(self, finest_level: int = 0) -> None:
        super().__init__()
        self.finest_level = finest_level
        steps = torch.arange(-WINDOW_RADIUS_PX, WINDOW_RADIUS_PX + 1, dtype=torch.float32)
        window = torch.exp(-0.5 * (steps / WINDOW_SIGMA_PX) ** 2)
        self.register_buffer("window", window / window.sum())
        smooth = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
        self.register_buffer("smooth", smooth)

    def forward(self, frames: Tensor) -> Tensor:
        pyramid = self._pyramid(frames.unsqueeze(1))
        flow = None
        for level in range(LEVELS - 1, self.finest_level - 1, -1):
            images = pyramid[level]
            first, second = images[:-1], images[1:]
            flow = torch.zeros_like(first).repeat(1, 2, 1, 1) if flow is None else _upsample(flow, first)
            flow = self._refine(first, second, flow, ITERATIONS[level])
            flow = median_3x3(flow)
        for level in range(self.finest_level - 1, -1, -1):
            flow = _upsample(flow, pyramid[level][:-1])
        return flow

    def _pyramid(self, frames: Tensor) -> list[Tensor]:
        """Finest first. The finest level is smoothed once, so that noise has less say."""
        images = [_separable(frames, self.smooth)]
        for _ in range(LEVELS - 1):
            images.append(F.avg_pool2d(_separable(images[-1], self.smooth), 2, ceil_mode=False))
        return images

    def _refine(self, first: Tensor, second: Tensor, flow: Tensor, iterations: int) -> Tensor:
        padded = F.pad(first, (1, 1, 1, 1), mode="replicate")
        gx = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) * 0.5
        gy = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) * 0.5
        products = _separable(torch.cat([gx * gx, gy * gy, gx * gy], dim=1), self.window)
        xx, yy, xy = products[:, 0:1] + DAMPING, products[:, 1:2] + DAMPING, products[:, 2:3]
        determinant = xx * yy - xy * xy
        gradients = torch.cat([gx, gy], dim=1)
        for _ in range(iterations):
            change = first - warp(second, flow)
            b = _separable(gradients * change, self.window)
            bx, by = b[:, 0:1], b[:, 1:2]
            step = torch.cat([yy * bx - xy * by, xx * by - xy * bx], dim=1) / determinant
            flow = flow + step.clamp(-LARGEST_STEP_PX, LARGEST_STEP_PX)
        return flow


def warp(images: Tensor, flow: Tensor) -> Tensor:
    """images [B, C, H, W] sampled at each pixel's place plus flow [B, 2, H, W]; edges are repeated."""
    height, width = images.shape[-2], images.shape[-1]
    x = torch.arange(width, dtype=torch.float32, device=images.device).reshape(1, 1, -1)
    y = torch.arange(height, dtype=torch.float32, device=images.device).reshape(1, -1, 1)
    grid_x = (flow[:, 0] + x) * (2.0 / (width - 1)) - 1.0
    grid_y = (flow[:, 1] + y) * (2.0 / (height - 1)) - 1.0
    grid = torch.stack([grid_x, grid_y], dim=-1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=True)


def median_3x3(maps: Tensor) -> Tensor:
    """The median of each 3×3 neighbourhood, by a network of minima and maxima (Paeth 1990)."""
    height, width = maps.shape[-2], maps.shape[-1]
    padded = F.pad(maps, (1, 1, 1, 1), mode="replicate")
    p = [padded[:, :, r : r + height, c : c + width] for r in range(3) for c in range(3)]
    for a, b in _MEDIAN_OF_9:
        p[a], p[b] = torch.minimum(p[a], p[b]), torch.maximum(p[a], p[b])
    return p[4]


_MEDIAN_OF_9 = (
    (1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3),
    (5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2),
)  # fmt: skip


def _upsample(flow: Tensor, like: Tensor) -> Tensor:
    return 2.0 * F.interpolate(flow, size=like.shape[-2:], mode="bilinear", align_corners=False)


def _separable(maps: Tensor, kernel: Tensor) -> Tensor:
    """Each channel filtered by kernel along y and x, edges repeated."""
    channels = maps.shape[1]
    radius = kernel.shape[0] // 2
    padded = F.pad(maps, (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, kernel.reshape(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return F.conv2d(rows, kernel.reshape(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
