"""Figures as inline SVG: latency distributions, lines over the load, quality against time, waterfalls.

Knows shapes, axes and labels. Colours are the page's (`var(--c0)` and so on, text in `currentColor`), so that one
drawing serves light and dark. Does not know where the numbers come from.

A series keeps the colour and the mark of its place among all series, also where some have nothing to show: the same
model looks the same in every figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH = 640
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 12, 42
COLOURS = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A named series of (x, y); `spans` are the intervals of y, where there are some."""

    name: str
    points: tuple[tuple[float, float], ...]
    spans: tuple[tuple[float, float] | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Dot:
    """A named point with the interval of its y."""

    name: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """A named row of a waterfall: (part, from, to) one after the other."""

    name: str
    parts: tuple[tuple[str, float, float], ...]


def distributions(samples: Sequence[tuple[str, Sequence[float]]], unit: str) -> str:
    """A strip for each sample: every value a tick, the middle half a box, the median a line with its number."""
    rows = [
        (series, name, np.sort(np.asarray(values, dtype=float)))
        for series, (name, values) in enumerate(samples)
        if len(values)
    ]
    if not rows:
        return ""
    margin, step = 150, 46
    height = TOP + step * len(rows) + BOTTOM
    most = max(float(values[-1]) for _, _, values in rows) * 1.05 or 1.0
    scale = _scale(0.0, most, margin, WIDTH - RIGHT - 20)
    parts = [_grid_x(0.0, most, scale, TOP, height - BOTTOM, unit)]
    for place, (series, name, values) in enumerate(rows):
        y = TOP + step * place + step / 2
        colour = _colour(series)
        parts.append(_text(margin - 10, y + 4, name, anchor="end", most=20))
        low, middle, high = np.percentile(values, (25, 50, 75))
        for value in _thinned(values):
            x = scale(float(value))
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y + 5:.1f}" y2="{y + 14:.1f}" {colour} opacity=".45"/>')
        width = max(2.0, scale(high) - scale(low))
        parts.append(
            f'<rect x="{scale(low):.1f}" y="{y - 10:.1f}" width="{width:.1f}" height="13" rx="2" '
            f'style="fill:var(--c{series % COLOURS})" opacity=".35"/>'
            f'<line x1="{scale(middle):.1f}" x2="{scale(middle):.1f}" y1="{y - 13:.1f}" y2="{y + 6:.1f}" {colour} '
            f'stroke-width="2.5"/>'
        )
        parts.append(_text(scale(middle) + 5, y - 14, f"{number(middle)} {unit}", size=11))
    return _svg(height, parts, f"Distribution in {unit}: " + "; ".join(name for _, name, _ in rows))


def lines(series: Sequence[Line], x_label: str, y_label: str) -> str:
    """Lines over the load, evenly spaced in x, with the interval of each point."""
    shown = [(place, line) for place, line in enumerate(series) if line.points]
    if not shown:
        return ""
    xs = sorted({x for _, line in shown for x, _ in line.points})
    tops = [y for _, line in shown for _, y in line.points]
    tops += [span[1] for _, line in shown for span in line.spans if span is not None]
    most = max(tops) * 1.1 or 1.0
    height = 320
    left, right = LEFT + 24, WIDTH - 40
    across = {x: left if len(xs) == 1 else left + (right - left) * n / (len(xs) - 1) for n, x in enumerate(xs)}
    up = _scale(0.0, most, height - BOTTOM, TOP + 8)
    parts = [_grid_y(0.0, most, up, LEFT, WIDTH - RIGHT)]
    for x in xs:
        parts.append(_text(across[x], height - BOTTOM + 18, number(x), anchor="middle"))
    parts.append(_text((left + right) / 2, height - 6, x_label, anchor="middle", size=11, soft=True))
    parts.append(_text(LEFT - 4, TOP + 2, y_label, anchor="start", size=11, soft=True))
    for place, line in shown:
        colour = _colour(place)
        path = " ".join(f"{'M' if n == 0 else 'L'}{across[x]:.1f} {up(y):.1f}" for n, (x, y) in enumerate(line.points))
        parts.append(f'<path d="{path}" fill="none" {colour} stroke-width="2.2"{_dash(place)}/>')
        for n, (x, y) in enumerate(line.points):
            span = line.spans[n] if n < len(line.spans) else None
            if span is not None:
                parts.append(
                    f'<line x1="{across[x]:.1f}" x2="{across[x]:.1f}" y1="{up(span[0]):.1f}" y2="{up(span[1]):.1f}" '
                    f'{colour} opacity=".6"/>'
                )
            parts.append(_mark(place, across[x], up(y), f"{line.name}: {number(y)} at {number(x)}"))
    return _svg(height, parts, f"{y_label} over {x_label}")


def scatter(dots: Sequence[Dot | None], x_label: str, y_label: str) -> str:
    """Quality against time: up and to the left is better. Each point carries its name."""
    shown = [(place, dot) for place, dot in enumerate(dots) if dot is not None]
    if not shown:
        return ""
    height = 320
    most = max(dot.x for _, dot in shown) * 1.25 or 1.0
    across = _scale(0.0, most, LEFT, WIDTH - RIGHT)
    up = _scale(0.0, 1.0, height - BOTTOM, TOP + 8)
    parts = [_grid_y(0.0, 1.0, up, LEFT, WIDTH - RIGHT), _grid_x(0.0, most, across, TOP + 8, height - BOTTOM, "")]
    parts.append(_text((LEFT + WIDTH) / 2, height - 6, x_label, anchor="middle", size=11, soft=True))
    parts.append(_text(LEFT - 4, TOP + 2, y_label, anchor="start", size=11, soft=True))
    for place, dot in shown:
        x, y = across(dot.x), up(dot.y)
        if dot.low is not None and dot.high is not None:
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{up(dot.low):.1f}" y2="{up(dot.high):.1f}" {_colour(place)} '
                f'stroke-width="1.5" opacity=".7"/>'
            )
        parts.append(_mark(place, x, y, f"{dot.name}: {dot.y:.2f} in {number(dot.x)}", 6))
        room = x < WIDTH - 170
        parts.append(_text(x + 10 if room else x - 10, y + 4, dot.name, anchor="start" if room else "end", most=24))
    return _svg(height, parts, f"{y_label} against {x_label}")


def waterfall(bars: Sequence[Bar], unit: str) -> str:
    """One row each, its parts end to end, with the length of each part that has room for it."""
    rows = [bar for bar in bars if bar.parts]
    if not rows:
        return ""
    margin, step = 150, 34
    height = TOP + step * len(rows) + BOTTOM
    most = max(end for bar in rows for _, _, end in bar.parts) * 1.05 or 1.0
    scale = _scale(0.0, most, margin, WIDTH - RIGHT - 20)
    kinds = list(dict.fromkeys(name for bar in rows for name, _, _ in bar.parts))
    parts = [_grid_x(0.0, most, scale, TOP, height - BOTTOM, unit)]
    for place, bar in enumerate(rows):
        y = TOP + step * place + 6
        parts.append(_text(margin - 10, y + 15, bar.name, anchor="end", most=20))
        for name, start, end in bar.parts:
            width = max(1.0, scale(end) - scale(start))
            title = escape(f"{name}: {number(end - start)} {unit}")
            parts.append(
                f'<rect x="{scale(start):.1f}" y="{y}" width="{width:.1f}" height="21" rx="2" '
                f'style="fill:var(--w{WATERFALL.index(name)})"><title>{title}</title></rect>'
            )
            label = number(end - start)
            if width > 9 * len(label) + 8:
                parts.append(
                    f'<text x="{scale(start) + width / 2:.1f}" y="{y + 15}" text-anchor="middle" font-size="11" '
                    f'style="fill:var(--on-bar)">{label}</text>'
                )
    return _svg(height, parts, "Waterfall: " + ", ".join(kinds))


WATERFALL = ("queue", "load", "first token", "thinking", "writing")


def number(value: float) -> str:
    """Three figures, without an exponent."""
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def legend_mark(place: int) -> str:
    """The mark of series `place`, for a legend outside the figure."""
    return f'<svg class="key" viewBox="0 0 14 14" aria-hidden="true">{_mark(place, 7, 7, "", 5)}</svg>'


def _svg(height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}" font-size="12" '
        f'fill="currentColor">{"".join(parts)}</svg>'
    )


def _colour(place: int) -> str:
    return f'style="stroke:var(--c{place % COLOURS})"'


def _dash(place: int) -> str:
    """Colour is not enough for everybody: every second line is dashed."""
    return ' stroke-dasharray="6 4"' if place % 2 else ""


def _mark(place: int, x: float, y: float, title: str, r: float = 4.5) -> str:
    """A circle, a square, a triangle or a diamond, by turns."""
    style = f'style="fill:var(--c{place % COLOURS})"'
    inner = f"<title>{escape(title)}</title>" if title else ""
    kind = place % 4
    if kind == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" {style}>{inner}</circle>'
    if kind == 1:
        return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}" {style}>{inner}</rect>'
    if kind == 2:
        points = f"{x:.1f},{y - r - 1:.1f} {x + r + 1:.1f},{y + r:.1f} {x - r - 1:.1f},{y + r:.1f}"
    else:
        points = f"{x:.1f},{y - r - 1:.1f} {x + r + 1:.1f},{y:.1f} {x:.1f},{y + r + 1:.1f} {x - r - 1:.1f},{y:.1f}"
    return f'<polygon points="{points}" {style}>{inner}</polygon>'


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    factor = (end - start) / (high - low)
    return lambda value: start + (value - low) * factor


def _ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers between `low` and `high`."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    first = math.ceil(low / step) * step
    return [first + step * n for n in range(int((high - first) / step + 1e-9) + 1)]


def _grid_x(low: float, high: float, scale: Callable[[float], float], top: float, bottom: float, unit: str) -> str:
    parts = []
    for tick in _ticks(low, high):
        x = scale(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>')
        parts.append(_text(x, bottom + 18, f"{number(tick)}{f' {unit}' if unit else ''}", anchor="middle", size=11))
    return "".join(parts)


def _grid_y(low: float, high: float, scale: Callable[[float], float], left: float, right: float) -> str:
    parts = []
    for tick in _ticks(low, high):
        y = scale(tick)
        parts.append(f'<line class="grid" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(left - 8, y + 4, number(tick), anchor="end", size=11))
    return "".join(parts)


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, soft: bool = False, most: int = 60
) -> str:
    # Names of models differ in their ends as often as in their beginnings.
    shown = text if len(text) <= most else f"{text[: most * 3 // 5]}…{text[1 - most * 2 // 5 :]}"
    full = f"<title>{escape(text)}</title>" if shown != text else ""
    fade = ' opacity=".7"' if soft else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{fade}>{full}{escape(shown)}</text>'


def _thinned(values: np.ndarray) -> np.ndarray:
    """At most 300 of the values, spread over all of them, the extremes included."""
    if len(values) <= 300:
        return values
    chosen: np.ndarray = values[np.linspace(0, len(values) - 1, 300).astype(int)]
    return chosen
