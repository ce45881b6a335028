"""Real clips, where they lie beside the checkout; synthetic ones, where they don't."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from soundstage_trainer.recipes.common import newest_version

os.environ["SOUNDSTAGE_CODE_VERSION"] = "test"  # also of the processes that tests start: a run goes on though a file was saved
torch.set_num_threads(1)  # small nets on a shared machine: threads that wait for each other cost minutes

long_test = pytest.mark.skipif(
    os.environ.get("SOUNDSTAGE_LONG_TESTS") != "1", reason="takes long: set SOUNDSTAGE_LONG_TESTS=1"
)

CHECKOUT = Path(__file__).resolve().parents[3]
MODELS = CHECKOUT / "models"


def model_folder(name: str) -> Path:
    """The version of a model that is served: the highest."""
    return MODELS / name / str(newest_version(MODELS / name))


_skipped = 0


@pytest.fixture(scope="session")
def real_clips() -> Path:
    """The folder foley of SOUNDSTAGE_DATA; skips, and counts the skip, where it is absent."""
    data = Path(os.environ.get("SOUNDSTAGE_DATA", CHECKOUT.parent / "shared" / "data")) / "foley"
    if not data.is_dir():
        pytest.skip("real clips are not on this machine")
    return data


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> None:
    global _skipped
    if call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception):
        _skipped += 1


def pytest_terminal_summary(terminalreporter) -> None:
    if _skipped:
        terminalreporter.write_line(f"{_skipped} tests skipped: without their data (SOUNDSTAGE_DATA), or among those that take long (SOUNDSTAGE_LONG_TESTS=1)")


@pytest.fixture(scope="session")
def texture() -> np.ndarray:
    """A smooth random picture, float32 [160, 224], 0..255: something that flow can hold on to."""
    noise = np.random.default_rng(3).normal(size=(160, 224))
    spectrum = np.fft.fft2(noise)
    fy, fx = np.meshgrid(np.fft.fftfreq(160), np.fft.fftfreq(224), indexing="ij")
    smooth = np.fft.ifft2(spectrum * np.exp(-((np.hypot(fx, fy) / 0.06) ** 2))).real
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return (smooth * 255).astype(np.float32)


def knocking_clip(path: Path, knocks_s: list[float], *, seconds: float = 4.0, rate: int = 25, seed: int = 0) -> None:
    """A video of a bar that strikes the ground at each of knocks_s, with a click as it lands."""
    random = np.random.default_rng(seed)
    background = random.uniform(60, 120, (12, 20)).repeat(8, axis=0).repeat(8, axis=1)
    left = int(random.integers(20, 90))
    frames = []
    for index in range(int(seconds * rate)):
        away_s = min((knock - index / rate for knock in knocks_s if knock >= index / rate - 1e-9), default=9.0)
        height = int(np.clip(away_s, 0, 0.25) / 0.25 * 60)
        frame = background.copy()
        frame[80 - height : 88 - height, left : left + 40] = 240
        frames.append(frame)
    samples = random.normal(0, 0.001, int(seconds * 22_050))
    for knock in knocks_s:
        start = int(knock * 22_050)
        length = min(2205, len(samples) - start)
        samples[start : start + length] += random.normal(0, 0.4, length) * np.exp(-np.arange(length) / 200)
    video, sound = path.with_suffix(".gray"), path.with_suffix(".f32")
    video.write_bytes(np.stack(frames).astype(np.uint8).tobytes())
    sound.write_bytes(samples.astype(np.float32).tobytes())
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "160x96", "-r", str(rate)]
        + ["-i", str(video), "-f", "f32le", "-ar", "22050", "-ac", "1", "-i", str(sound)]
        + ["-c:v", "mpeg4", "-q:v", "2", "-c:a", "pcm_s16le", str(path)],
        check=True,
    )  # fmt: skip
    video.unlink()
    sound.unlink()
