"""report.html: one page that loads nothing."""

from __future__ import annotations

import html
from typing import Any

from soundstage_trainer.run.report import Page
from soundstage_trainer.run.run import Run


def page_html(run: Run, card: dict[str, Any], page: Page) -> str:
    """The whole page. card: as it will be written, without hash and size."""
    return f"<!doctype html><title>{html.escape(page.title)}</title>"
