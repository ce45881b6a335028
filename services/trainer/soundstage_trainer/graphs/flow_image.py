"""Optical flow as pictures: for files as RegNet keeps it (Chen et al. 2020), and for a net that was taught on photographs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from soundstage_trainer.graphs.classifier import SIDE_PX

LARGEST_PX = 20.0  # flow beyond is clipped


class FlowImage(nn.Module):
    """flow float32 [N, 2, H, W] (dx, dy) in pixels → image [N, 2, H, W], picture [N, 224, 224, 3], both 0..255.

    image: ±LARGEST_PX on whole steps 0..255, as an 8-bit file holds them; 128 is no motion.
    picture: dx, dy about 127.5 and the length from 0, for `classifier`. On the scale of their square root, since most
    motion is of a pixel or less, and a linear step of it would be lost on a net that looks for edges.
    """

    def forward(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        image = torch.round((flow.clamp(-LARGEST_PX, LARGEST_PX) + LARGEST_PX) * (255.0 / (2.0 * LARGEST_PX)))
        square = F.interpolate(flow, size=(SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False)
        length = torch.sqrt((square * square).sum(dim=1, keepdim=True))
        share = torch.sqrt((square.abs() / LARGEST_PX).clamp(max=1.0)) * torch.sign(square)
        picture = torch.cat([127.5 * (1.0 + share), 255.0 * torch.sqrt((length / LARGEST_PX).clamp(max=1.0))], dim=1)
        return image, picture.permute(0, 2, 3, 1)
