"""The two ends of the detector: pixels in, boxes out. The net between them is NanoDet-g (Lyu 2020), read from a file."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE_PX = 416
STRIDES_PX = (8, 16, 32)
DISTANCE_BINS = 11  # each side's distance is the mean of a distribution over 0..10 strides (Li et al. 2020)
KEPT = 100
OVERLAP = 0.6
MEAN_BGR = (103.53, 116.28, 123.675)
DEVIATION_BGR = (57.375, 57.12, 58.395)


class DetectorInput(nn.Module):
    """frames float32 [N, 416, 416, 3] RGB 0..255 → pixels float32 [N, 3, 416, 416], blue first, normalised."""

    def forward(self, frames: Tensor) -> Tensor:
        pixels = frames.permute(0, 3, 1, 2).flip(1)
        mean = torch.tensor(MEAN_BGR).reshape(1, 3, 1, 1)
        deviation = torch.tensor(DEVIATION_BGR).reshape(1, 3, 1, 1)
        return (pixels - mean) / deviation


class DetectorOutput(nn.Module):
    """Probabilities and distances at three strides → scores [N, 100, 80], boxes [N, 100, 4] (x0, y0, x1, y1 in 0..1).

    The 100 places with the largest class probability, in falling order. Where two places agree on the
    class and overlap by more than OVERLAP, the weaker one's scores are all zero: consumers need no
    suppression of their own, only a threshold.
    """

    def forward(
        self, class_8: Tensor, class_16: Tensor, class_32: Tensor, side_8: Tensor, side_16: Tensor, side_32: Tensor
    ) -> tuple[Tensor, Tensor]:
        scores = torch.cat([class_8, class_16, class_32], dim=1)
        boxes = torch.cat(
            [_boxes(side, stride) for side, stride in zip((side_8, side_16, side_32), STRIDES_PX, strict=True)], dim=1
        )
        best = scores.amax(dim=2)
        order = best.topk(KEPT, dim=1).indices
        scores = torch.gather(scores, 1, order.unsqueeze(2).expand(-1, -1, scores.shape[2]))
        boxes = torch.gather(boxes, 1, order.unsqueeze(2).expand(-1, -1, 4))
        kind = scores.argmax(dim=2)
        same = kind.unsqueeze(1) == kind.unsqueeze(2)
        earlier = torch.ones(KEPT, KEPT).tril(-1) > 0  # [i, j]: j stands before i
        covered = (overlap(boxes) > OVERLAP) & same & earlier
        kept = 1.0 - covered.to(torch.float32).amax(dim=2)
        return scores * kept.unsqueeze(2), boxes


def overlap(boxes: Tensor) -> Tensor:
    """Intersection over union of all pairs: [N, K, 4] → [N, K, K]."""
    a, b = boxes.unsqueeze(2), boxes.unsqueeze(1)
    width = (torch.minimum(a[..., 2], b[..., 2]) - torch.maximum(a[..., 0], b[..., 0])).clamp(min=0)
    height = (torch.minimum(a[..., 3], b[..., 3]) - torch.maximum(a[..., 1], b[..., 1])).clamp(min=0)
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    both = width * height
    return both / (area.unsqueeze(2) + area.unsqueeze(1) - both).clamp(min=1e-9)


def _boxes(side: Tensor, stride_px: int) -> Tensor:
    """side [N, places, 4 · bins], logits → boxes [N, places, 4] in 0..1."""
    count = SIDE_PX // stride_px
    bins = torch.arange(DISTANCE_BINS, dtype=torch.float32)
    distances = (torch.softmax(side.reshape(-1, count * count, 4, DISTANCE_BINS), dim=3) * bins).sum(dim=3) * stride_px
    centres = (torch.arange(count, dtype=torch.float32) + 0.5) * stride_px
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    x, y = x.reshape(1, -1), y.reshape(1, -1)
    left, top, right, bottom = distances.unbind(dim=2)
    return (torch.stack([x - left, y - top, x + right, y + bottom], dim=2) / SIDE_PX).clamp(0.0, 1.0)
