"""What the launcher reads: one JSON object a line on stdout. Tables for people go to stderr.

Progress and each curve are held to about one line a second; the last of them is never lost.
"""

from __future__ import annotations

import json
import math
import sys
import time

GAP_S = 1.0


def facts(
    parameters: dict[str, object], code_version: str, machine: str, dataset_version: str, resumed: int
) -> None:  # fmt: skip
    """Once, at the start: all that a figure depends on. resumed: how often this run was taken up again from a checkpoint."""
    _line(
        {
            "event": "facts", "parameters": parameters, "code_version": code_version, "machine": machine,
            "dataset_version": dataset_version, "resumed": resumed,
        }
    )  # fmt: skip


def progress(step: int, of: int, message: str) -> None:
    """message says in words what is being done; the last step of `of` is always told."""
    _throttled("progress", {"event": "progress", "step": step, "of": of, "message": message}, now=step >= of)


def curve(name: str, step: int, value: float) -> None:
    if math.isfinite(value):
        _throttled(f"curve {name}", {"event": "curve", "name": name, "step": step, "value": float(f"{value:.7g}")})


def metric(name: str, value: float) -> None:
    _line({"event": "metric", "name": name, "value": value})


def done(model: str, card: str, report: str | None = None) -> None:
    flush()
    _line({"event": "done", "model": model, "card": card, "report": report})


def failed(code: str, message: str, retryable: bool) -> None:
    flush()
    _line({"event": "failed", "code": code, "message": message, "retryable": retryable})


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def flush() -> None:
    """Write what was held back."""
    for event in _state.waiting.values():
        _line(event)
    _state.waiting.clear()


def silence() -> None:
    """No more lines on stdout: for commands whose answer is one JSON object."""
    _state.silent = True


class _State:
    def __init__(self) -> None:
        self.silent = False
        self.last_s: dict[str, float] = {}
        self.waiting: dict[str, dict[str, object]] = {}


_state = _State()


def _throttled(key: str, event: dict[str, object], *, now: bool = False) -> None:
    clock_s = time.monotonic()
    if now or clock_s - _state.last_s.get(key, -math.inf) >= GAP_S:
        _state.last_s[key] = clock_s
        _state.waiting.pop(key, None)
        _line(event)
    else:
        _state.waiting[key] = event


def _line(event: dict[str, object]) -> None:
    if not _state.silent:
        print(json.dumps(event, ensure_ascii=False), flush=True)
