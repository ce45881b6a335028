"""Recipe `motion`: export the motion features that the onset net reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch

from soundstage_trainer import card, progress
from soundstage_trainer.decode import INPUT_DECODING, read_pictures
from soundstage_trainer.export import session, to_onnx
from soundstage_trainer.graphs import motion
from soundstage_trainer.onset.dataset import CHUNK_FRAMES
from soundstage_trainer.recipes.common import NO_TRAINING_DATA, OWN_LICENCE, milliseconds, video_files
from soundstage_trainer.run.recipe import Recipe

COMMAND = "python -m soundstage_trainer motion --data DIR --out models"


def build() -> onnx.ModelProto:
    pairs = torch.export.Dim("n", min=2)
    example = (torch.rand(5, motion.HEIGHT_PX, motion.WIDTH_PX) * 255, torch.arange(5) / 25.0)
    return to_onnx(
        motion.MotionFeatures(), example, inputs=["frames", "times_s"], outputs=["features"],
        dynamic={"frames": {0: pairs}, "times_s": {0: pairs}},
    )  # fmt: skip


def run(out: Path, data: Path | None, version: str) -> tuple[Path, Path]:
    """Write out/motion/version. With data, parity to PyTorch is measured on real frames."""
    model = build()
    progress.progress(1, 2, "exported motion")
    running = session(model)
    frames = np.random.default_rng(0).uniform(0, 255, (CHUNK_FRAMES + 1, 96, 160)).astype(np.float32)
    times_s = (np.arange(len(frames)) / 25).astype(np.float32)
    speed = milliseconds(running, {"frames": frames, "times_s": times_s}) / CHUNK_FRAMES
    measured = [{"what": "ms a pair, onnxruntime CPU, 2 threads", "value": round(speed, 2), "command": COMMAND}]
    worst = 0.0
    for path in video_files(data, 6):
        pictures = read_pictures(path, longest_s=2.0)
        inputs = [pictures.frames.astype(np.float32), pictures.times_s.astype(np.float32)]
        ours = running.run(["features"], {"frames": inputs[0], "times_s": inputs[1]})[0]
        with torch.inference_mode():
            expected = motion.MotionFeatures().eval()(*(torch.from_numpy(a) for a in inputs)).numpy()
        worst = max(worst, float(np.abs(ours - expected).max()))
    if data is not None:
        measured.append(
            {"what": "largest difference to PyTorch, real frames", "value": float(f"{worst:.2g}"), "command": COMMAND}
        )
    progress.progress(2, 2, "measured motion")
    return card.write_model(
        out / "motion" / version,
        model,
        {
            "name": "motion",
            "version": version,
            "does": "Optical flow and frame difference pooled on a 6×8 grid, per second, camera motion apart.",
            "inputs": [
                card.tensor(
                    "frames", ["N", 96, 160], "grey level 0..255", "N >= 2, in order of time, decoded as input_decoding says"
                ),
                card.tensor("times_s", ["N"], "seconds", "each frame's time, rising"),
            ],
            "outputs": [
                card.tensor(
                    "features",
                    ["N-1", motion.CHANNELS],
                    "see channels",
                    "one row a frame pair; its time is the middle of the two",
                )
            ],
            "recipe": "motion",
            "dataset": "none",
            "measured": measured,
            "licence": {"model": OWN_LICENCE, "training_data": NO_TRAINING_DATA},
            "source": "written in PyTorch; contains flow",
            "channels": motion.channel_names(),
            "grid": {"rows": motion.ROWS, "columns": motion.COLUMNS},
            "chunking": f"Pairs are independent: run at most {CHUNK_FRAMES + 1} frames at once, each chunk beginning with the last frame of the one before.",
            "input_decoding": INPUT_DECODING,
        },
    )


RECIPE = Recipe(does="export the motion features", export=run)
