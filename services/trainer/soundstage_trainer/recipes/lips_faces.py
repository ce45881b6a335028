"""Crops of real faces to measure on: what a caller of `face` and `lips` does with a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from soundstage_trainer.export import session
from soundstage_trainer.graphs import face
from soundstage_trainer.graphs.lips import SIDE_PX
from soundstage_trainer.recipes.common import colour_frame, newest_version

WIDER = 1.5
FRAME_PX = 512


def face_crops(data: Path | None, models: Path, most: int) -> np.ndarray:
    """Up to most crops float32 [N, 192, 192, 3] of the best face in clips under data; none without data or a face model."""
    version = newest_version(models / "face")
    if data is None or version is None:
        return np.zeros((0, SIDE_PX, SIDE_PX, 3), np.float32)
    files = sorted(path for path in data.rglob("*") if path.suffix in (".mp4", ".mkv"))
    finder = session(models / "face" / version / "model.onnx")
    crops = []
    for index in sorted({round(i) for i in np.linspace(0, len(files) - 1, most)}):
        crop = best_face(colour_frame(files[index], FRAME_PX, 1.0)[0], finder)
        if crop is not None:
            crops.append(crop)
    return np.stack(crops) if crops else np.zeros((0, SIDE_PX, SIDE_PX, 3), np.float32)


def best_face(frame: np.ndarray, finder, least: float = 0.6) -> np.ndarray | None:
    """The surest face of a square frame float32 [side, side, 3] as a crop [192, 192, 3]; None where there is none."""
    picture = torch.from_numpy(frame).permute(2, 0, 1)[None]
    small = F.interpolate(picture, size=(face.SIDE_PX, face.SIDE_PX), mode="area").permute(0, 2, 3, 1).numpy()
    scores, boxes, _ = finder.run(None, {"frames": small})
    if scores[0, 0] < least:
        return None
    x0, y0, x1, y1 = boxes[0, 0]
    half = WIDER * max(x1 - x0, y1 - y0) / 2
    steps = (torch.arange(SIDE_PX) + 0.5) / SIDE_PX * 2 - 1  # −1..1 over the crop
    y = (float(y0 + y1) / 2 + steps * float(half)) * 2 - 1
    x = (float(x0 + x1) / 2 + steps * float(half)) * 2 - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]
    return F.grid_sample(picture, grid, mode="bilinear", align_corners=False)[0].permute(1, 2, 0).numpy()
