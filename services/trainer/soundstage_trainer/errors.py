"""The one error type, and the exit codes that the launcher reads."""

from __future__ import annotations

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 42
EXIT_STOPPED = 75


class SoundstageError(Exception):
    """A sentence that says what is wrong and what to do next.

    code: a short word for programs ("bad_input", "decode_failed", "no_ffmpeg").
    retryable: whether the same call may work later without a change of its input.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
