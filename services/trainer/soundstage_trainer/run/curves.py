"""Curves of a run: rows of name, step, value, written as they come, and as TensorBoard event files beside them."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

from soundstage_trainer.card import replace_file

FILE = "curves.jsonl"
EVENTS = "tensorboard"
Row = tuple[str, int, float, float]  # name, step, value, wall clock in seconds since 1970


class Curves:
    """Rows lie in FILE (name, step, value) and in the folder EVENTS. A checkpoint holds all rows up to it; going on from
    one writes both anew, so that what was drawn after it and lost is not drawn twice."""

    def __init__(self, folder: Path, rows: list[Row]) -> None:
        from tensorboardX import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.rows = folder, [tuple(row) for row in rows]
        for stale in (folder / EVENTS).glob("events.out.tfevents.*"):
            stale.unlink()
        replace_file(folder / FILE, "".join(_line(row) for row in self.rows).encode())
        self._file = open(folder / FILE, "a", encoding="utf-8")  # noqa: SIM115 - kept open for the run
        self._events = SummaryWriter(str(folder / EVENTS), flush_secs=10)
        for name, step, value, at in self.rows:
            self._events.add_scalar(_tag(name), value, step, walltime=at)

    def add(self, name: str, step: int, value: float) -> None:
        """One point; what is no number is left out."""
        if not math.isfinite(value):
            return
        row = (name, step, float(value), time.time())
        self.rows.append(row)
        self._file.write(_line(row))
        self._file.flush()
        self._events.add_scalar(_tag(name), value, step, walltime=row[3])

    def close(self) -> None:
        self._file.close()
        self._events.close()


def series(rows: list[Row]) -> dict[str, list[tuple[int, float]]]:
    """Points (step, value) of each curve, in the order in which the curves began."""
    found: dict[str, list[tuple[int, float]]] = {}
    for name, step, value, _ in rows:
        found.setdefault(name, []).append((step, value))
    return found


class Window:
    """Means of what a step tells, over so many steps: a curve of some hundred points whatever the length of a run."""

    POINTS = 400

    def __init__(self, steps: int) -> None:
        self.length = max(1, math.ceil(steps / self.POINTS))
        self.sums: dict[str, list[float]] = {}  # name → [sum, count]

    def add(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            if math.isfinite(value):
                held = self.sums.setdefault(name, [0.0, 0])
                held[0] += value
                held[1] += 1

    def take(self) -> dict[str, float]:
        """The means since the last time."""
        means = {name: total / count for name, (total, count) in self.sums.items()}
        self.sums = {}
        return means


def _line(row: Row) -> str:
    return json.dumps({"name": row[0], "step": row[1], "value": row[2]}) + "\n"


def _tag(name: str) -> str:
    """TensorBoard groups by what stands before a slash."""
    return name.replace(".", "/")
