"""SIGTERM: finish the step at hand, keep a checkpoint, and leave with exit code 75, all within 10 seconds."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

from soundstage_trainer.errors import EXIT_STOPPED

PATIENCE_S = 9.0


class Stopped(BaseException):
    """Raised where the process was told to stop; no Exception, so that nothing takes it for a failure."""


_asked = False
_held = False


def listen() -> None:
    """From now on SIGTERM and SIGINT end the run as this module says. Only the main thread may call it.

    Where a step outlasts PATIENCE_S, the process leaves all the same: the newest checkpoint is then what is kept. A thread
    sees to it, as a handler in Python waits for the step.
    """
    global _asked, _held
    _asked = _held = False
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _on_signal)
    threading.Thread(target=_watch, args=(heard,), daemon=True).start()


def asked() -> bool:
    return _asked


def check() -> None:
    """Raises Stopped where the process was told to stop."""
    if _asked:
        raise Stopped


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Inside, a signal only makes asked() true; whoever holds asks often, and calls check()."""
    yield from _while_held(True)


@contextlib.contextmanager
def released() -> Iterator[None]:
    """Inside, a signal raises Stopped at once, as it does outside held()."""
    check()
    yield from _while_held(False)


def _while_held(value: bool) -> Iterator[None]:
    global _held
    before, _held = _held, value
    try:
        yield
    finally:
        _held = before


def _on_signal(number: int, frame: object) -> None:
    global _asked
    _asked = True
    if not _held:
        raise Stopped


def _watch(heard: int) -> None:
    while True:
        if set(os.read(heard, 64)) & {signal.SIGTERM, signal.SIGINT}:
            threading.Event().wait(PATIENCE_S)
            os._exit(EXIT_STOPPED)
