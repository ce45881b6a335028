"""The face detector finds faces where they are, and joins what lies on one face."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import onnx
import pytest
import torch
from conftest import MODELS
from onnx import helper

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session
from soundstage_trainer.graphs.face import ANCHORS, KEPT, KEYPOINTS, SIDE_PX, FaceOutput
from soundstage_trainer.recipes import face
from soundstage_trainer.recipes.common import colour_frame

FOLDER = MODELS / "face" / "1"


def outputs_of(lit: list[tuple[int, float, float]]) -> tuple[np.ndarray, ...]:
    """What comes of single places on the coarse grid: (index, logit, width in pixels)."""
    logits = [torch.full((1, n, 1), -50.0) for n in ANCHORS]
    places = [torch.zeros(1, n, 16) for n in ANCHORS]
    for index, logit, width in lit:
        logits[1][0, index, 0] = logit
        places[1][0, index, 2:4] = width
    return tuple(a.numpy() for a in FaceOutput()(*logits, *places))


def test_the_card_s_hash_size_and_tensors_are_its_model_s() -> None:
    card = json.loads((FOLDER / "card.json").read_text())
    content = (FOLDER / "model.onnx").read_bytes()
    assert (card["sha256"], card["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    running = session(FOLDER / "model.onnx")
    assert [t["name"] for t in card["inputs"]] == [t.name for t in running.get_inputs()]
    assert [t["name"] for t in card["outputs"]] == [t.name for t in running.get_outputs()]
    assert card["keypoints"] == list(KEYPOINTS)


def test_places_on_one_face_become_one_and_another_face_stays() -> None:
    # Anchors 0 to 5 lie at one place of the 8 × 8 grid; the last six at the opposite corner.
    scores, boxes, points = outputs_of([(0, 3.0, 64.0), (1, 2.0, 80.0), (383, 1.0, 64.0)])
    assert (scores.shape, boxes.shape, points.shape) == ((1, KEPT), (1, KEPT, 4), (1, KEPT, 6, 2))
    assert scores[0, :2] == pytest.approx([1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-1))], abs=1e-6)
    assert scores[0, 2:].max() < 1e-6
    a, b = 1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-2))
    width = (64 * a + 80 * b) / (a + b) / SIDE_PX
    assert boxes[0, 0] == pytest.approx([1 / 16 - width / 2] * 2 + [1 / 16 + width / 2] * 2, abs=1e-5)
    assert boxes[0, 1, :2] == pytest.approx([15 / 16 - 1 / 8] * 2, abs=1e-5)
    assert points[0, 0] == pytest.approx(np.full((6, 2), 1 / 16), abs=1e-5)


def test_a_grey_picture_has_no_face() -> None:
    scores = session(FOLDER / "model.onnx").run(["scores"], {"frames": np.full((2, SIDE_PX, SIDE_PX, 3), 120, np.float32)})[0]
    assert scores.max() < 0.3


def test_the_speakers_faces_are_found_with_the_eyes_above_the_mouth(real_clips) -> None:
    talking = real_clips.parent / "sync"
    if not talking.is_dir():
        pytest.skip("the talking clips are not on this machine")
    running = session(FOLDER / "model.onnx")
    for clip in ("grid_s1/bbaf2n.mkv", next(iter(sorted((talking / "grid_s4").iterdir()))).relative_to(talking)):
        frame = colour_frame(talking / clip, SIDE_PX, 1.0)
        scores, boxes, points = running.run(None, {"frames": np.concatenate([frame, frame])})
        assert np.abs(scores[0] - scores[1]).max() < 1e-4, "batched and single agree"
        assert scores[0, 0] > 0.7
        assert scores[0, 1] < 0.3, "one person, one face"
        x0, y0, x1, y1 = boxes[0, 0]
        right_eye, left_eye, nose, mouth = points[0, 0, :4]
        assert right_eye[0] < nose[0] < left_eye[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < mouth[1]
        assert x0 < right_eye[0] < left_eye[0] < x1
        assert y0 < right_eye[1] < mouth[1] < y1


def test_weights_of_another_net_are_refused(tmp_path) -> None:
    with pytest.raises(SoundstageError, match="is no ONNX file"):
        (tmp_path / "text.onnx").write_text("no model")
        face.read_net(tmp_path / "text.onnx")
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    other = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", [value], [other])
    onnx.save(helper.make_model(graph), tmp_path / "relu.onnx")
    with pytest.raises(SoundstageError, match="not the BlazeFace"):
        face.read_net(tmp_path / "relu.onnx")
