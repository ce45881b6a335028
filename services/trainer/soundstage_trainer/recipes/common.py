"""What the recipes share: where models lie, real frames to measure on, and the clock."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import numpy as np
import onnxruntime

from soundstage_trainer.errors import SoundstageError

OWN_LICENCE = "as this repository"
NO_TRAINING_DATA = "none: nothing was trained"


def models_folder(chosen: Path | None) -> Path:
    """--models, else SOUNDSTAGE_MODELS, else the folder `models` of the checkout that this package lies in."""
    if chosen is not None:
        return chosen
    if os.environ.get("SOUNDSTAGE_MODELS"):
        return Path(os.environ["SOUNDSTAGE_MODELS"])
    for parent in Path(__file__).resolve().parents:
        if (parent / "models" / "motion").is_dir():
            return parent / "models"
    raise SoundstageError("bad_input", "No models folder was found; give it by --models or SOUNDSTAGE_MODELS.")


def newest_version(folder: Path) -> str | None:
    """The highest version that lies in a model's folder, as packages/models chooses; None where there is none."""
    versions = [path.name for path in folder.iterdir() if (path / "card.json").is_file()] if folder.is_dir() else []
    return max(versions, key=lambda name: (int(name) if name.isdigit() else -1, name), default=None)


def video_files(data: Path | None, most: int) -> list[Path]:
    """Up to most files, spread evenly over those under data."""
    if data is None:
        return []
    found = sorted(data.rglob("*.mp4"))
    if not found:
        raise SoundstageError("bad_input", f"No .mp4 file lies under --data {data}.")
    return [found[i] for i in sorted({round(i) for i in np.linspace(0, len(found) - 1, most)})]


def colour_frame(path: Path, side_px: int, at_s: float) -> np.ndarray:
    """One frame squeezed to side_px × side_px: float32 [1, side, side, 3], RGB 0..255."""
    run = subprocess.run(
        ["ffmpeg", "-nostdin", "-protocol_whitelist", "file,pipe", "-v", "error", "-ss", str(at_s), "-i", str(path)]
        + ["-vf", f"scale={side_px}:{side_px}:flags=area,format=rgb24", "-frames:v", "1", "-f", "rawvideo", "pipe:1"],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    return np.frombuffer(run.stdout, np.uint8).reshape(1, side_px, side_px, 3).astype(np.float32)


def milliseconds(session: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray], rounds: int = 5) -> float:
    """Median wall time of a run after one to warm up."""
    session.run(None, inputs)
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        session.run(None, inputs)
        times.append(time.perf_counter() - begin)
    return float(np.median(times) * 1e3)
