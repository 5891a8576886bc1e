"""A comparison as a picture: each model's figure with its interval, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_LEFT, _WIDTH, _ROW, _TOP, _RIGHT = 260, 420, 26, 44, 90
_FONT = {"font-family": "system-ui, sans-serif", "font-size": "13"}
_INK, _QUIET, _BEST = "#1f2933", "#9aa5b1", "#0b7285"


class Bar(NamedTuple):
    """One line of the picture: a figure and how far it may be off."""

    label: str
    value: float
    margin: float
    quiet: bool


def chart(title: str, bars: Sequence[Bar], best: str) -> str:
    """Dots with whiskers, one line each, as an SVG document that needs nothing else.

    Args:
        title: what the figures are.
        bars: in the order shown.
        best: the label of the line set apart.

    >>> chart("ndcg@10", [Bar("ease", 0.4, 0.01, False)], "ease").count("<circle")
    1
    """
    low = min(bar.value - bar.margin for bar in bars)
    high = max(bar.value + bar.margin for bar in bars)
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return _LEFT + (value - low) / span * _WIDTH

    height = _TOP + _ROW * len(bars) + 16
    box = f"0 0 {_LEFT + _WIDTH + _RIGHT} {height}"
    lines = [
        _tag("svg", xmlns="http://www.w3.org/2000/svg", viewBox=box, role="img", **_FONT),
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="12" y="24" font-weight="600" fill="{_INK}">{escape(title)}</text>',
    ]
    for row, bar in enumerate(bars):
        y = _TOP + _ROW * row + _ROW / 2
        colour = _BEST if bar.label == best else _QUIET if bar.quiet else _INK
        ends = {"x1": x(bar.value - bar.margin), "x2": x(bar.value + bar.margin)}
        name = _tag("text", x=_LEFT - 14, y=y + 4, fill=colour, **{"text-anchor": "end"})
        lines += [
            f"{name}{escape(_short(bar.label))}</text>",
            _tag("line", **ends, y1=y, y2=y, stroke=colour, **{"stroke-width": 2}) + "</line>",
            _tag("circle", cx=x(bar.value), cy=y, r=4.5, fill=colour) + "</circle>",
            _tag("text", x=_LEFT + _WIDTH + 14, y=y + 4, fill=colour) + f"{bar.value:.4f}</text>",
        ]
    return "\n".join([*lines, "</svg>", ""])


def _tag(name: str, **attributes: str | float) -> str:
    written = (
        f'{key}="{one:.5g}"' if isinstance(one, float) else f'{key}="{one}"'
        for key, one in attributes.items()
    )
    return f"<{name} {' '.join(written)}>"


def _short(label: str, most: int = 38) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"
