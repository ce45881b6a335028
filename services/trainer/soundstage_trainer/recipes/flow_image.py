"""Recipe `flow_image`: optical flow as pictures, for files and for the classifier's trunk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch

from soundstage_trainer import card, progress
from soundstage_trainer.export import session, to_onnx
from soundstage_trainer.graphs.flow_image import SIDE_PX, FlowImage
from soundstage_trainer.recipes.common import NO_TRAINING_DATA, OWN_LICENCE, milliseconds
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer flow-image --out models"


def build() -> onnx.ModelProto:
    sizes = {0: torch.export.Dim("n", min=1), 2: torch.export.Dim("h", min=2), 3: torch.export.Dim("w", min=2)}
    return to_onnx(
        FlowImage(), (torch.randn(2, 2, 96, 160) * 10,), inputs=["flow"], outputs=["image", "picture"], dynamic={"flow": sizes}
    )


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/flow_image/version."""
    model = build()
    progress.progress(1, 2, "exported flow_image")
    running = session(model)
    flow = np.random.default_rng(0).normal(0, 5, (16, 2, 96, 160)).astype(np.float32)
    with torch.inference_mode():
        expected = FlowImage()(torch.from_numpy(flow))[1].numpy()
    gap = float(np.abs(running.run(["picture"], {"flow": flow})[0] - expected).max())
    speed = milliseconds(running, {"flow": flow}) / len(flow)
    progress.progress(2, 2, "measured flow_image")
    return card.write_model(
        out / "flow_image" / version,
        model,
        {
            "name": "flow_image",
            "version": version,
            "does": "Optical flow as pictures: image for files, picture for the model classifier.",
            "inputs": [card.tensor("flow", ["N", 2, "H", "W"], "pixels a frame", "dx, dy as the model flow gives them")],
            "outputs": [
                card.tensor("image", ["N", 2, "H", "W"], "0..255", "round((clip(flow, -20, 20) + 20) * 255 / 40), whole numbers; 128 is no motion"),
                card.tensor(
                    "picture", ["N", SIDE_PX, SIDE_PX, 3], "RGB 0..255",
                    "dx, dy: 127.5 * (1 + sign(v) * sqrt(min(1, |v| / 20))); length: 255 * sqrt(min(1, length / 20)); squeezed to a square",
                ),
            ],
            "warm_up": {"N": 1, "H": 96, "W": 160},
            "recipe": "flow_image",
            "dataset": "none",
            "measured": [
                {"what": "ms a frame at 160x96, onnxruntime CPU, 2 threads", "value": round(speed, 2), "command": COMMAND},
                {"what": "largest difference of picture to PyTorch, of 255", "value": float(f"{gap:.2g}"), "command": COMMAND},
            ],
            "licence": {"model": OWN_LICENCE, "training_data": NO_TRAINING_DATA},
            "source": "range and steps of image as in RegNet (Chen et al. 2020); written in PyTorch",
        },
    )  # fmt: skip


RECIPE = Recipe(does="export the pictures of optical flow", export=run)
