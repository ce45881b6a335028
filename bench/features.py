"""Milliseconds for a second of media, our ONNX graphs beside librosa and OpenCV: python bench/features.py [--json]

Both take two threads and run in turn, so that both see the same machine; a figure is the median of the rounds, a ratio
the median of each round's, with the worst round beside it. Dual TV-L1 is in opencv-contrib alone: name the folder that
holds it in SOUNDSTAGE_BENCH_CV2, else its rows are left out.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "services" / "trainer"))
if os.environ.get("SOUNDSTAGE_BENCH_CV2"):
    sys.path.insert(0, os.environ["SOUNDSTAGE_BENCH_CV2"])

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

from soundstage_trainer.export import session  # noqa: E402
from soundstage_trainer.recipes.common import newest_version  # noqa: E402
from soundstage_trainer.recipes.sound_graph import example_sound  # noqa: E402

SOUNDS = ("mel_22k", "mel_16k", "stft_11k", "mfcc", "zero_crossings")
SECONDS, ROUNDS = 10, 15
FRAMES_A_SECOND, PAIRS, FLOW_ROUNDS = 25, 8, 7
SLOW_PAIRS, SLOW_ROUNDS = 2, 2
SIZES = ((160, 96), (340, 256))


def main() -> int:
    warnings.simplefilter("ignore")
    cv2.setNumThreads(2)
    rows = [beside_librosa(name) for name in SOUNDS]
    for width, height in SIZES:
        rows += beside_opencv(width, height)
    if "--json" in sys.argv[1:]:
        print(json.dumps(rows))
        return 0
    print(f"ms for a second of media ({FRAMES_A_SECOND} frames), two threads; a ratio below 1 is faster than the other")
    print(f"{'feature':24}{'ours':>9}{'other':>10}  {'ratio':>6}{'worst':>7}  beside")
    for row in rows:
        print(f"{row['feature']:24}{row['ours_ms']:9.2f}{row['other_ms']:10.2f}  {row['ratio']:6.2f}{row['worst_ratio']:7.2f}  {row['beside']}")
    if not hasattr(cv2, "optflow"):
        print("Dual TV-L1 is left out: this OpenCV does not hold it (SOUNDSTAGE_BENCH_CV2 names a folder with opencv-contrib).")
    return 0


def beside_librosa(name: str) -> dict[str, object]:
    graph = importlib.import_module(f"soundstage_trainer.recipes.{name}").GRAPH
    running = shipped(name)
    sound = example_sound(graph, SECONDS)
    ours = lambda: running.run(None, {"sound": sound[None]})  # noqa: E731
    times = in_turn(ours, lambda: graph.reference(sound), ROUNDS) / SECONDS
    return row(name, "librosa", times)


def beside_opencv(width: int, height: int) -> list[dict[str, object]]:
    running = shipped("flow")
    frames = real_frames(width, height)
    given, pairs = {"frames": frames.astype(np.float32)}, list(zip(frames[:-1], frames[1:], strict=True))
    scale = FRAMES_A_SECOND / len(pairs)

    def farneback() -> list[np.ndarray]:
        return [cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 3, 5, 1.2, 0) for a, b in pairs]

    ours = lambda: running.run(["flow"], given)  # noqa: E731
    label = f"flow {width}x{height}"
    rows = [row(label, "OpenCV Farneback", in_turn(ours, farneback, FLOW_ROUNDS) * scale)]
    if hasattr(cv2, "optflow"):
        dual = cv2.optflow.createOptFlow_DualTVL1()
        some = {"frames": given["frames"][: SLOW_PAIRS + 1]}
        few = in_turn(
            lambda: running.run(["flow"], some), lambda: [dual.calc(a, b, None) for a, b in pairs[:SLOW_PAIRS]], SLOW_ROUNDS
        )
        rows.append(row(label, "OpenCV Dual TV-L1", few * FRAMES_A_SECOND / SLOW_PAIRS))
    return rows


def real_frames(width: int, height: int) -> np.ndarray:
    """PAIRS + 1 neighbouring grey frames of a real clip, uint8; of drifting noise where there is no clip."""
    data = Path(os.environ.get("SOUNDSTAGE_DATA", ROOT.parent / "shared" / "data")) / "foley"
    clips = sorted(data.rglob("*.mp4"))
    if not clips:
        noise = np.random.default_rng(0).integers(0, 256, (height + 32, width + 32)).astype(np.uint8)
        smooth = cv2.GaussianBlur(noise, (0, 0), 3)
        return np.stack([smooth[step : step + height, step : step + width] for step in range(PAIRS + 1)])
    run = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-ss", "1", "-i", str(clips[len(clips) // 2]), "-frames:v", str(PAIRS + 1)]
        + ["-vf", f"scale={width}:{height}:flags=area,format=gray", "-f", "rawvideo", "pipe:1"],
        capture_output=True, check=True,
    )  # fmt: skip
    return np.frombuffer(run.stdout, np.uint8).reshape(-1, height, width)


def in_turn(ours: Callable[[], object], other: Callable[[], object], rounds: int) -> np.ndarray:
    """Milliseconds [rounds, 2] after one round to warm up; other is not warmed up where it is slow."""
    ours()
    if rounds > SLOW_ROUNDS:
        other()
    return np.array([[milliseconds(ours), milliseconds(other)] for _ in range(rounds)])


def milliseconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1e3


def row(feature: str, beside: str, times: np.ndarray) -> dict[str, object]:
    ratios = times[:, 0] / times[:, 1]
    ours, other = np.median(times, axis=0)
    return {
        "feature": feature, "beside": beside, "ours_ms": float(ours), "other_ms": float(other),
        "ratio": float(np.median(ratios)), "worst_ratio": float(ratios.max()),
    }  # fmt: skip


def shipped(name: str) -> onnxruntime.InferenceSession:
    folder = ROOT / "models" / name
    return session(folder / str(newest_version(folder)) / "model.onnx")


if __name__ == "__main__":
    sys.exit(main())
