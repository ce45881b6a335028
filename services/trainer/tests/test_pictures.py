"""Classifier and detector see what is there, and every card belongs to its model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import MODELS, model_folder

from soundstage_trainer.card import read_card, write_model
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.export import session, store_as_float16, to_onnx
from soundstage_trainer.graphs.detector import KEPT, DetectorOutput
from soundstage_trainer.recipes.common import colour_frame

NAMES = tuple(sorted(folder.name for folder in MODELS.iterdir()))


@pytest.mark.parametrize("name", NAMES)
def test_a_card_s_hash_size_and_tensors_are_its_model_s(name: str) -> None:
    folder = model_folder(name)
    card = json.loads((folder / "card.json").read_text())
    content = (folder / "model.onnx").read_bytes()
    assert card["sha256"] == hashlib.sha256(content).hexdigest()
    assert card["bytes"] == len(content)
    running = session(folder / "model.onnx")
    for told, there in ((card["inputs"], running.get_inputs()), (card["outputs"], running.get_outputs())):
        assert [t["name"] for t in told] == [t.name for t in there]
        for ours, theirs in zip(told, there, strict=True):
            assert len(ours["shape"]) == len(theirs.shape)
            assert all(
                a == b for a, b in zip(ours["shape"], theirs.shape, strict=True) if isinstance(a, int) and isinstance(b, int)
            )
    assert card["measured"] and card["licence"]["model"] and card["licence"]["training_data"]
    assert all(figure["command"] for figure in card["measured"])


def test_no_model_tells_where_it_was_made() -> None:
    for name in NAMES:
        content = (model_folder(name) / "model.onnx").read_bytes()
        assert b"site-packages" not in content
        assert str(Path(__file__).parents[1]).encode() not in content


def test_a_model_that_is_not_its_card_s_is_refused(tmp_path: Path) -> None:
    model = to_onnx(torch.nn.ReLU(), (torch.rand(3),), inputs=["input"], outputs=["y"], dynamic={"input": None})
    write_model(tmp_path / "relu" / "1", model, {"name": "relu"})
    assert read_card(tmp_path / "relu" / "1")["name"] == "relu"
    with open(tmp_path / "relu" / "1" / "model.onnx", "ab") as file:
        file.write(b"\0")
    with pytest.raises(SoundstageError, match="not the file that its card describes"):
        read_card(tmp_path / "relu" / "1")


def test_weights_stored_at_half_size_give_nearly_the_same() -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(64, 64)
    x = torch.rand(1, 64)
    model = to_onnx(net, (x,), inputs=["input"], outputs=["y"], dynamic={"input": None})
    full = model.ByteSize()
    half = store_as_float16(model)
    assert half.ByteSize() < 0.6 * full
    assert np.abs(session(half).run(None, {"input": x.numpy()})[0] - net(x).detach().numpy()).max() < 2e-3


def test_of_two_boxes_on_one_thing_the_weaker_is_silenced_and_another_class_is_not() -> None:
    places = (52 * 52, 26 * 26, 13 * 13)
    scores = [torch.zeros(1, n, 80) for n in places]
    sides = [torch.zeros(1, n, 44) for n in places]
    scores[2][0, 84, 3], scores[2][0, 85, 3], scores[2][0, 86, 5] = 0.9, 0.8, 0.7  # three neighbours, nearly one box
    found, boxes = DetectorOutput()(*scores, *sides)
    assert found.shape == (1, KEPT, 80)
    assert boxes.shape == (1, KEPT, 4)
    assert found[0, 0, 3] == pytest.approx(0.9)
    assert found[0, 1].max() == 0
    assert found[0, 2, 5] == pytest.approx(0.7)


def test_the_classifier_knows_a_beagle_drums_and_a_harp(real_clips) -> None:
    running = session(model_folder("classifier") / "model.onnx")
    labels = json.loads((model_folder("classifier") / "labels.json").read_text())
    assert len(labels) == 1000
    for clip, name in (
        ("specvqgan/video_02677.mp4", "Beagle"), ("specvqgan/-Qowmc0P9ic_34000_44000.mp4", "drumstick"),
        ("specvqgan/6zlMP_kQ_-w_30000_40000.mp4", "harp"), ("vtaldm/0DCit2EBtjs_000030.mp4", "acoustic guitar"),
    ):  # fmt: skip
        probabilities, embedding, places = running.run(None, {"frames": colour_frame(real_clips / clip, 224, 1.0)})
        best = [labels[i] for i in probabilities[0].argsort()[::-1][:3]]
        assert name in best, (clip, best)
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-3)
        assert embedding.shape == (1, 1280)
        assert places.shape == (1, 7, 7, 1280)
        assert np.abs(places.mean(axis=(1, 2)) - embedding).max() < 1e-5


def test_the_detector_finds_the_two_players_where_they_stand(real_clips) -> None:
    running = session(MODELS / "detector" / "1" / "model.onnx")
    labels = json.loads((MODELS / "detector" / "1" / "labels.json").read_text())
    assert len(labels) == 80
    frame = colour_frame(real_clips / "vtaldm" / "-yoaSondvkw_000071.mp4", 416, 1.0)
    scores, boxes = running.run(None, {"frames": np.concatenate([frame, frame])})
    assert scores.shape == (2, KEPT, 80)
    assert np.abs(scores[0] - scores[1]).max() < 1e-4
    people = boxes[0][scores[0][:, labels.index("person")] >= 0.4]
    middles = sorted((people[:, 0] + people[:, 2]) / 2)
    assert len(people) == 2
    assert middles == pytest.approx([0.15, 0.65], abs=0.07)
