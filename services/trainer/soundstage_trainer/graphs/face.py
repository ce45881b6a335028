"""The two ends of the face detector: pixels in, faces out. The net between them is BlazeFace (Bazarevsky 2019), read from a file."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from soundstage_trainer.graphs.detector import overlap

SIDE_PX = 256
# Anchors of the 256 px net: two at each place of a 16 × 16 grid, six at each of an 8 × 8 grid, all of size 1.
GRIDS = ((16, 2), (8, 6))
ANCHORS = tuple(side * side * each for side, each in GRIDS)
KEYPOINTS = ("right eye", "left eye", "nose tip", "middle of the mouth", "right ear", "left ear")
CANDIDATES = 64  # places that are compared; one face lights up some ten of them
KEPT = 8
OVERLAP = 0.3  # of MediaPipe's graph, as is the blending of boxes that overlap


class FaceInput(nn.Module):
    """frames float32 [N, 256, 256, 3] RGB 0..255 → pixels float32 [N, 256, 256, 3], −1..1."""

    def forward(self, frames: Tensor) -> Tensor:
        return frames / 127.5 - 1.0


class FaceOutput(nn.Module):
    """Logits and places of two grids → scores [N, 8], boxes [N, 8, 4] (x0, y0, x1, y1), keypoints [N, 8, 6, 2] (x, y).

    Shares of width and height. Of places that overlap by more than OVERLAP the surest stands for all, and its
    box and keypoints are their mean, weighted by score: that is steadier from frame to frame than the best
    alone. The others' score is zero.
    """

    def forward(self, logits_16: Tensor, logits_8: Tensor, places_16: Tensor, places_8: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scores = torch.sigmoid(torch.cat([logits_16, logits_8], dim=1).squeeze(2).clamp(-100.0, 100.0))
        raw = torch.cat([places_16, places_8], dim=1) / SIDE_PX
        anchors = _anchors().unsqueeze(0)
        middle = raw[..., 0:2] + anchors
        half = raw[..., 2:4] / 2
        points = raw[..., 4:16] + anchors.repeat(1, 1, len(KEYPOINTS))
        faces = torch.cat([middle - half, middle + half, points], dim=2)

        best = scores.topk(CANDIDATES, dim=1)
        faces = torch.gather(faces, 1, best.indices.unsqueeze(2).expand(-1, -1, faces.shape[2]))
        near = overlap(faces[..., :4])
        earlier = torch.ones(CANDIDATES, CANDIDATES).tril(-1)  # [i, j]: j stands before i
        close = (near > OVERLAP).to(torch.float32)
        kept = best.values * (1.0 - (close * earlier).amax(dim=2))
        weights = torch.maximum(close, torch.eye(CANDIDATES)) * best.values.unsqueeze(1)
        blended = torch.matmul(weights / weights.sum(dim=2, keepdim=True).clamp(min=1e-9), faces)

        chosen = kept.topk(KEPT, dim=1)
        blended = torch.gather(blended, 1, chosen.indices.unsqueeze(2).expand(-1, -1, blended.shape[2]))
        return chosen.values, blended[..., :4], blended[..., 4:].reshape(-1, KEPT, len(KEYPOINTS), 2)


def _anchors() -> Tensor:
    """Middles of the 896 anchors [896, 2] (x, y), row by row."""
    parts = []
    for side, each in GRIDS:
        centres = (torch.arange(side, dtype=torch.float32) + 0.5) / side
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        parts.append(torch.stack([x, y], dim=2).reshape(-1, 1, 2).repeat(1, each, 1).reshape(-1, 2))
    return torch.cat(parts)
