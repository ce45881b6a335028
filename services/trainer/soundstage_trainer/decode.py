"""Pictures and sound out of a file, by ffmpeg. The same arguments serve in training and in inference."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.graphs.motion import HEIGHT_PX, WIDTH_PX

HIGHEST_RATE_FPS = 30
RATE_TOLERANCE = 1.1  # a rate may be this much above the highest before frames are left out, since rates are rounded
LONGEST_S = 120.0
TIME_LIMIT_S = 300
INPUT_SAFETY = ("-nostdin", "-protocol_whitelist", "file,pipe")

# Recorded on the motion card; the serving side takes these, so that nothing drifts apart.
INPUT_DECODING = {
    "tool": "ffmpeg",
    "arguments": (
        "-nostdin -protocol_whitelist file,pipe -v info -i INPUT -map 0:v:0 -an -sn -dn"
        " -vf showinfo=checksum=0,scale=160:96:flags=area,format=gray -fps_mode passthrough -f rawvideo pipe:1"
    ),
    "frame": "160x96 grey, 8 bit, row by row; turned as the display matrix says (ffmpeg's autorotate)",
    "times": (
        "pts_time of each showinfo line on stderr, in order, one a frame: seconds from the start of the file,"
        " on the clock of its sound"
    ),
    "rate": (
        "at most 30 fps: of a file's average rate r, every ceil(r / 33)th frame from the first on, and of those none"
        " that comes less than 1/66 s after the last kept one"
    ),
}


@dataclass(frozen=True)
class Pictures:
    """frames uint8 [N, 96, 160] grey; times_s float64 [N], rising, on the clock of the file's sound."""

    frames: np.ndarray
    times_s: np.ndarray


def read_pictures(path: Path, *, longest_s: float = LONGEST_S) -> Pictures:
    """Decode the first video stream at 160×96 grey with each frame's own time, at most 30 fps.

    Raises SoundstageError ("bad_input") for a file without pictures or one that ffmpeg cannot read.
    """
    video = f"showinfo=checksum=0,scale={WIDTH_PX}:{HEIGHT_PX}:flags=area,format=gray"
    run = _ffmpeg(
        ["-v", "info", "-t", str(longest_s), "-i", str(path), "-map", "0:v:0", "-an", "-sn", "-dn"]
        + ["-vf", video, "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"],
        path,
    )
    frames = np.frombuffer(run.stdout, np.uint8)
    frames = frames[: frames.size // (HEIGHT_PX * WIDTH_PX) * HEIGHT_PX * WIDTH_PX].reshape(-1, HEIGHT_PX, WIDTH_PX)
    times = _showinfo_times(run.stderr.decode("utf-8", "replace"))
    count = min(len(frames), len(times))
    if count < 2:
        raise SoundstageError("bad_input", f"{path.name} holds fewer than two pictures; give a file with video.")
    frames, times_s = frames[:count], np.asarray(times[:count])
    kept = frames_to_keep(times_s)
    return Pictures(frames[kept], times_s[kept])


def frames_to_keep(times_s: np.ndarray, rate_fps: float = HIGHEST_RATE_FPS) -> np.ndarray:
    """Indices of the frames that remain when the rate is held to rate_fps: every second, third, … as serving does it.

    The same rule as packages/media, frame-views.ts, maxFrameRate; bursts of a variable rate are thinned to twice the rate.
    """
    span_s = float(times_s[-1] - times_s[0]) if len(times_s) > 1 else 0.0
    average_fps = (len(times_s) - 1) / span_s if span_s > 0 else 0.0
    step = max(1, int(np.ceil(average_fps / (rate_fps * RATE_TOLERANCE))))
    shortest_s = 0.5 / rate_fps / RATE_TOLERANCE
    kept: list[int] = []
    for index in range(0, len(times_s), step):
        if not kept or times_s[index] - times_s[kept[-1]] >= shortest_s:
            kept.append(index)
    return np.asarray(kept, dtype=np.int64)


def read_sound(path: Path, sample_rate_hz: int, *, longest_s: float = LONGEST_S) -> np.ndarray:
    """The first audio stream, mixed to mono, float32 [samples] at sample_rate_hz, on the pictures' clock."""
    run = _ffmpeg(
        ["-v", "error", "-t", str(longest_s), "-i", str(path), "-map", "0:a:0", "-vn", "-sn", "-dn"]
        + ["-af", "aresample=async=1:min_hard_comp=0.02:first_pts=0", "-ac", "1", "-ar", str(sample_rate_hz), "-f", "f32le", "pipe:1"],
        path,
    )
    sound = np.frombuffer(run.stdout, np.float32)
    if sound.size < sample_rate_hz // 10:
        raise SoundstageError("bad_input", f"{path.name} holds no sound to learn from; give a file with audio.")
    return sound.copy()


def _showinfo_times(log: str) -> list[float]:
    times = []
    for line in log.splitlines():
        if "showinfo" in line and "pts_time:" in line:
            times.append(float(line.split("pts_time:", 1)[1].split()[0]))
    return times


def _ffmpeg(arguments: list[str], path: Path) -> subprocess.CompletedProcess[bytes]:
    try:
        run = subprocess.run(
            ["ffmpeg", *INPUT_SAFETY, "-threads", "1", *arguments], capture_output=True, timeout=TIME_LIMIT_S, check=False
        )
    except FileNotFoundError as cause:
        raise SoundstageError("no_ffmpeg", "ffmpeg is not on the PATH; install the package ffmpeg.") from cause
    except subprocess.TimeoutExpired as cause:
        raise SoundstageError("bad_input", f"{path.name} took longer than {TIME_LIMIT_S} s to decode.") from cause
    if run.returncode != 0:
        reason = run.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SoundstageError("bad_input", f"ffmpeg cannot read {path.name}: {reason[-1] if reason else 'no reason given'}")
    return run
