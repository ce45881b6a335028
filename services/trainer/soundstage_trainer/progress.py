"""What the launcher reads: one JSON object a line on stdout. Tables for people go to stderr."""

from __future__ import annotations

import json
import sys


def progress(step: int, of: int, message: str) -> None:
    _line({"event": "progress", "step": step, "of": of, "message": message})


def metric(name: str, value: float) -> None:
    _line({"event": "metric", "name": name, "value": round(float(value), 6)})


def done(model: str, card: str) -> None:
    _line({"event": "done", "model": model, "card": card})


def failed(code: str, message: str, retryable: bool) -> None:
    _line({"event": "failed", "code": code, "message": message, "retryable": retryable})


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def silence() -> None:
    """No more lines on stdout: for commands whose answer is one JSON object."""
    global _silent
    _silent = True


_silent = False


def _line(event: dict[str, object]) -> None:
    if _silent:
        return
    print(json.dumps(event, ensure_ascii=False), flush=True)
