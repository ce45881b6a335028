"""report.html: one page that loads nothing, and runs no script."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from soundstage_trainer.run import config as configs
from soundstage_trainer.run import curves
from soundstage_trainer.run.charts import Points, curve_chart, trace_chart, trace_top, waveform
from soundstage_trainer.run.data_uris import png, wav
from soundstage_trainer.run.report import Page, Picture, Row, Sample, Sound, Table, Trace
from soundstage_trainer.run.run import Run

POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
KINDS = ("training", "validation")
MOST_FIGURES_AT_THE_TOP = 3


def page_html(run: Run, card: dict[str, Any], page: Page) -> str:
    """The whole page. card: as it will be written, without hash and size. The curves are read from run.folder/run."""
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    body = "".join(
        [
            _head(run, page), _limits(page.limits), _tables(page.tables), _curves(run.folder / "run"), _samples(page.samples),
            _parameters(run), _made_of(run, card), _measured(card),
        ]
    )  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(page.title)}: {escape(run.recipe)} {escape(run.version)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n{body}</body>\n</html>\n"
    )


def _head(run: Run, page: Page) -> str:
    figures = [told for table in page.tables for row in table.rows if row.kind == "model" for told in _headline(table, row)]
    counts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{_figure(value)}</dd></div>" for name, value in figures[:MOST_FIGURES_AT_THE_TOP]
    )
    took = sum(run.spent_s.values())
    again = f", taken up again {run.resumed} {'time' if run.resumed == 1 else 'times'}" if run.resumed else ""
    return (
        f'<header class="top"><div><p class="eyebrow">Training report · {escape(run.recipe)} {escape(run.version)}</p>'
        f"<h1>{escape(page.title)}</h1><p>Trained for {_duration(took)}{again}; written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. "
        f'Data set <code>{escape(run.dataset_version)}</code>.</p></div><dl class="counts">{counts}</dl></header>\n'
    )


def _headline(table: Table, row: Row) -> list[tuple[str, float]]:
    """The figure that counts most: on test, else on the last of the columns that has one and was not trained on."""
    told = {name: value for name, value in row.values.items() if value is not None and name != "training"}
    if not told:
        return []
    name = "test" if "test" in told else [*told][-1]
    return [(f"{table.metric}, {name}", told[name])]


def _limits(limits: list[str]) -> str:
    if not limits:
        return ""
    items = "".join(f"<li>{escape(limit)}</li>" for limit in limits)
    return f'<section class="limits"><h2>What the figures cannot tell</h2><ul>{items}</ul></section>\n'


def _tables(tables: list[Table]) -> str:
    if not tables:
        return ""
    return f'<h2>Figures</h2>\n<div class="grid-of-cards">{"".join(map(_table, tables))}</div>\n'


def _table(table: Table) -> str:
    columns = list(dict.fromkeys(name for row in table.rows for name in row.values))
    pick = max if table.better == "higher" else min
    best = {
        name: pick(values)
        for name in columns
        if len(values := [value for row in table.rows if (value := row.values.get(name)) is not None]) > 1
    }
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = []
    for row in table.rows:
        cells = ""
        for name in columns:
            value = row.values.get(name)
            shown = "–" if value is None else _figure(value)
            cells += f'<td class="figure{" best" if value is not None and value == best.get(name) else ""}">{shown}</td>'
        rows.append(f'<tr class="{escape(row.kind)}"><th scope="row">{escape(row.method)}</th>{cells}</tr>')
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<section class="card"><h3>{escape(table.metric)} <span class="better">· {escape(table.better)} is better</span></h3>'
        f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{note}</section>"
    )


def _curves(folder: Path) -> str:
    parts = {path.parent.relative_to(folder).as_posix(): _read(path) for path in sorted(folder.rglob(curves.FILE))}
    main = parts.pop(".", {})
    charts = _charts(main, "")
    others = "".join(f"<h3>{escape(name)}</h3>{_charts(lines, name)}" for name, lines in parts.items() if lines)
    if others:
        others = f"<details{'' if charts else ' open'}><summary>Curves of {len(parts)} more trainings of this run</summary>{others}</details>"
    return f"<h2>Curves</h2>\n{charts}{others}\n" if charts or others else ""


def _read(path: Path) -> dict[str, Points]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return curves.series([(row["name"], row["step"], row["value"], 0.0) for row in rows])


def _charts(lines: dict[str, Points], part: str) -> str:
    together: dict[str, dict[str, Points]] = {}
    for name, points in lines.items():
        base, _, kind = name.rpartition(".")
        base, kind = (base, kind) if base and kind in KINDS else (name, "")
        together.setdefault(base, {})[kind] = points
    cards = []
    for base, kinds in together.items():
        legend = "".join(
            f'<span class="{kind}"><i></i>{kind or "value"} {_figure(points[-1][1])}</span>' for kind, points in kinds.items()
        )
        cards.append(
            f'<figure class="card chart"><h3>{escape(base)}</h3><figcaption class="legend">{legend}</figcaption>'
            f"{curve_chart(f'{part} {base}'.strip(), kinds)}</figure>"
        )
    return f'<div class="grid-of-cards">{"".join(cards)}</div>' if cards else ""


def _samples(samples: list[Sample]) -> str:
    if not samples:
        return ""
    return "<h2>Samples</h2>\n" + "".join(map(_sample, samples))


def _sample(sample: Sample) -> str:
    note = f'<p class="note">{escape(sample.note)}</p>' if sample.note else ""
    is_timed = any(isinstance(item, Trace) for item in sample.items)  # then its sounds stand under it, second under second
    items = "".join(_item(item, is_timed) for item in sample.items)
    return f'<section class="sample"><header><h3>{escape(sample.title)}</h3>{note}</header><div class="items">{items}</div></section>\n'


def _item(item: Picture | Sound | Trace, is_timed: bool) -> str:
    scale = f", 0 to {trace_top(item.values, item.threshold):.2g}" if isinstance(item, Trace) else ""
    caption = f"<figcaption>{escape(item.label)}{scale}</figcaption>"
    if isinstance(item, Sound):
        return f'<figure{" class=wide" if is_timed else ""}>{caption}{waveform(item.samples)}<audio controls preload="none" src="{wav(item.samples, item.rate_hz)}"></audio></figure>'
    if isinstance(item, Picture):
        is_heat = item.levels.ndim == 2 and item.colours == "heat"
        source = png(item.levels, least=item.least, most=item.most, colours=item.colours)
        shape = item.levels.shape
        wide = "" if is_heat or shape[1] < 4 * shape[0] else ' class="wide"'
        return (
            f'<figure{wide}>{caption}<img{" class=heat" if is_heat else ""} alt="{escape(item.label)}" src="{source}"></figure>'
        )
    legend = "".join(
        f'<span class="{kind}"><i></i>{words}</span>'
        for kind, words, there in (
            ("true", f"{len(item.true_s)} true", len(item.true_s)), ("found", f"{len(item.found_s)} found", len(item.found_s)),
            ("over", f"threshold {item.threshold:g}" if item.threshold is not None else "", item.threshold is not None),
        ) if there
    )  # fmt: skip
    chart = trace_chart(item.label, item.values, item.rate_hz, item.threshold, item.true_s, item.found_s)
    return f'<figure class="wide">{caption}{chart}<div class="legend">{legend}</div></figure>'


def _parameters(run: Run) -> str:
    told = configs.describe(type(run.config))
    rows = "".join(
        f'<tr class="{"model" if value != told[name]["default"] else ""}"><th scope="row"><code>{escape(name)}</code></th>'
        f'<td class="value">{escape(str(value) if isinstance(value, str) else json.dumps(value)) or "–"}</td><td class="note">{escape(told[name]["does"])}</td></tr>'
        for name, value in configs.as_dict(run.config).items()
    )
    return f'<h2>Parameters</h2>\n<section class="card"><table class="settings"><tbody>{rows}</tbody></table><p class="note">Bold where not the default.</p></section>\n'


def _made_of(run: Run, card: dict[str, Any]) -> str:
    parity = card.get("parity", {})
    rows = {
        "Data set": card.get("dataset"), "Data set version": run.dataset_version, "Code version": card.get("code_version"),
        "Machine": card.get("machine"), "Command": run.command(),
        "PyTorch against onnxruntime": f"at most {parity['max_abs_difference']:g} apart, {parity['tolerance']:g} allowed, on {len(parity['inputs'])} inputs"
        if parity else None,
        "Licence": ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in card.get("licence", {}).items()) or None,
    }  # fmt: skip
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in rows.items() if value)
    return f'<h2>What it was made of</h2>\n<section class="card"><dl class="facts">{items}</dl></section>\n'


def _measured(card: dict[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(str(row["what"]))}</th><td class="figure">{escape(str(row["value"]))}</td>'
        f'<td class="note">{escape(_beside(row))}</td></tr>'
        for row in card.get("measured", [])
    )
    if not rows:
        return ""
    return f'<details><summary>All figures on the card</summary><section class="card"><table><tbody>{rows}</tbody></table></section></details>\n'


def _beside(row: dict[str, Any]) -> str:
    told = []
    if "interval_90" in row:
        told.append("90 %: {}–{}".format(*row["interval_90"]))
    if "pytorch" in row:
        told.append(f"PyTorch: {row['pytorch']}")
    if "comparator" in row:
        told.append(str(row["comparator"]))
    return "; ".join(told)


def _figure(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 0.001 or abs(value) >= 1000 else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
