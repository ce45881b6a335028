"""The optical flow agrees with known shifts, with OpenCV, and with itself after export."""

from __future__ import annotations

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from conftest import MODELS, model_folder

from soundstage_trainer.decode import read_pictures
from soundstage_trainer.export import session
from soundstage_trainer.graphs.flow import LucasKanadeFlow, median_3x3
from soundstage_trainer.recipes.flow import FINEST_LEVEL, end_point_error, unexplained


@pytest.fixture(scope="module")
def exported() -> onnxruntime.InferenceSession:
    return session(model_folder("flow") / "model.onnx")


def shifted(texture: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """Two frames of 96 × 160; what is seen in the first lies (dx, dy) further in the second."""
    move = np.array([[1, 0, 32 + dx], [0, 1, 32 + dy]], dtype=np.float64)
    still = np.array([[1, 0, 32], [0, 1, 32]], dtype=np.float64)
    views = [
        cv2.warpAffine(texture, m - np.array([[0, 0, 64], [0, 0, 64]]), (160, 96), flags=cv2.INTER_CUBIC) for m in (still, move)
    ]
    return np.stack(views).astype(np.float32)


@pytest.mark.parametrize(("dx", "dy"), [(0.5, 0.0), (-2.0, 1.5), (4.0, -3.0), (7.0, 2.0)])
def test_a_known_shift_is_found_within_a_fifth_of_a_pixel(exported, texture, dx: float, dy: float) -> None:
    flow = exported.run(["flow"], {"frames": shifted(texture, dx, dy)})[0][0]
    inner = flow[:, 16:-16, 16:-16]
    error = np.hypot(inner[0] - dx, inner[1] - dy)
    assert np.median(error) < 0.2
    assert error.mean() < 0.4


def test_frames_that_are_equal_have_no_flow(exported, texture) -> None:
    frames = np.stack([texture[:96, :160]] * 3)
    assert np.abs(exported.run(["flow"], {"frames": frames})[0]).max() < 1e-3


def test_any_size_and_count_of_frames_is_taken(exported) -> None:
    frames = np.random.default_rng(1).uniform(0, 255, (4, 61, 93)).astype(np.float32)
    assert exported.run(["flow"], {"frames": frames})[0].shape == (3, 2, 61, 93)


def test_the_exported_graph_gives_what_pytorch_gives(exported, texture) -> None:
    frames = shifted(texture, 1.5, -0.5)
    with torch.inference_mode():
        expected = LucasKanadeFlow(FINEST_LEVEL).eval()(torch.from_numpy(frames)).numpy()
    assert np.abs(exported.run(["flow"], {"frames": frames})[0] - expected).max() < 1e-3


def test_black_frames_give_numbers(exported) -> None:
    assert np.isfinite(exported.run(["flow"], {"frames": np.zeros((2, 32, 32), np.float32)})[0]).all()


def test_the_median_is_the_median() -> None:
    maps = torch.rand(1, 2, 9, 11)
    padded = np.pad(maps.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    assert np.allclose(median_3x3(maps).numpy(), np.median(windows, axis=(4, 5)))


def test_on_real_clips_it_is_as_near_to_opencv_as_opencv_s_methods_are_to_each_other_give_or_take(exported, real_clips) -> None:
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    ours_to_dis, farneback_to_dis, left, left_still = [], [], [], []
    for path in sorted(real_clips.rglob("*.mp4"))[::10]:
        frames = read_pictures(path, longest_s=1.0).frames[:8]
        pairs = list(zip(frames[:-1], frames[1:], strict=True))
        ours = exported.run(["flow"], {"frames": frames.astype(np.float32)})[0]
        reference = np.stack([dis.calc(a, b, None) for a, b in pairs]).transpose(0, 3, 1, 2)
        farneback = np.stack([cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 4, 11, 5, 5, 1.1, 0) for a, b in pairs])
        ours_to_dis.append(end_point_error(ours, reference))
        farneback_to_dis.append(end_point_error(farneback.transpose(0, 3, 1, 2), reference))
        left.append(unexplained(frames, ours))
        left_still.append(unexplained(frames, np.zeros_like(ours)))
    assert np.median(ours_to_dis) < 1.6 * np.median(farneback_to_dis) + 0.05
    assert np.mean(left) < 0.8 * np.mean(left_still)


def test_flow_as_a_picture_keeps_regnet_s_steps_and_fits_the_classifier() -> None:
    running = session(MODELS / "flow_image" / "1" / "model.onnx")
    flow = np.zeros((3, 2, 96, 160), np.float32)
    flow[1, 0], flow[1, 1] = 20.0, -25.0
    flow[2, 0] = 0.2
    image, picture = running.run(None, {"flow": flow})
    assert image.shape == flow.shape
    assert picture.shape == (3, 224, 224, 3)
    assert np.unique(image[0]).tolist() == [128]
    assert (image[1, 0] == 255).all()
    assert (image[1, 1] == 0).all()
    assert np.abs(picture[0] - [127.5, 127.5, 0]).max() < 1e-3
    assert np.abs(picture[1] - [255, 0, 255]).max() < 1e-3
    assert np.abs(picture[2] - [140.25, 127.5, 25.5]).max() < 1e-2  # a fifth of a pixel is seen
