"""A model and its card, written so that a reader sees both whole or neither: the card comes last."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import onnx

from soundstage_trainer.errors import SoundstageError


def tensor(name: str, shape: list[int | str], unit: str, description: str, dtype: str = "float32") -> dict[str, Any]:
    """One input or output as the card tells it; a word in shape is a size that may vary."""
    return {"name": name, "dtype": dtype, "shape": shape, "unit": unit, "description": description}


def write_model(folder: Path, model: onnx.ModelProto, card: dict[str, Any], labels: list[str] | None = None) -> tuple[Path, Path]:
    """Write model.onnx, labels.json where there are labels, then card.json with hash and size. Returns their paths."""
    content = model.SerializeToString(deterministic=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / "model.onnx", content)
        if labels is not None:
            replace_file(folder / "labels.json", (json.dumps(labels, indent=0, ensure_ascii=False) + "\n").encode())
        card = {**card, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        replace_file(folder / "card.json", (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as cause:
        raise SoundstageError(
            "write_failed", f"Cannot write to {folder}: {cause.strerror}; check space and rights.", retryable=True
        ) from cause
    return folder / "model.onnx", folder / "card.json"


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model folder, after its model's hash was checked."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    found = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    if found != card["sha256"]:
        raise SoundstageError("bad_model", f"{folder}/model.onnx is not the file that its card describes.")
    return card


def replace_file(path: Path, content: bytes) -> None:
    """Put content in path's place: readers see the old file or the new one, whole, also after the power was cut."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # or the new name may not outlast a power cut
        finally:
            os.close(folder)
    finally:
        partial.unlink(missing_ok=True)
