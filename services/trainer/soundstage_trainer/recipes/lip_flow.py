"""Recipe `lip_flow`: how a mouth moves up and down, for the model that compares it with the sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch

from soundstage_trainer import card, progress
from soundstage_trainer.export import session, to_onnx
from soundstage_trainer.graphs.lip_flow import SIDE, WORKING_PX, LipFlow
from soundstage_trainer.recipes.common import NO_TRAINING_DATA, OWN_LICENCE, milliseconds
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer lip-flow --out models"


def build() -> onnx.ModelProto:
    sizes = {0: torch.export.Dim("n", min=2), 1: torch.export.Dim("h", min=16), 2: torch.export.Dim("w", min=16)}
    return to_onnx(LipFlow(), (torch.rand(5, 80, 96) * 255,), inputs=["mouths"], outputs=["flow"], dynamic={"mouths": sizes})


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/lip_flow/version."""
    model = build()
    progress.progress(1, 2, "exported lip_flow")
    running = session(model)
    mouths = np.random.default_rng(0).uniform(0, 255, (26, 96, 96)).astype(np.float32)
    with torch.inference_mode():
        expected = LipFlow()(torch.from_numpy(mouths)).numpy()
    gap = float(np.abs(running.run(None, {"mouths": mouths})[0] - expected).max())
    speed = milliseconds(running, {"mouths": mouths}) / (len(mouths) - 1)
    progress.progress(2, 2, "measured lip_flow")
    return card.write_model(
        out / "lip_flow" / version,
        model,
        {
            "name": "lip_flow",
            "version": version,
            "does": "How a mouth moves up and down between neighbouring frames.",
            "inputs": [card.tensor("mouths", ["N", "H", "W"], "grey level 0..255", "N >= 2 crops of one mouth, in order of time, cut alike")],
            "outputs": [
                card.tensor("flow", ["N-1", SIDE, SIDE], f"1/{SIDE} of the crop's height a frame", "vertical part of the flow, down positive")
            ],
            "warm_up": {"N": 2, "H": 96, "W": 96},
            "recipe": "lip_flow",
            "dataset": "none",
            "measured": [
                {"what": "ms a pair of 96x96, onnxruntime CPU, 2 threads", "value": round(speed, 2), "command": COMMAND},
                {"what": "largest difference to PyTorch on noise, 1/32 of the crop", "value": float(f"{gap:.2g}"), "command": COMMAND},
            ],
            "licence": {"model": OWN_LICENCE, "training_data": NO_TRAINING_DATA},
            "source": f"contains flow, at {WORKING_PX}x{WORKING_PX} and averaged; written in PyTorch",
        },
    )  # fmt: skip


RECIPE = Recipe(does="export the movement of lips", export=run)
