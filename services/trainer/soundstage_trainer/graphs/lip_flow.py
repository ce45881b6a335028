"""How a mouth moves up and down: the vertical part of the flow between neighbouring crops, on 32 × 32 places."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from soundstage_trainer.graphs.flow import LucasKanadeFlow

SIDE = 32
WORKING_PX = 2 * SIDE  # flow is found at twice the size and averaged, since lips are few pixels high


class LipFlow(nn.Module):
    """mouths float32 [N, H, W], grey 0..255 → flow float32 [N-1, 32, 32]: down positive, in 1/32 of the crop a frame."""

    def __init__(self) -> None:
        super().__init__()
        self.flow = LucasKanadeFlow()

    def forward(self, mouths: Tensor) -> Tensor:
        small = F.interpolate(
            mouths.unsqueeze(1), size=(WORKING_PX, WORKING_PX), mode="bilinear", align_corners=False, antialias=True
        )
        vertical = self.flow(small.squeeze(1))[:, 1:]
        return F.avg_pool2d(vertical, 2).squeeze(1) * (SIDE / WORKING_PX)
