"""The two ends of the face mesh: pixels in, points out. The net between them is MediaPipe's (Kartynnik 2019), read from a file."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE_PX = 192
POINTS = 468
# Of the mesh's points those around the mouth, as MediaPipe numbers them, from the left corner of the picture on.
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)


class LipsInput(nn.Module):
    """faces float32 [N, 192, 192, 3] RGB 0..255 → pixels float32 [N, 192, 192, 3], 0..1."""

    def forward(self, faces: Tensor) -> Tensor:
        return faces / 255.0


class LipsOutput(nn.Module):
    """mesh [N, 1404] in pixels, flag [N, 1] → points [N, 468, 3] as shares of the crop's side, score [N]."""

    def forward(self, mesh: Tensor, flag: Tensor) -> tuple[Tensor, Tensor]:
        return mesh.reshape(-1, POINTS, 3) / SIDE_PX, torch.squeeze(flag, 1)
