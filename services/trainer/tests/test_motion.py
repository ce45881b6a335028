"""Motion features tell the same of the same movement, whatever the frame rate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import model_folder

from soundstage_trainer.decode import Pictures, frames_to_keep
from soundstage_trainer.export import session
from soundstage_trainer.graphs import motion
from soundstage_trainer.onset.dataset import motion_features


@pytest.fixture(scope="module")
def exported():
    return session(model_folder("motion") / "model.onnx")


def moving_square(rate: float, seconds: float = 1.0) -> Pictures:
    """A textured square that crosses the picture at a quarter of its width a second, over a still background."""
    random = np.random.default_rng(5)
    background = random.uniform(80, 120, (12, 20)).repeat(8, axis=0).repeat(8, axis=1)
    square = random.uniform(120, 250, (8, 8)).repeat(5, axis=0).repeat(5, axis=1)
    times = np.arange(int(seconds * rate) + 1) / rate
    frames = []
    for time_s in times:
        place = 20 + 40 * time_s
        whole, part = int(place), place - int(place)
        frame = background.copy()
        for shift, weight in ((0, 1 - part), (1, part)):
            frame[28:68, whole + shift : whole + shift + 40] = (
                frame[28:68, whole + shift : whole + shift + 40] * (1 - weight) + square * weight
            )
        frames.append(frame)
    return Pictures(np.stack(frames).round().astype(np.uint8), times)


def channel(features: np.ndarray, name: str) -> np.ndarray:
    index = motion.CELL_CHANNELS.index(name) * motion.CELLS
    return features[:, index : index + motion.CELLS]


def test_speed_at_15_25_and_30_frames_a_second_agrees_within_a_quarter(exported) -> None:
    fastest = {}
    for rate in (15, 25, 30):
        pictures = moving_square(rate)
        features = motion_features(pictures, exported)
        fastest[rate] = channel(features, "velocity_x").max(axis=1).mean()
    assert all(abs(value - fastest[25]) < 0.25 * fastest[25] for value in fastest.values()), fastest
    assert 0.1 < fastest[25] < 0.4


def test_a_panning_camera_is_told_apart_from_things_that_move(exported, texture) -> None:
    frames = np.stack([texture[20:116, 10 + 2 * i : 170 + 2 * i] for i in range(8)]).round().astype(np.uint8)
    features = motion_features(Pictures(frames, np.arange(8) / 25.0), exported)
    camera_x = features[:, len(motion.CELL_CHANNELS) * motion.CELLS]
    assert np.allclose(np.median(camera_x), -2 * 25 / 160, atol=0.05)
    assert np.median(np.abs(channel(features, "velocity_x"))) < 0.05


def test_a_cut_is_marked(exported, texture) -> None:
    frames = np.stack([texture[:96, :160]] * 3 + [255 - texture[60:156, 60:220]] * 3).round().astype(np.uint8)
    features = motion_features(Pictures(frames, np.arange(6) / 25.0), exported)
    cut = features[:, -len(motion.CLIP_CHANNELS) + motion.CLIP_CHANNELS.index("cut")]
    assert cut.argmax() == 2
    assert cut[2] > 0.3
    assert cut[[0, 1, 3, 4]].max() < 0.01


def test_chunks_that_share_a_frame_give_the_same_as_one_run(exported) -> None:
    pictures = moving_square(30, seconds=2.4)
    whole = exported.run(
        ["features"], {"frames": pictures.frames.astype(np.float32), "times_s": pictures.times_s.astype(np.float32)}
    )[0]
    assert np.abs(motion_features(pictures, exported) - whole).max() < 2e-3


def test_the_exported_graph_gives_what_pytorch_gives(exported) -> None:
    pictures = moving_square(25)
    inputs = [pictures.frames.astype(np.float32), pictures.times_s.astype(np.float32)]
    with torch.inference_mode():
        expected = motion.MotionFeatures().eval()(*(torch.from_numpy(a) for a in inputs)).numpy()
    found = exported.run(["features"], {"frames": inputs[0], "times_s": inputs[1]})[0]
    assert found.shape == (25, motion.CHANNELS) == (25, len(motion.channel_names()))
    assert np.abs(found - expected).max() < 1e-3


def test_still_frames_and_equal_times_give_numbers(exported) -> None:
    frames = np.full((3, 96, 160), 17, np.float32)
    assert np.isfinite(exported.run(["features"], {"frames": frames, "times_s": np.zeros(3, np.float32)})[0]).all()


def test_sixty_frames_a_second_are_held_to_thirty_and_thirty_stay() -> None:
    assert len(frames_to_keep(np.arange(600) / 60.0)) == 300
    assert len(frames_to_keep(np.arange(300) * 1001 / 30000)) == 300
    assert len(frames_to_keep(np.round(np.arange(300) / 30, 3))) == 300


def test_frames_are_left_out_as_packages_media_leaves_them_out() -> None:
    assert frames_to_keep(np.arange(100) / 50.0).tolist() == list(range(0, 100, 2))
    assert frames_to_keep(np.arange(320) / 32.0).tolist() == list(range(320))  # within a tenth of the rate: all stay
    assert frames_to_keep(np.arange(300) / 100.0).tolist() == list(range(0, 300, 4))
    burst = np.concatenate([np.arange(20) / 10, 2.0 + np.arange(10) / 100])  # slow, then a burst
    kept = burst[frames_to_keep(burst)]
    assert np.diff(kept).min() >= 0.5 / 30 / 1.1
    assert len(kept) == 20 + 5
