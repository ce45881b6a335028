"""The mesh lies on the face and its lips on the mouth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import MODELS

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session
from soundstage_trainer.graphs.lips import INNER_LIPS, OUTER_LIPS
from soundstage_trainer.recipes import lips
from soundstage_trainer.recipes.lips_faces import face_crops


def test_the_lips_of_a_speaker_lie_in_the_lower_half_of_the_face_the_inner_within_the_outer(real_clips) -> None:
    crops = face_crops(real_clips.parent / "sync", MODELS, 3)
    assert len(crops) == 3
    running = session(MODELS / "lips" / "1" / "model.onnx")
    points, score = running.run(None, {"faces": crops})
    assert points.shape == (3, 468, 3)
    assert score.min() > 0.9
    for face in points:
        outer, inner = face[list(OUTER_LIPS), :2], face[list(INNER_LIPS), :2]
        nose, chin = face[1, :2], face[152, :2]
        assert nose[1] < outer[:, 1].min() < outer[:, 1].max() < chin[1]
        assert (inner.min(axis=0) >= outer.min(axis=0)).all()
        assert (inner.max(axis=0) <= outer.max(axis=0)).all()
        assert 0.1 < np.ptp(outer[:, 0]) < 0.4
    alone = running.run(["points"], {"faces": crops[1:2]})[0]
    assert np.abs(alone[0] - points[1]).max() < 1e-4


def test_what_is_no_face_gets_a_low_score() -> None:
    noise = np.random.default_rng(0).uniform(0, 255, (1, 192, 192, 3)).astype(np.float32)
    assert session(MODELS / "lips" / "1" / "model.onnx").run(["score"], {"faces": noise})[0][0] < 0.5


def test_the_card_says_which_points_are_lips() -> None:
    card = json.loads((MODELS / "lips" / "1" / "card.json").read_text())
    assert card["outer_lips"] == list(OUTER_LIPS)
    assert card["inner_lips"] == list(INNER_LIPS)
    assert len({*OUTER_LIPS, *INNER_LIPS}) == 40


def test_another_net_than_the_mesh_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SoundstageError, match="not the face mesh"):
        lips.read_net(MODELS / "flow" / "1" / "model.onnx")
    (tmp_path / "no.onnx").write_bytes(b"no model")
    with pytest.raises(SoundstageError, match="no ONNX file"):
        lips.read_net(tmp_path / "no.onnx")


def test_a_slope_below_zero_is_the_same_in_parts_as_whole() -> None:
    shape = ["N", 5, 5, 3]
    slope = onnx.numpy_helper.from_array(np.array([[[-0.7, 0.4, 1.3]]], np.float32), "slope")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("PRelu", ["x", "slope"], ["y"])], "net",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape)], [slope],
    )  # fmt: skip
    whole = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    parts = onnx.ModelProto()
    parts.CopyFrom(whole)
    lips.split_prelu(parts.graph)
    assert "PRelu" not in {node.op_type for node in parts.graph.node}
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 3)).astype(np.float32)
    difference = session(parts).run(None, {"x": x})[0] - session(whole).run(None, {"x": x})[0]
    assert np.abs(difference).max() < 1e-6


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 96), (150, 120)])
def test_a_mouth_crop_that_moves_down_has_a_flow_down_in_shares_of_the_crop(texture, height: int, width: int) -> None:
    running = session(MODELS / "lip_flow" / "1" / "model.onnx")
    view = np.repeat(np.repeat(texture, 2, axis=0), 2, axis=1)  # large enough for every crop
    step = height // 32  # 1/32 of the crop
    mouths = np.stack([view[40 : 40 + height, 20 : 20 + width], view[40 - step : 40 - step + height, 20 : 20 + width]])
    flow = running.run(None, {"mouths": np.concatenate([mouths, mouths[1:]])})[0]
    assert flow.shape == (2, 32, 32)
    assert np.median(flow[0, 6:-6, 6:-6]) == pytest.approx(step * 32 / height, abs=0.15)
    assert np.abs(flow[1]).max() < 1e-3
