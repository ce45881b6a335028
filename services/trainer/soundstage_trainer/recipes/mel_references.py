"""Mel spectra that others computed from clips, and ours of the same clips: how nearly they agree, and why not wholly."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE_HZ = 22_050
SECONDS = 10.0


@dataclass(frozen=True)
class Agreement:
    """r: correlation over the hops that the clip has. offset: median of ours − theirs. repeated_r: over all hops, with the
    clip's sound laid end to end, where the clip is shorter than the reference; else None."""

    clip: str
    channels: int
    r: float
    offset: float
    repeated_r: float | None


def compare(data: Path, running) -> list[Agreement]:
    """data holds mel_reference/ and foley/specvqgan/; running is mel_22k. Empty where they are not there."""
    found = []
    for path in sorted((data / "mel_reference").rglob("*_mel.npy")):
        clip = data / "foley" / "specvqgan" / f"{path.stem.removesuffix('_mel')}.mp4"
        if not clip.is_file():
            continue
        channels = read_channels(clip)
        sound, theirs = channels.mean(axis=1), np.load(path).T
        ours = running.run(["mel"], {"sound": sound[None]})[0][0]
        both = min(len(ours), len(theirs))
        inside = (theirs[:both] > 0.05) & (theirs[:both] < 0.95)
        repeated = None
        if len(sound) < (SECONDS - 0.5) * RATE_HZ:
            endless = np.tile(sound, 3)[: round(SECONDS * RATE_HZ)]
            repeated = _r(running.run(["mel"], {"sound": endless[None]})[0][0][: len(theirs)], theirs)
        found.append(
            Agreement(
                clip=clip.stem, channels=channels.shape[1], r=_r(ours[:both], theirs[:both]),
                offset=float(np.median((ours[:both] - theirs[:both])[inside])), repeated_r=repeated,
            )
        )  # fmt: skip
    return found


def read_channels(path: Path) -> np.ndarray:
    """float32 [samples, channels] at RATE_HZ.

    Apart, since ffmpeg's own mix-down (-ac 1) of floats adds the channels at 0.707 each, 3 dB above their mean.
    """
    count = subprocess.run(
        ["ffprobe", "-v", "error", "-protocol_whitelist", "file,pipe", "-select_streams", "a:0", "-show_entries", "stream=channels"]
        + ["-of", "csv=p=0", str(path)], capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    raw = subprocess.run(
        ["ffmpeg", "-nostdin", "-protocol_whitelist", "file,pipe", "-v", "error", "-i", str(path), "-map", "0:a:0"]
        + ["-ar", str(RATE_HZ), "-f", "f32le", "pipe:1"], capture_output=True, check=True,
    ).stdout  # fmt: skip
    return np.frombuffer(raw, np.float32).reshape(-1, int(count.strip().rstrip(",")))


def _r(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])
