"""Inline SVG: curves over steps, a trace over time with its marks, a waveform. Colours come from the page's classes."""

from __future__ import annotations

import math
from html import escape

import numpy as np

Points = list[tuple[int, float]]
WIDTH, HEIGHT = 560, 240
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 10, 26
TRACE_WIDTH, TRACE_HEIGHT, MARKS = 1000, 120, 16
SETTLING_SHARE = 0.02  # of the steps: what a curve does there may leave the chart at the top
SMOOTHED_POINTS = 60


def curve_chart(name: str, lines: dict[str, Points]) -> str:
    """lines: training and validation, by what their names end in; steps from 0 on."""
    last = max((points[-1][0] for points in lines.values() if points), default=1)
    low, high = value_range(lines, last)
    x = lambda step: LEFT + (WIDTH - LEFT - RIGHT) * step / max(1, last)  # noqa: E731
    y = lambda value: TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low))  # noqa: E731
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_in_words(name, lines))}">'
        f'<clipPath id="{(clip := "clip-" + _id(name))}"><rect x="{LEFT}" y="{TOP - 3}" width="{WIDTH - LEFT - RIGHT + 4}" height="{HEIGHT - TOP - BOTTOM + 6}"/></clipPath>'
    ]
    for value in ticks(low, high, 5):
        parts.append(
            f'<path class="grid" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/><text class="tick left" x="{LEFT - 7}" y="{y(value) + 3.5:.1f}">{_number(value)}</text>'
        )
    for step in ticks(0, last, 6):
        parts.append(f'<text class="tick" x="{x(step):.1f}" y="{HEIGHT - 8}">{_count(step)}</text>')
    parts.append(f'<g clip-path="url(#{clip})">')
    for kind, points in lines.items():
        drawn = [(x(step), y(value)) for step, value in points]
        if kind == "training" and len(points) > SMOOTHED_POINTS:
            even = smoothed([value for _, value in points])
            parts.append(f'<path class="line raw {kind}" d="{_path(drawn)}"/>')
            drawn = [(x(step), y(value)) for (step, _), value in zip(points, even, strict=True)]
        parts.append(f'<path class="line {escape(kind)}" d="{_path(drawn)}"/>')
        if len(points) <= SMOOTHED_POINTS:
            parts += [f'<circle class="dot {escape(kind)}" cx="{a:.1f}" cy="{b:.1f}" r="2.6"/>' for a, b in drawn]
    parts.append("</g></svg>")
    return "".join(parts)


def value_range(lines: dict[str, Points], last: int) -> tuple[float, float]:
    """What the chart shows: all values but those of the first steps, which may lie far above the rest."""
    settled = [value for points in lines.values() for step, value in points if step >= SETTLING_SHARE * last]
    values = settled or [value for points in lines.values() for _, value in points] or [0.0, 1.0]
    low, high = min(values), max(values)
    if high - low < 1e-12:
        half = abs(high) * 0.1 or 0.5
        return low - half, high + half
    if 0 <= low < 0.4 * high:
        low = 0.0
    return low, high + 0.04 * (high - low)


def smoothed(values: list[float]) -> list[float]:
    """Each value's mean with its neighbours, over a fiftieth of the curve to each side."""
    reach = max(1, len(values) // 50)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    begin, end = np.maximum(0, at - reach), np.minimum(len(values), at + reach + 1)
    return ((sums[end] - sums[begin]) / (end - begin)).tolist()


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers inside low..high, at most so many."""
    span = high - low
    if not span > 0:
        return [low]
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def trace_chart(
    label: str, values: np.ndarray, rate_hz: float, threshold: float | None, true_s: np.ndarray, found_s: np.ndarray
) -> str:  # fmt: skip
    """values from 0 to trace_top over time; true marks hang from the top, found ones stand on the ground."""
    seconds = max(len(values) / rate_hz, 1e-9)
    largest = trace_top(values, threshold)
    x = lambda time_s: TRACE_WIDTH * time_s / seconds  # noqa: E731
    y = lambda value: MARKS + (TRACE_HEIGHT - 2 * MARKS) * (1 - value / largest)  # noqa: E731
    columns = _thinned(values, TRACE_WIDTH)
    ground = TRACE_HEIGHT - MARKS
    area = "".join(f"L{TRACE_WIDTH * i / max(1, len(columns) - 1):.1f} {y(value):.1f}" for i, value in enumerate(columns))
    parts = [
        f'<svg class="trace" viewBox="0 0 {TRACE_WIDTH} {TRACE_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">',
        f'<path class="ground" d="M0 {ground}H{TRACE_WIDTH}"/><path class="wave" d="M0 {ground}{area}L{TRACE_WIDTH} {ground}Z"/>',
    ]
    if threshold is not None:
        parts.append(f'<path class="threshold" d="M0 {y(threshold):.1f}H{TRACE_WIDTH}"/>')
    for kind, marks, begin in (("true", true_s, 0), ("found", found_s, ground)):
        drawn = "".join(f"M{x(time_s):.1f} {begin}v{MARKS}" for time_s in marks)
        if drawn:
            parts.append(f'<path class="mark {kind}" d="{drawn}"/>')
    parts.append("</svg>")
    axis = "".join(
        f'<span style="left:{100 * t / seconds:.2f}%">{t:g} s</span>' for t in ticks(0, seconds, 10) if t < seconds * 0.97
    )
    return f'{"".join(parts)}<div class="axis">{axis}</div>'


def trace_top(values: np.ndarray, threshold: float | None) -> float:
    """Where a trace's chart ends at the top: a little above its largest value, and well above its threshold."""
    return max(1.05 * float(np.max(values, initial=0.0)), 1.5 * (threshold or 0.0), 1e-6)


def waveform(samples: np.ndarray) -> str:
    """The loudest sample of each column, mirrored."""
    columns = np.minimum(1.0, _thinned(np.abs(np.nan_to_num(samples)), 500))
    half = TRACE_HEIGHT / 4
    up = "".join(f"L{i * TRACE_WIDTH / max(1, len(columns) - 1):.1f} {half * (1 - v):.1f}" for i, v in enumerate(columns))
    down = "".join(
        f"L{i * TRACE_WIDTH / max(1, len(columns) - 1):.1f} {half * (1 + v):.1f}" for i, v in reversed(list(enumerate(columns)))
    )
    return (
        f'<svg class="sound" viewBox="0 0 {TRACE_WIDTH} {2 * half:g}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="ground" d="M0 {half:g}H{TRACE_WIDTH}"/><path class="wave" d="M0 {half:g}{up}{down}Z"/></svg>'
    )


def _thinned(values: np.ndarray, columns: int) -> np.ndarray:
    """At most so many values: the largest of each piece."""
    if len(values) <= columns:
        return np.asarray(values, dtype=np.float64)
    edges = np.linspace(0, len(values), columns + 1).astype(int)[:-1]
    return np.maximum.reduceat(np.asarray(values, dtype=np.float64), edges)


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points) if points else ""


def _in_words(name: str, lines: dict[str, Points]) -> str:
    ends = [f"{kind} from {_number(points[0][1])} to {_number(points[-1][1])}" for kind, points in lines.items() if points]
    return f"{name}: {', '.join(ends)}"


def _id(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")


def _count(step: float) -> str:
    return f"{step / 1000:g} k" if step >= 10_000 else f"{step:g}"
