"""Recipe `flow`: export the optical flow and measure it beside OpenCV's."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
import torch

from soundstage_trainer import card, progress
from soundstage_trainer.decode import read_pictures
from soundstage_trainer.export import session, to_onnx
from soundstage_trainer.graphs.flow import LucasKanadeFlow, warp
from soundstage_trainer.recipes.common import NO_TRAINING_DATA, OWN_LICENCE, milliseconds, video_files
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer flow --data DIR --out models"
FINEST_LEVEL = 1  # `motion` and `lip_flow` solve the frames' own level too


def build() -> onnx.ModelProto:
    sizes = {0: torch.export.Dim("n", min=2), 1: torch.export.Dim("h", min=16), 2: torch.export.Dim("w", min=16)}
    return to_onnx(
        LucasKanadeFlow(FINEST_LEVEL), (torch.rand(5, 96, 160) * 255,), inputs=["frames"], outputs=["flow"], dynamic={"frames": sizes}
    )


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/flow/version. With data, measures on real frames too; without, speed alone."""
    model = build()
    progress.progress(1, 2, "exported flow")
    running = session(model)
    measured = beside_farneback(running) if data else alone(running)
    measured += measure(running, video_files(data, 12))
    progress.progress(2, 2, "measured flow")
    return card.write_model(
        out / "flow" / version,
        model,
        {
            "name": "flow",
            "version": version,
            "does": "Dense optical flow between neighbouring frames: Lucas–Kanade on a pyramid, from 1/8 to 1/2 of the size, unrolled.",
            "inputs": [card.tensor("frames", ["N", "H", "W"], "grey level 0..255", "N >= 2, H and W >= 16, in order of time")],
            "outputs": [
                card.tensor(
                    "flow",
                    ["N-1", 2, "H", "W"],
                    "pixels a frame",
                    "(dx, dy): where a point of frame i lies in frame i+1, less where it lay",
                )
            ],
            "warm_up": {"N": 2, "H": 96, "W": 160},
            "recipe": "flow",
            "dataset": "none",
            "measured": measured,
            "licence": {"model": OWN_LICENCE, "training_data": NO_TRAINING_DATA},
            "source": "Lucas and Kanade 1981; Bouguet 2000; Baker and Matthews 2004; written anew in PyTorch",
        },
    )


def measure(running, files: list[Path]) -> list[dict[str, object]]:
    """Mean end-point error against OpenCV's Farneback and DIS, and what each leaves unexplained, on real frames."""
    if not files:
        return []
    import cv2

    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    rows = []
    for path in files:
        frames = read_pictures(path, longest_s=3.0).frames[:24]
        pairs = list(zip(frames[:-1], frames[1:], strict=True))
        ours = running.run(["flow"], {"frames": frames.astype(np.float32)})[0]
        farneback = np.stack([cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 4, 11, 5, 5, 1.1, 0) for a, b in pairs])
        reference = np.stack([dis.calc(a, b, None) for a, b in pairs])
        farneback, reference = farneback.transpose(0, 3, 1, 2), reference.transpose(0, 3, 1, 2)
        rows.append(
            [end_point_error(ours, farneback), end_point_error(ours, reference), end_point_error(farneback, reference)]
            + [unexplained(frames, flow) for flow in (np.zeros_like(ours), ours, farneback, reference)]
        )
    mean, median = np.mean(rows, axis=0), np.median(rows, axis=0)
    where = f"{len(files)} real clips at 160x96"

    def row(what: str, value: float, comparator: str) -> dict[str, object]:
        return {"what": f"{what}, {where}", "value": round(float(value), 3), "comparator": comparator, "command": COMMAND}

    return [
        row("mean end-point error to OpenCV Farneback, pixels", mean[0], f"Farneback to DIS: {mean[2]:.3f}"),
        row("mean end-point error to OpenCV DIS, pixels", mean[1], f"Farneback to DIS: {mean[2]:.3f}"),
        row("median clip's end-point error to DIS, pixels", median[1], f"Farneback to DIS: {median[2]:.3f}"),
        row(
            "grey levels a pixel left unexplained after warping", mean[4],
            f"no flow {mean[3]:.3f}, Farneback {mean[5]:.3f}, DIS {mean[6]:.3f}",
        ),
    ]  # fmt: skip


def alone(running) -> list[dict[str, object]]:
    frames = np.random.default_rng(0).uniform(0, 255, (33, 96, 160)).astype(np.float32)
    speed = milliseconds(running, {"frames": frames}) / 32
    return [{"what": "ms a pair at 160x96, onnxruntime CPU, 2 threads", "value": round(speed, 2), "command": COMMAND}]


def beside_farneback(running, rounds: int = 7) -> list[dict[str, object]]:
    """Milliseconds a pair, ours and OpenCV's Farneback in turn, two threads each; neither depends on what is seen."""
    import cv2

    cv2.setNumThreads(2)
    rows = []
    for width, height in ((160, 96), (340, 256)):
        frames = np.random.default_rng(0).integers(0, 256, (9, height, width)).astype(np.uint8)
        given, pairs = {"frames": frames.astype(np.float32)}, list(zip(frames[:-1], frames[1:], strict=True))
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            running.run(None, given)
            between = time.perf_counter()
            for first, second in pairs:
                cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0)
            times.append(((between - begin) * 125, (time.perf_counter() - between) * 125))
        ours, theirs = np.median(times[1:], axis=0)
        ratios = [a / b for a, b in times[1:]]
        rows.append(
            {
                "what": f"ms a pair at {width}x{height}, onnxruntime CPU, 2 threads, median of {rounds - 1}",
                "value": round(float(ours), 2),
                "comparator": f"OpenCV Farneback (3 levels, window 15) {theirs:.2f}; ratio {np.median(ratios):.2f}, in the worst round {max(ratios):.2f}",
                "command": COMMAND,
            }
        )
    return rows


def end_point_error(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.hypot(a[:, 0] - b[:, 0], a[:, 1] - b[:, 1]).mean())


def unexplained(frames: np.ndarray, flow: np.ndarray) -> float:
    """Mean |first − second warped back| in grey levels."""
    moved = warp(torch.from_numpy(frames[1:, None].astype(np.float32)), torch.from_numpy(flow.astype(np.float32)))
    return float(np.abs(moved.numpy()[:, 0] - frames[:-1]).mean())


RECIPE = Recipe(does="export the optical flow", export=run, version="2")
