"""The loop around a task: steps, validation, curves, checkpoints; killed and started again it draws the same curve."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch

from soundstage_trainer import progress, stop
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.run.curves import Window
from soundstage_trainer.run.run import Run

LARGEST_SHARE = 0.05  # of the time may go into checkpoints after validations
MOST_LOST_STEPS = 10  # steps in a row whose loss is no number, after which there is no way back


class Task(Protocol):
    """What is trained. Everything that the next step needs is in state(), or follows from the seed and n.

    Batches are drawn from np.random.default_rng([seed, n]). PyTorch's own generators (dropout) are kept by train().
    """

    steps: int
    validate_every: int

    def step(self, n: int) -> dict[str, float]:
        """Optimisation step n, from 0. Returns what to draw: {"loss": 0.3} is drawn as `loss.training`."""
        ...

    def validate(self, n: int) -> dict[str, float]:
        """Figures after n steps, drawn as `NAME.validation`; may be {}. It may keep the best weights, but changes nothing that
        a later step sees, and may be asked twice for the same n: a stop breaks it off."""
        ...

    def state(self) -> dict[str, Any]:
        """Tensors, numbers, words, lists and dicts of them."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Go back to state, whose tensors lie on the CPU."""
        ...


def train(task: Task, run: Run) -> dict[str, float]:
    """Bring task to its last step, from the newest checkpoint on where there is one. Returns the last validation's figures.

    Raises Stopped (stop.py) on SIGTERM after a checkpoint, SoundstageError ("diverged") where the loss is no number.
    """
    return _Loop(task, run).run_to_the_end()


class _Loop:
    def __init__(self, task: Task, run: Run) -> None:
        self.task, self.run, self.store = task, run, run.store()
        self.n, self.validated, self.figures, self.lost = 0, -1, {}, 0
        self.window = Window(task.steps)
        torch.manual_seed(run.seed)
        saved = self.store.newest()
        if saved is not None:
            task.load(saved["task"])
            self.n, self.validated, self.figures, self.lost = (saved[key] for key in ("step", "validated", "figures", "lost"))
            self.window.sums = saved["window"]
            _set_generators(saved["generators"])
            progress.say(f"{run.message}: going on from step {self.n} of {task.steps}.")
        self.curves = run.open_curves(saved["rows"] if saved is not None else [])
        self.saved = (self.n, self.validated) if saved is not None else None
        self.saved_at_s, self.saving_s = time.monotonic(), 0.0
        self.spent_s = saved["spent_s"] if saved is not None else 0.0
        self.began_s = time.monotonic()

    def run_to_the_end(self) -> dict[str, float]:
        every = max(1, self.task.validate_every)
        try:
            with stop.held():
                while True:
                    if self.n != self.validated and (self.n == self.task.steps or (self.n and self.n % every == 0)):
                        self._validate()
                    if self.n >= self.task.steps:
                        break
                    self._step()
                    if stop.asked() or self._minutes_passed():
                        self._save()
                    stop.check()
                self._save()
        except stop.Stopped:
            self._save()
            raise
        finally:
            self.run.spent_s[self.run.part_name] = self.spent_s + time.monotonic() - self.began_s
            progress.flush()
            self.curves.close()
        return self.figures

    def _step(self) -> None:
        values = self.task.step(self.n)
        self.n += 1
        self.lost = 0 if all(math.isfinite(value) for value in values.values()) else self.lost + 1
        if self.lost >= MOST_LOST_STEPS:
            raise SoundstageError("diverged", f"The loss is no number since step {self.n - self.lost}; lower the learning rate.")
        self.window.add(values)
        if self.n % self.window.length == 0 or self.n == self.task.steps:
            for name, value in self.window.take().items():
                self.run.scalar(f"{name}.training", self.n, value)
        self.run.progress(self.n, self.task.steps)

    def _validate(self) -> None:
        begin_s = time.monotonic()
        with stop.released(), _generators_kept():
            figures = self.task.validate(self.n)
        self.figures, self.validated = {name: float(value) for name, value in figures.items()}, self.n
        for name, value in self.figures.items():
            self.run.scalar(f"{name}.validation", self.n, value)
        # The first one always; later ones as long as they take little of the time.
        if self.saved is None or begin_s - self.saved_at_s >= self.saving_s / LARGEST_SHARE:
            self._save()

    def _minutes_passed(self) -> bool:
        return time.monotonic() - self.saved_at_s >= 60 * self.run.config.checkpoint_minutes

    def _save(self) -> None:
        if self.saved == (self.n, self.validated):
            return
        begin_s = time.monotonic()
        self.store.write(
            self.n,
            {
                "step": self.n, "validated": self.validated, "figures": self.figures, "lost": self.lost,
                "window": self.window.sums, "spent_s": self.spent_s + begin_s - self.began_s, "rows": self.curves.rows, "generators": _generators(), "task": self.task.state(),
            },
        )  # fmt: skip
        self.saved, self.saved_at_s = (self.n, self.validated), time.monotonic()
        self.saving_s = self.saved_at_s - begin_s


def _generators() -> dict[str, Any]:
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "gpus": gpus}


def _set_generators(kept: dict[str, Any]) -> None:
    torch.set_rng_state(kept["cpu"])
    if torch.cuda.is_available() and len(kept["gpus"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(kept["gpus"])


@contextmanager
def _generators_kept() -> Iterator[None]:
    kept = _generators()
    try:
        yield
    finally:
        _set_generators(kept)
