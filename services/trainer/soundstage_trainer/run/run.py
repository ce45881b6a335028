"""One run of a recipe: where it reads and writes, what it is told, and what it tells."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import math
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import torch

from soundstage_trainer import progress
from soundstage_trainer.card import replace_file
from soundstage_trainer.errors import SoundstageError
from soundstage_trainer.run import config as configs
from soundstage_trainer.run import curves
from soundstage_trainer.run.checkpoint import Checkpoints
from soundstage_trainer.run.config import Config
from soundstage_trainer.run.machine import code_version, machine
from soundstage_trainer.run.precision import Precision, device_of

NOTE = "run.json"


@dataclass
class Run:
    """data: the folder of clips. out: the models folder, the run writes out/recipe/version. models: the folder of the models
    that features come from. cache: where features may be kept by hash. paths: what else the recipe was given, by name.

    A recipe calls begin() once it knows its data, train() (run/train.py) for each training, and finish() at the end.
    """

    recipe: str
    version: str
    config: Config
    out: Path
    checkpoints: Path
    data: Path | None = None
    models: Path | None = None
    cache: Path | None = None
    paths: dict[str, Path] = field(default_factory=dict)
    part_name: str = ""
    message: str = "training"
    steps_before: int = 0
    steps_in_all: int | None = None
    dataset_version: str = ""
    resumed: int = 0
    key: str = ""
    spent_s: dict[str, float] = field(default_factory=dict)  # time in train(), all starts together, by part
    metrics: dict[str, float] = field(default_factory=dict)  # what metric() was told, by name; all parts together
    _curves: curves.Curves | None = field(default=None, init=False, repr=False)
    _held: TextIO | None = field(default=None, init=False, repr=False)

    @property
    def seed(self) -> int:
        return self.config.seed

    @property
    def device(self) -> torch.device:
        return device_of(self.config.device)

    @property
    def folder(self) -> Path:
        """Where the model, its card and its report go."""
        return self.out / self.recipe / self.version

    def precision(self) -> Precision:
        """A new one, with its own scale: one a task."""
        return Precision(self.device, self.config.precision)

    def begin(self, dataset_version: str) -> None:
        """Tell the facts, and take up the run that lies in the folder of checkpoints, if it is this one.

        It is this one where recipe, version, parameters, data set and code are the same. Another one's checkpoints are
        removed. Raises SoundstageError ("busy", retryable) while another process trains with the same folder.
        """
        self.dataset_version = dataset_version
        self.device  # noqa: B018 - refuses a GPU that is not there before anything is written
        self.precision()
        told = [self.recipe, self.version, configs.as_dict(self.config, only_result=True), dataset_version, code_version()]
        self.key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self._lock()
            self._take_up()
        except OSError as cause:
            raise SoundstageError(
                "write_failed", f"Cannot write to {self.checkpoints}: {cause.strerror}; check space and rights.", retryable=True
            ) from cause
        progress.facts(configs.as_dict(self.config), code_version(), machine(self.device), dataset_version, self.resumed)

    def part(self, name: str, message: str, *, steps_before: int = 0, steps_in_all: int | None = None) -> Run:
        """A run inside this one, for recipes that train more than once (folds, a second net): checkpoints and curves of its
        own. message: what its progress says. steps_before, steps_in_all: its place in the count of all steps."""
        return dataclasses.replace(
            self, checkpoints=self.checkpoints / name, part_name=name, message=message, steps_before=steps_before,
            steps_in_all=steps_in_all,
        )  # fmt: skip

    def progress(self, step: int, of: int, message: str | None = None) -> None:
        """Steps of this part, told as steps of the whole where part() was told its place."""
        if self.steps_in_all is None:
            progress.progress(step, of, message or self.message)
        else:
            progress.progress(self.steps_before + step, self.steps_in_all, message or self.message)

    def metric(self, name: str, value: float) -> None:
        """A figure of the result: `f1_50ms.validation`, `mel_error.test`. The card states it too."""
        value = round(float(value), 6)
        if math.isfinite(value):
            self.metrics[name] = value
        progress.metric(name, value)

    def scalar(self, name: str, step: int, value: float) -> None:
        """A point of a curve beyond those that train() draws; only while train() runs this part."""
        if self._curves is None:
            raise RuntimeError("scalar() outside of train()")
        self._curves.add(name, step, value)
        progress.curve(f"{self.part_name}.{name}" if self.part_name else name, step, value)

    def curve(self, name: str) -> list[tuple[int, float]]:
        """The points (step, value) of a curve of this part, once train() was called."""
        return curves.series(self._curves.rows).get(name, []) if self._curves is not None else []

    def command(self) -> str:
        """The command that measures this run's figures, for its card: with the parameters that are not the defaults."""
        kind = type(self.config)
        told = configs.as_dict(self.config, only_result=True)
        changed = {name: value for name, value in told.items() if value != getattr(kind(), name)}
        words = f" --parameters '{json.dumps(changed)}'" if changed else ""
        return f"python -m soundstage_trainer {self.recipe} --data DIR --out DIR{words}"

    def open_curves(self, rows: list[curves.Row]) -> curves.Curves:
        """For train(): the curves of this part, begun anew from rows."""
        self._curves = curves.Curves(self.checkpoints, rows)
        return self._curves

    def store(self) -> Checkpoints:
        """The checkpoints of this part."""
        if not self.key:
            raise RuntimeError("begin() was not called")
        return Checkpoints(self.checkpoints, self.key)

    def card_facts(self) -> dict[str, Any]:
        """What every card tells of the run that made it."""
        return {
            "recipe": self.recipe,
            "parameters": configs.as_dict(self.config),
            "dataset_version": self.dataset_version,
            "code_version": code_version(),
            "machine": machine(self.device),
            "metrics": dict(self.metrics),
        }

    def keep_curves(self) -> None:
        """Copy the curves and event files of every part to folder/run, beside the model."""
        for source in [self.checkpoints, *sorted(path for path in self.checkpoints.iterdir() if path.is_dir())]:
            if not (source / curves.FILE).is_file():
                continue
            target = self.folder / "run" / source.relative_to(self.checkpoints)
            shutil.rmtree(target / curves.EVENTS, ignore_errors=True)
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / curves.FILE, target / curves.FILE)
            shutil.copytree(source / curves.EVENTS, target / curves.EVENTS)

    def _take_up(self) -> None:
        note = self.checkpoints / NOTE
        try:
            content = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = {}
        if content.get("key") == self.key:
            self.resumed = content.get("resumed", 0) + (1 if any(self.checkpoints.rglob("checkpoint-*.json")) else 0)
        else:
            if content:
                progress.say(f"{self.checkpoints} holds checkpoints of another run (settings, data or code): starting anew.")
            for folder in {path.parent for path in self.checkpoints.rglob("*checkpoint-*")}:
                Checkpoints(folder, "").clear()
        replace_file(
            note,
            (json.dumps({"key": self.key, "recipe": self.recipe, "resumed": self.resumed, "at": time.time()}) + "\n").encode(),
        )

    def _lock(self) -> None:
        """Held until the process ends, however it ends; a file system without locks is taken at its word."""
        self._held = open(self.checkpoints / "lock", "w")  # noqa: SIM115 - closing it would give the lock back
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            raise SoundstageError(
                "busy", f"Another process trains with {self.checkpoints}; give other --checkpoints or wait.", retryable=True
            ) from cause
        except OSError:
            pass
