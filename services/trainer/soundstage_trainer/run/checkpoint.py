"""Checkpoints that are whole or not there: the state first, then a note with its size and hash, which makes it count."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch

from soundstage_trainer import progress
from soundstage_trainer.card import replace_file
from soundstage_trainer.errors import SoundstageError

KEPT = 2
BLOCK_BYTES = 1 << 20


class Checkpoints:
    """The checkpoints of one run in a folder of their own. key: what must be the same for a run to go on from them."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key

    def write(self, step: int, state: dict[str, Any]) -> int:
        """Keep state (tensors, numbers, words, lists, dicts) as that after step steps. Returns its bytes.

        Raises SoundstageError ("write_failed", retryable) where the disk refuses.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = f"checkpoint-{step:09d}"
            partial = self.folder / f".{name}.partial"
            with open(partial, "wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            content = {"step": step, "key": self.key, "bytes": partial.stat().st_size, "sha256": _hash(partial)}
            # Without its note no state counts: an older note must not speak for the new state while it is put in place.
            (self.folder / f"{name}.json").unlink(missing_ok=True)
            os.replace(partial, self.folder / f"{name}.pt")
            replace_file(self.folder / f"{name}.json", (json.dumps(content) + "\n").encode())
            self._forget_old()
        except OSError as cause:
            raise SoundstageError(
                "write_failed", f"Cannot write a checkpoint to {self.folder}: {cause.strerror}; check space and rights.",
                retryable=True,
            ) from cause  # fmt: skip
        return content["bytes"]

    def newest(self) -> dict[str, Any] | None:
        """The newest state that is whole and of this key; a broken one falls back to the one before."""
        for note in sorted(self.folder.glob("checkpoint-*.json"), reverse=True):
            path = note.with_suffix(".pt")
            try:
                content = json.loads(note.read_text(encoding="utf-8"))
                if content["key"] != self.key:
                    continue
                if path.stat().st_size != content["bytes"] or _hash(path) != content["sha256"]:
                    raise ValueError("its bytes are not those that its note tells")
                return torch.load(path, map_location="cpu", weights_only=True)
            except (OSError, ValueError, KeyError, TypeError) as cause:
                progress.say(f"{path.name} is broken ({cause}); going on from the one before.")
        return None

    def clear(self) -> None:
        """Remove every checkpoint in the folder, whole or not."""
        for path in [*self.folder.glob("checkpoint-*"), *self.folder.glob(".checkpoint-*.partial")]:
            path.unlink(missing_ok=True)

    def _forget_old(self) -> None:
        notes = sorted(self.folder.glob("checkpoint-*.json"), reverse=True)
        for note in notes[KEPT:]:
            note.unlink(missing_ok=True)
        kept = {note.stem for note in notes[:KEPT]}
        for path in [*self.folder.glob("checkpoint-*.pt"), *self.folder.glob(".checkpoint-*.partial")]:
            if path.stem not in kept:
                path.unlink(missing_ok=True)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
