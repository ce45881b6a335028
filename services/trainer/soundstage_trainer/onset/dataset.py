"""Clips with picture and sound → motion features, onsets and loudness, kept in a cache by hash."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime

from soundstage_trainer.decode import Pictures, read_pictures, read_sound
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.onset import ground_truth
from soundstage_trainer.run.clips import has_clips, read_clips

PACKAGED_LABELS = Path(__file__).parent.parent / "data" / "foley_clips.csv"
CHUNK_FRAMES = 64
EXTRACTION_VERSION = "2"


@dataclass(frozen=True)
class ClipEntry:
    """One row of the labels file. source: clips that share a recording share it, and never meet across folds."""

    clip: str
    source: str
    kind: str
    impact: bool
    close_up: bool = False  # something is struck near the camera and in full view: judged by the picture, not by scores
    split: str = "train"  # train, validation or test
    sound: str | None = None  # a file of its own, where the sound is not taken from the clip


@dataclass(frozen=True)
class Clip:
    """features float32 [T, C], times_s float32 [T] (pair middles), onsets and strengths, loudness 0..1 at 50 Hz."""

    entry: ClipEntry
    features: np.ndarray
    times_s: np.ndarray
    onsets_s: np.ndarray
    strengths: np.ndarray
    envelope: np.ndarray
    difference: np.ndarray  # [T] largest of the 4×4 cells' mean |grey change|, 0..255: the plain baseline
    duration_s: float


def read_labels(data: Path, labels: Path | None) -> list[ClipEntry]:
    """Rows whose clip lies under data. Looks at labels, else data/labels.csv, else the list in the package.

    Raises SoundstageError ("bad_input") when there is no folder, no list, or none of its clips.
    """
    if not data.is_dir():
        raise SoundstageError("bad_input", f"--data {data} is not a folder; give the folder that holds the clips.")
    path = labels or (data / "labels.csv" if (data / "labels.csv").is_file() else PACKAGED_LABELS)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        entries = [
            ClipEntry(
                row["clip"], row["source"], row["class"], row["impact"].strip() == "1", (row.get("close_up") or "").strip() == "1"
            )
            for row in rows
        ]
    except (OSError, KeyError, AttributeError, UnicodeDecodeError) as cause:
        raise SoundstageError(
            "bad_input", f"{path} is no labels file; it needs the columns clip, source, class, impact."
        ) from cause
    found = [entry for entry in entries if (data / entry.clip).is_file()]
    if not found:
        raise SoundstageError("bad_input", f"None of the {len(entries)} clips listed in {path.name} lies in {data}.")
    return found


def is_packaged(data: Path, labels: Path | None) -> bool:
    """Whether the clips are those of the list in the package."""
    return labels is None and not has_clips(data) and not (data / "labels.csv").is_file()


def entries_of(data: Path, labels: Path | None, impact_labels: list[str]) -> list[ClipEntry]:
    """The clips of DATA/clips.jsonl, in splits; without one, those of read_labels, all of them to train on.

    impact_labels: the labels whose clips are struck; without any all clips of clips.jsonl are, and those of a labels file
    that say so. Raises SoundstageError ("bad_input") for a label that no clip has.
    """
    if labels is None and has_clips(data):
        entries = [
            ClipEntry(
                row.clip.relative_to(data).as_posix(), row.source, row.label, True, split=row.split,
                sound=row.sound.relative_to(data).as_posix() if row.sound else None,
            )
            for row in read_clips(data)
        ]  # fmt: skip
    else:
        entries = read_labels(data, labels)
    kinds = sorted({entry.kind for entry in entries})
    unknown = [label for label in impact_labels if label not in kinds]
    if unknown:
        raise SoundstageError("bad_input", f"impact_labels: no clip is {', '.join(unknown)}; there are {', '.join(kinds)}.")
    if impact_labels:
        entries = [replace(entry, impact=entry.kind in impact_labels) for entry in entries]
    return entries


def load_clips(
    data: Path,
    entries: list[ClipEntry],
    *,
    cache: Path,
    motion_model: Path,
    on_clip: Callable[[int, int, str], None] = lambda done, of, name: None,
) -> Iterator[Clip]:
    """Each clip's features and truth, from the cache where its hash is there. Order as entries."""
    cache.mkdir(parents=True, exist_ok=True)
    model_hash = hashlib.sha256(motion_model.read_bytes()).hexdigest()
    session: onnxruntime.InferenceSession | None = None
    for index, entry in enumerate(entries):
        hashes = [hashlib.sha256((data / name).read_bytes()).hexdigest() for name in (entry.clip, entry.sound) if name]
        key = hashlib.sha256("|".join([EXTRACTION_VERSION, ground_truth.VERSION, model_hash, *hashes]).encode()).hexdigest()
        path = cache / f"{key}.npz"
        if not path.is_file():
            if session is None:
                from soundstage_trainer.export import session as open_session

                session = open_session(motion_model)
            _write_arrays(path, extract(data / entry.clip, session, data / entry.sound if entry.sound else None))
        with np.load(path) as arrays:
            yield Clip(entry, **{name: arrays[name] for name in arrays.files if name != "duration_s"},
                       duration_s=float(arrays["duration_s"]))  # fmt: skip
        on_clip(index + 1, len(entries), entry.clip)


def extract(path: Path, session: onnxruntime.InferenceSession, sound_path: Path | None = None) -> dict[str, np.ndarray]:
    """The arrays of Clip for one file. Raises SoundstageError when it has no picture or no sound."""
    pictures = read_pictures(path)
    sound = read_sound(sound_path or path, ground_truth.SAMPLE_RATE_HZ)
    features = motion_features(pictures, session)
    onsets_s, strengths = ground_truth.onset_times(sound)
    ends_s = float(pictures.times_s[-1])
    inside = onsets_s <= ends_s + 0.05
    duration_s = ends_s + float(np.median(np.diff(pictures.times_s)))
    grid_s = np.arange(int(duration_s * 50) + 1) / 50.0
    change = np.abs(np.diff(pictures.frames.astype(np.float32), axis=0))
    cells = change.reshape(len(change), 4, 24, 4, 40).mean(axis=(2, 4))
    return {
        "features": features,
        "times_s": pair_times_s(pictures.times_s),
        "onsets_s": onsets_s[inside],
        "strengths": strengths[inside],
        "envelope": ground_truth.envelope(sound, grid_s),
        "difference": cells.max(axis=(1, 2)),
        "duration_s": np.float64(duration_s),
    }


def pair_times_s(times_s: np.ndarray) -> np.ndarray:
    """The middle of each pair of frames, float32 [N-1]."""
    return (0.5 * (times_s[1:] + times_s[:-1])).astype(np.float32)


def motion_features(pictures: Pictures, session: onnxruntime.InferenceSession) -> np.ndarray:
    """The motion graph over a whole clip, in chunks that share one frame: the same numbers, little memory."""
    parts = []
    for begin in range(0, len(pictures.frames) - 1, CHUNK_FRAMES):
        chunk = slice(begin, begin + CHUNK_FRAMES + 1)
        inputs = {
            "frames": pictures.frames[chunk].astype(np.float32),
            "times_s": (pictures.times_s[chunk] - pictures.times_s[begin]).astype(np.float32),
        }
        parts.append(session.run(["features"], inputs)[0])
    return np.concatenate(parts)


def dataset_version(entries: list[ClipEntry], data: Path) -> str:
    """A short hash of what was trained on: names, sources, classes and contents."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(json.dumps([entry.clip, entry.source, entry.kind, entry.impact]).encode())
        if entry.split != "train" or entry.sound:
            digest.update(json.dumps([entry.split, entry.sound]).encode())
        for name in filter(None, (entry.clip, entry.sound)):
            digest.update(hashlib.sha256((data / name).read_bytes()).digest())
    return digest.hexdigest()[:16]


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_bytes(buffer.getvalue())
    os.replace(partial, path)
