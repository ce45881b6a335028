"""A run small enough to be killed many times in a test, in processes that start in no time."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # the first optimiser imports it: two seconds a process, if not before the fork

from soundstage_trainer import cli, stop
from soundstage_trainer.run import Config, Recipe, Run, Written, setting, train
from soundstage_trainer.run import config as configs
from soundstage_trainer.run import recipe as recipes

# Forked from a process that has imported PyTorch already, and has run nothing yet.
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["small_run", "soundstage_trainer.recipes.onset", "tensorboardX"])


@dataclass(frozen=True)
class SmallConfig(Config):
    steps: int = setting(240, "steps", least=1)
    step_ms: float = setting(3.0, "how long a step takes", least=0)
    validation_s: float = setting(0.0, "how long a validation takes", least=0)
    lost_at: int = setting(-1, "the loss is no number from here on")


class SmallTask:
    """Learns the product of four numbers, badly: with dropout, momentum and batches that are all drawn anew."""

    validate_every = 40

    def __init__(self, config: SmallConfig, run: Run) -> None:
        torch.manual_seed(config.seed)
        torch.set_num_threads(1)
        self.config, self.steps, self.precision = config, config.steps, run.precision()
        self.net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.3), torch.nn.ReLU(), torch.nn.Linear(8, 1))
        self.optimiser = torch.optim.AdamW(self.net.parameters(), 1e-2)

    def batch(self, n: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.from_numpy(np.random.default_rng([self.config.seed, n]).normal(size=(size, 4)).astype(np.float32))
        return x, x.prod(1, keepdim=True)

    def step(self, n: int) -> dict[str, float]:
        time.sleep(self.config.step_ms / 1000)
        self.net.train()
        x, y = self.batch(n, 16)
        loss = ((self.net(x) - y) ** 2).mean()
        self.precision.step(loss, self.optimiser, self.net.parameters(), clip_norm=1.0)
        return {"loss": float("nan") if 0 <= self.config.lost_at <= n else float(loss.detach())}

    def validate(self, n: int) -> dict[str, float]:
        time.sleep(self.config.validation_s)
        self.net.eval()
        torch.rand(7)  # a validation may draw: later steps must not notice
        x, y = self.batch(10**6, 64)
        with torch.inference_mode():
            return {"loss": float(((self.net(x) - y) ** 2).mean())}

    def state(self) -> dict[str, Any]:
        return {"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(), "precision": self.precision.state()}

    def load(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.precision.load(state["precision"])


def train_small(config: SmallConfig, run: Run) -> Written:
    run.begin("small")
    figures = train(SmallTask(config, run), run)
    run.metric("loss.validation", figures["loss"])
    return Written(run.folder / "model.onnx", run.folder / "card.json")


def new_run(folder: Path, version: str = "1", **settings: object) -> Run:
    """A run inside the test's own process."""
    return Run("small", version, configs.read(SmallConfig, settings), folder / "out", folder / "kept")


def command_line(log: Path, arguments: list[str]) -> None:
    """The command line as a process runs it, stdout and stderr to log; the recipe `small` is known."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    find = recipes.find
    small = Recipe(does="a test", train=train_small, config=SmallConfig)
    recipes.find = lambda name: small if name == "small" else find(name)
    os._exit(_end_of(arguments))


def _end_of(arguments: list[str]) -> int:
    stop.listen()
    try:
        return cli.main(arguments)
    except Exception:  # noqa: BLE001 - as the interpreter ends on one
        import traceback

        traceback.print_exc()
        return 1


def start(log: Path, *arguments: object) -> multiprocessing.Process:
    process = FORKED.Process(target=command_line, args=(log, [str(argument) for argument in arguments]))
    process.start()
    return process
