"""The page of a run: what came out, how it went, what to look at and listen to, and what it was made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from soundstage_trainer import card as cards
from soundstage_trainer.run.recipe import Written
from soundstage_trainer.run.run import Run


@dataclass(frozen=True)
class Row:
    """One method's figures, by column: {"validation": 0.31, "test": 0.29}. kind: model or comparator."""

    method: str
    values: dict[str, float | None]
    kind: str = "model"


@dataclass(frozen=True)
class Table:
    """One metric, the model beside its comparators. better: "higher" or "lower"."""

    metric: str
    better: str
    rows: list[Row]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """levels: float [rows, columns], low to high as dark to bright, row 0 at the top; or uint8 [rows, columns, 3].

    colours: "heat", or "grey" for what a camera saw. least, most: what is darkest and brightest; of levels where None.
    """

    label: str
    levels: np.ndarray
    least: float | None = None
    most: float | None = None
    colours: str = "heat"


def mel_picture(label: str, mel: np.ndarray, least: float = 0.0, most: float = 1.0) -> Picture:
    """mel [hops, bands] as people look at it: time to the right, pitch upwards."""
    return Picture(label, mel.T[::-1], least, most)


@dataclass(frozen=True)
class Sound:
    """samples: float [samples], −1..1."""

    label: str
    samples: np.ndarray
    rate_hz: int


@dataclass(frozen=True)
class Trace:
    """A curve over time with a threshold, and marks: what is true and what was found."""

    label: str
    values: np.ndarray
    rate_hz: float
    threshold: float | None = None
    true_s: np.ndarray = field(default_factory=lambda: np.zeros(0))
    found_s: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Sample:
    """Things that belong together, shown in this order."""

    title: str
    items: list[Picture | Sound | Trace]
    note: str = ""


@dataclass(frozen=True)
class Page:
    """title: a line on what was made. limits: what the figures cannot tell, in honest sentences."""

    title: str
    tables: list[Table] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)


def finish(run: Run, model: onnx.ModelProto, card: dict[str, Any], page: Page, labels: list[str] | None = None) -> Written:
    """Write report.html and the curves, then model and card (last). The card gets run.card_facts() and the page's limits."""
    from soundstage_trainer.run.page import page_html

    told = {**run.card_facts(), **card}
    if page.limits:
        told.setdefault("limits", page.limits)
    run.folder.mkdir(parents=True, exist_ok=True)
    run.keep_curves()
    report = run.folder / "report.html"
    cards.replace_file(report, page_html(run, told, page).encode())
    written = cards.write_model(run.folder, model, told, labels)
    return Written(*written, report)
