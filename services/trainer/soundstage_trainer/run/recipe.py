"""What a recipe says of itself, and how recipes are found: each file in recipes/ that has a RECIPE is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundstage_trainer import recipes
from soundstage_trainer.run import config

if TYPE_CHECKING:
    from soundstage_trainer.run.run import Run


@dataclass(frozen=True)
class Written:
    """The files that a recipe left, all inside --out."""

    model: Path
    card: Path
    report: Path | None = None


@dataclass(frozen=True)
class Recipe:
    """A recipe either exports (`export(out, data, version, **paths)`) or trains (`train(config, run)`).

    does: one line for the help. needs: which of "data" and the names in paths must be given.
    features: names of the features that clips.jsonl must give it. paths: further files or folders that it reads, name → help. config: the class of its parameters, where it trains.
    version: what it writes by default. threads: CPU threads by default, 0 for all.
    """

    does: str
    export: Callable[..., tuple[Path, Path]] | None = None
    train: Callable[[Any, Run], Written] | None = None
    config: type | None = None
    needs: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    paths: dict[str, str] = field(default_factory=dict)
    version: str = "1"
    threads: int = 1

    def told(self) -> dict[str, Any]:
        """As `recipes --json` lists it."""
        parameters = config.describe(self.config) if self.config else {}
        return {
            "does": self.does, "needs": list(self.needs), "features": list(self.features), "trains": self.train is not None,
            "version": self.version, "parameters": parameters,
        }  # fmt: skip


def find(name: str) -> Recipe | None:
    """The recipe of this name (`-` and `_` are the same); only its own file is imported."""
    module = name.replace("-", "_")
    if module not in _modules():
        return None
    return getattr(importlib.import_module(f"{recipes.__name__}.{module}"), "RECIPE", None)


def every() -> dict[str, Recipe]:
    """All recipes by name."""
    found = {name: find(name) for name in _modules()}
    return {name: recipe for name, recipe in found.items() if recipe is not None}


def _modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(recipes.__path__))
