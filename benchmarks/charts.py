"""Charts as plain SVG text: medians on a logarithmic axis, and growth; for light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 11px; fill: #57606a }
  .grid { stroke: #d0d7de }
  .own { fill: #0550ae; stroke: #0550ae }
  .other { fill: #6e7781; stroke: #6e7781 }
  .wrong { fill: none; stroke: #cf222e; stroke-width: 2 }
  .floor { stroke: #9a6700; stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d }
    .own { fill: #58a6ff; stroke: #58a6ff } .other { fill: #9198a1; stroke: #9198a1 }
    .wrong { stroke: #ff7b72 } .floor { stroke: #d29922 }
  }"""
WIDTH, LEFT, RIGHT, ROW = 760, 140, 120, 24


class Dot:
    """A contestant in a panel: its median, spread, and whether it was wrong."""

    def __init__(self, name: str, median: float, low: float, high: float, right: bool) -> None:
        self.name, self.median, self.low, self.high, self.right = name, median, low, high, right


def dots(
    title: str,
    panels: Sequence[tuple[str, Sequence[Dot], float | None]],
    own: str,
    label: Callable[[float], str],
) -> str:
    """One panel per case: a dot for each median, a line for the spread, a dashed floor."""
    values = [v for _, rows, low in panels for d in rows for v in (d.low, d.high)]
    values += [low for _, _, low in panels if low]
    scale, ticks = logarithmic(min(values), max(values), LEFT, WIDTH - RIGHT)
    body, y = [], 34.0
    for name, rows, low in panels:
        body.append(_text(12, y + 12, name, "small"))
        top, y = y + 20, y + 20 + ROW * len(rows) + 4
        body += [_line(scale(tick), top, scale(tick), y, "grid") for tick in ticks]
        if low:
            body.append(_line(scale(low), top, scale(low), y, "floor"))
        for place, dot in enumerate(rows):
            middle, kind = top + ROW * (place + 0.5), "own" if dot.name == own else "other"
            body.append(_text(LEFT - 10, middle + 4, dot.name, anchor="end"))
            body.append(_line(scale(dot.low), middle, scale(dot.high), middle, kind, 2))
            mark = kind if dot.right else "wrong"
            body.append(
                f'<circle cx="{scale(dot.median):.1f}" cy="{middle:.1f}" r="5" class="{mark}"/>'
            )
            says = label(dot.median) + ("" if dot.right else ", wrong")
            body.append(
                _text(max(scale(dot.high), scale(dot.median)) + 10, middle + 4, says, "small")
            )
        body += [_text(scale(tick), y + 13, label(tick), "small", "middle") for tick in ticks]
        y += 24
    notes = "medians, lines from least to most; dashed: the floor; logarithmic; left is faster"
    body.append(_text(12, y + 10, notes, "small"))
    described = "; ".join(
        f"{name}: " + ", ".join(f"{d.name} {label(d.median)}" for d in rows)
        for name, rows, _ in panels
    )
    return svg(title, described, y + 22, body)


def growth(
    title: str,
    panels: Sequence[tuple[str, Sequence[Sequence[float]], float]],
    label: Callable[[float], str],
) -> str:
    """One panel per axis, both scales logarithmic, all with the same range of seconds."""
    side, gap, foot = 132.0, 16.0, 250.0
    seconds = [v for _, points, _ in panels for row in points for v in row[2:4]]
    rise, ticks = logarithmic(min(seconds), max(seconds), foot - 40, 60)
    body = []
    for tick in ticks:
        body.append(_line(70, rise(tick), 70 + len(panels) * (side + gap), rise(tick), "grid"))
        body.append(_text(64, rise(tick) + 4, label(tick), "small", "end"))
    for place, (axis, points, power) in enumerate(panels):
        left = 70 + place * (side + gap)
        scale, _ = logarithmic(points[0][0], points[-1][0], left + 12, left + side - 12)
        path = " ".join(f"{scale(row[0]):.1f},{rise(row[1]):.1f}" for row in points)
        body.append(f'<polyline points="{path}" class="own" style="fill:none;stroke-width:2"/>')
        for row in points:
            body.append(_line(scale(row[0]), rise(row[2]), scale(row[0]), rise(row[3]), "own", 2))
            body.append(
                f'<circle cx="{scale(row[0]):.1f}" cy="{rise(row[1]):.1f}" r="4" class="own"/>'
            )
        for row, anchor in ((points[0], "start"), (points[-1], "end")):
            x = left + 4 if anchor == "start" else left + side - 4
            body.append(_text(x, foot - 20, f"{row[0]:,.0f}", "small", anchor))
        body.append(_text(left + side / 2, foot - 4, axis, anchor="middle"))
        body.append(_text(left + side / 2, 48, f"exponent {power:.2f}", "small", "middle"))
    described = ", ".join(f"{axis}: exponent {power:.2f}" for axis, _, power in panels)
    return svg(title, described, foot + 8, body, 90 + len(panels) * (side + gap))


def logarithmic(
    low: float, high: float, start: float, end: float
) -> tuple[Callable[[float], float], list[float]]:
    """A logarithmic scale and its ticks: whole powers of ten, or 1, 2, 5 where there are few.

    >>> scale, ticks = logarithmic(0.02, 3.0, 0, 100)
    >>> [float(tick) for tick in ticks], round(scale(0.02)), round(scale(3.0))
    ([0.1, 1.0], 0, 100)
    """
    if not 0 < low < high:
        low, high = (low or 1.0) / 1.5, (high or 1.0) * 1.5
    first, last = math.log(low), math.log(high)

    def scale(value: float) -> float:
        return start + (math.log(value) - first) / (last - first) * (end - start)

    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
        ticks = [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]
        if len(ticks) >= 2:
            return scale, ticks
    return scale, [low, high]


def svg(
    title: str, described: str, height: float, body: Sequence[str], width: float = WIDTH
) -> str:
    """A picture with its title, its description for those who do not see it, and its style."""
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    read = 'role="img" aria-labelledby="title about"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {read}>',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="about">{escape(described)}</desc>',
            f"<style>{STYLE}\n</style>",
            _text(12, 20, title),
            *body,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str, width: int = 1) -> str:
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} class="{kind}" stroke-width="{width}"/>'
