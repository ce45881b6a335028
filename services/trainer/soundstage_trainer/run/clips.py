"""DATA/clips.jsonl: one clip a line, in splits, with its files and features; as the launcher lays a data set out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from soundstage_trainer.errors import SoundstageError

FILE = "clips.jsonl"
SPLITS = ("train", "validation", "test")
MOST_TOLD = 10


@dataclass(frozen=True)
class ClipRow:
    """clip, sound and features are whole paths; sound is None where the clip's own sound is to be taken.

    source: clips that were cut from one recording share it, and lie in one split.
    """

    id: str
    source: str
    label: str
    split: str
    clip: Path
    sound: Path | None
    features: dict[str, Path]

    def feature(self, name: str) -> np.ndarray:
        """A feature's array. Raises SoundstageError ("bad_input") where it is not there or no array."""
        if name not in self.features:
            raise SoundstageError("bad_input", f"Clip {self.id} has no feature {name}; extract it before training.")
        try:
            return np.load(self.features[name], allow_pickle=False)
        except (OSError, ValueError) as cause:
            raise SoundstageError("bad_input", f"{self.features[name].name} of clip {self.id} is no array: {cause}.") from cause


def has_clips(data: Path) -> bool:
    return (data / FILE).is_file()


def read_clips(data: Path, *, features: tuple[str, ...] = ()) -> list[ClipRow]:
    """All rows, in the file's order. features: what each clip must have.

    Raises SoundstageError ("bad_input") that lists every problem: lines that are no clip, files that are not there, an id
    that comes twice, a source in more than one split, no clip to train on.
    """
    if not has_clips(data):
        raise SoundstageError("bad_input", f"--data {data} has no {FILE}; give the folder that the launcher laid out.")
    rows: list[ClipRow] = []
    problems: list[str] = []
    splits: dict[str, str] = {}
    seen: set[str] = set()
    lines = (data / FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _row(data, json.loads(line), features)
        except ValueError as problem:
            problems.append(f"line {number}: {problem}")
            continue
        if row.id in seen:
            problems.append(f"line {number}: clip {row.id} comes twice")
        seen.add(row.id)
        if splits.setdefault(row.source, row.split) != row.split:
            problems.append(f"line {number}: source {row.source} lies in {splits[row.source]} and in {row.split}")
        rows.append(row)
    if not problems and not any(row.split == "train" for row in rows):
        problems.append("no clip is in the split train")
    if problems:
        more = f" (and {len(problems) - MOST_TOLD} more)" if len(problems) > MOST_TOLD else ""
        raise SoundstageError("bad_input", f"{FILE}: {'; '.join(problems[:MOST_TOLD])}{more}.")
    return rows


def clips_version(rows: list[ClipRow], features: tuple[str, ...] = ()) -> str:
    """A short hash of what is trained on: ids, sources, labels, splits, and the names and sizes of the files read."""
    digest = hashlib.sha256()
    for row in rows:
        files = [row.clip, *([row.sound] if row.sound else []), *(row.features[name] for name in features)]
        told = [row.id, row.source, row.label, row.split, [[path.parent.name, path.name, path.stat().st_size] for path in files]]
        digest.update(json.dumps(told).encode())
    return digest.hexdigest()[:16]


def _row(data: Path, told: Any, needed: tuple[str, ...]) -> ClipRow:
    if not isinstance(told, dict):
        raise ValueError("no JSON object")
    words = {name: told.get(name) for name in ("id", "source", "label", "split", "clip")}
    absent = [name for name, value in words.items() if not isinstance(value, str) or (not value and name != "label")]
    if absent:
        raise ValueError(f"no {', '.join(absent)}")
    if words["split"] not in SPLITS:
        raise ValueError(f"split is {words['split']!r}, not {', '.join(SPLITS[:-1])} or {SPLITS[-1]}")
    features = told.get("features") or {}
    if not isinstance(features, dict):
        raise ValueError("features is no object")
    missing = [name for name in needed if name not in features]
    if missing:
        raise ValueError(f"clip {words['id']} has no {', '.join(missing)}")
    return ClipRow(
        id=words["id"], source=words["source"], label=words["label"], split=words["split"], clip=_file(data, words["clip"]),
        sound=_file(data, told["sound"]) if told.get("sound") else None,
        features={name: _file(data, path) if name in needed else data / str(path) for name, path in features.items()},
    )  # fmt: skip


def _file(data: Path, name: Any) -> Path:
    if not isinstance(name, str) or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError(f"{name!r} is no path inside the folder")
    path = data / name
    if not path.is_file():
        raise ValueError(f"{name} is not there")
    return path
