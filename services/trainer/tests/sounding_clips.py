"""Data sets as the launcher lays them out, small and made up: a thing that shines while it buzzes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.io import wavfile

SPLITS = ("train", "train", "train", "validation", "test")


def lay_out(folder: Path, *, frames: int = 43, clips: int = 5) -> Path:
    """clips.jsonl with features and sounds; what is seen tells when it buzzes. 10 s of padded sound a clip, as collected."""
    lines = []
    for number in range(clips):
        random = np.random.default_rng(number)
        shining = np.repeat(random.random(frames // 5 + 1) < 0.4, 5)[:frames]
        rgb = random.normal(0, 0.1, (frames + 1, 1280)).astype(np.float32)  # one row more than there is flow, as rounding gives
        rgb[:frames, :200] += shining[:, None]
        mel = np.full((862, 80), 0.1, np.float32)
        mel[: 4 * frames] += 0.5 * np.repeat(shining, 4)[:, None]
        flow = random.normal(0, 0.1, (frames, 1280)).astype(np.float32)
        home = folder / "features" / str(number)
        home.mkdir(parents=True)
        for name, values in (("rgb", rgb), ("flow_rgb", flow), ("mel_22k", mel)):
            np.save(home / f"{name}.npy", values)
        (folder / f"{number}.mp4").write_bytes(b"a picture")
        sound = np.zeros(22_050, np.float32)
        sound[: frames * 256] = random.normal(0, 0.1, frames * 256)
        wavfile.write(folder / f"{number}.wav", 22_050, sound)
        lines.append(
            {
                "id": f"clip{number}", "source": f"take{number}", "label": "buzz", "split": SPLITS[number % len(SPLITS)],
                "clip": f"{number}.mp4", "sound": f"{number}.wav",
                "features": {name: f"features/{number}/{name}.npy" for name in ("rgb", "flow_rgb", "mel_22k")},
            }
        )  # fmt: skip
    (folder / "clips.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return folder


def without_mel(folder: Path) -> Path:
    """The same, but only sound: what the vocoder can take too."""
    rows = [json.loads(line) for line in (folder / "clips.jsonl").read_text().splitlines()]
    for row in rows:
        row["features"] = {}
    (folder / "clips.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder
