"""A map as a picture: smooth dots, titles that do not overlap, a legend and what is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.errors import MissingExtraError, ParameterError

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

Float64 = npt.NDArray[np.float64]

SIZES = (200, 5000)  # pixels that a side of the picture may have
_PAPER, _INK, _SOFT = "#fcfcfa", "#1d2026", "#6a6f78"
_USUAL = 1200 * 800  # pixels of the picture that the measures below are for
_LABELS = 40  # titles written at most on the usual picture
_IN_THE_WAY = 60  # dots of this many most liked items are never written over
_LONGEST = 34  # characters of a title


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box, gap: float = 3.0) -> bool:
        """Whether less than a gap is between two boxes."""
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.top < other.bottom + gap
            and other.top < self.bottom + gap
        )

    def within(self, other: Box) -> bool:
        """Whether the whole of this box is inside another."""
        return (
            other.left <= self.left
            and other.top <= self.top
            and self.right <= other.right
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """What is to be drawn.

    Attributes:
        points: ``[n, 2]``; both directions are drawn to the same scale.
        counts: ``[n]``, which the areas of the dots go with.
        titles: of each item.
        names: the groups.
        colours: theirs, ``#rrggbb``.
        group: the group of each item, by number.
        caption: what is said below.
    """

    points: npt.NDArray[np.float32] = field(repr=False)
    counts: npt.NDArray[np.int64] = field(repr=False)
    titles: Sequence[str] = field(repr=False)
    names: Sequence[str]
    colours: Sequence[str]
    group: Sequence[int] = field(repr=False)
    caption: str


def picture(scene: Scene, width: int, height: int) -> Image.Image:
    """The scene as an image of ``width`` by ``height`` pixels.

    Raises:
        ParameterError: a side outside `SIZES`.
        MissingExtraError: Pillow is not installed.
    """
    for name, value in (("width", width), ("height", height)):
        if not (isinstance(value, int | np.integer) and SIZES[0] <= value <= SIZES[1]):
            raise ParameterError(
                f"{name} must be a whole number from {SIZES[0]} to {SIZES[1]}",
                where="to_png",
                got=value,
            )
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("map", "Drawing a picture") from error
    return _drawn(scene, Image.new("RGB", (int(width), int(height)), _PAPER))


def _drawn(scene: Scene, image: Image.Image) -> Image.Image:
    from PIL import ImageDraw

    zoom = np.sqrt(image.width * image.height / _USUAL)
    unit = float(max(zoom, 0.75))  # of words, which must stay legible
    margin, line = 40 * min(unit, 1), 20 * unit
    length = _ruler(ImageDraw.Draw(image), 12 * unit)
    width = image.width - 2 * margin
    rows = _flowed([length(name) + 33 * unit for name in scene.names], width)
    said = _wrapped(scene.caption, lambda words: length(words) <= width)
    foot = image.height - line * (len(said) + 1 + rows[-1][0]) - 16
    keys = [(margin + x, foot + row * line + 8 * unit) for row, x in rows]
    at = _placed(scene.points, Box(margin, margin, image.width - margin, foot - line))
    radii = _radii(scene.counts, float(zoom))
    image = _dotted(scene, image, at, radii, [(x + 5 * unit, y) for x, y in keys], 5 * unit)
    draw = ImageDraw.Draw(image, "RGBA")
    for (x, y), name in zip(keys, scene.names, strict=True):
        _write(draw, (x + 15 * unit, y), name, 12 * unit, _INK)
    for number, words in enumerate(reversed(said)):
        _write(draw, (margin, image.height - 18 - number * line), words, 12 * unit, _SOFT)
    limits = Box(6, 6, image.width - 6, foot - 6)
    for title, box in _labels(scene, at, radii, limits, unit, _ruler(draw, 13 * unit)):
        where = (box.left, (box.top + box.bottom) / 2)
        _write(draw, where, title, 13 * unit, _INK, halo=2 * unit)
    return image


def _dotted(
    scene: Scene,
    image: Image.Image,
    at: Float64,
    radii: Float64,
    keys: list[tuple[float, float]],
    r: float,
) -> Image.Image:
    """Dots of the items and of the legend, drawn larger and then shrunk: smooth edges."""
    from PIL import Image, ImageDraw

    times = 3 if image.width * image.height <= 4 * _USUAL else 2
    large = image.resize((image.width * times, image.height * times))
    draw = ImageDraw.Draw(large, "RGBA")
    for item in np.argsort(-radii, kind="stable"):
        colour = scene.colours[scene.group[item]]
        _dot(draw, at[item] * times, radii[item] * times, f"{colour}b0", "#ffffffa0")
    for key, colour in zip(keys, scene.colours, strict=False):
        _dot(draw, np.array(key) * times, r * times, colour)
    return large.resize(image.size, Image.Resampling.LANCZOS)


def _ruler(draw: ImageDraw.ImageDraw, size: float) -> Callable[[str], float]:
    """How long words are in pixels."""
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    return lambda words: draw.textlength(words, font=font)


def _write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    words: str,
    size: float,
    ink: str,
    halo: float = 0,
) -> None:
    """Words from a point on their left, at half their height."""
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    if halo:
        paper = f"{_PAPER}d0"
        draw.text(at, words, paper, font, anchor="lm", stroke_width=round(halo), stroke_fill=paper)
    draw.text(at, words, ink, font, anchor="lm")


def _dot(
    draw: ImageDraw.ImageDraw, at: Float64, r: float, fill: str, edge: str | None = None
) -> None:
    x, y = at
    draw.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=edge)


def _placed(points: npt.NDArray[np.float32], space: Box) -> Float64:
    """Points in pixels, as large as the space allows with both directions to one scale."""
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    size = np.array([space.right - space.left, space.bottom - space.top])
    scale = float((size / np.maximum(high - low, 1e-9)).min())
    middle = np.array([space.left + space.right, space.top + space.bottom]) / 2
    return np.asarray(middle + (points - (low + high) / 2) * scale * [1, -1])


def _radii(counts: npt.NDArray[np.int64], zoom: float) -> Float64:
    """Radii in pixels whose areas go with popularity; smaller where there are very many."""
    share = counts / max(int(counts.max(initial=1)), 1)
    crowd = float(np.clip(np.sqrt(3000 / max(len(counts), 1)), 0.45, 1))
    return np.asarray((1.8 + 9.0 * np.sqrt(share)) * zoom * crowd)


def _labels(
    scene: Scene,
    at: Float64,
    radii: Float64,
    limits: Box,
    unit: float,
    length: Callable[[str], float],
) -> Iterator[tuple[str, Box]]:
    """Titles of the most liked items and where they stand, without overlap."""
    order = np.argsort(-scene.counts, kind="stable")
    dots = {
        int(i): Box(*(at[i] - radii[i] * 0.8), *(at[i] + radii[i] * 0.8))
        for i in order[:_IN_THE_WAY]
    }
    room = (limits.right - limits.left) * (limits.bottom - limits.top)
    most, taken = max(int(_LABELS * room / (_USUAL * unit**2)), 3), list[Box]()
    for item in order[: 20 * most].tolist():
        if len(taken) == most:
            return
        title = _short(scene.titles[item])
        others = [*taken, *(dot for i, dot in dots.items() if i != item)]
        for box in _beside(at[item], radii[item] + 3 * unit, length(title), 15 * unit):
            if box.within(limits) and not any(box.meets(other) for other in others):
                taken.append(box)
                yield title, box
                break


def _beside(at: Float64, away: float, wide: float, high: float) -> Iterator[Box]:
    """Where the title of a dot may stand: right, left, above, below."""
    x, y = at
    for left, top in (
        (x + away, y - high / 2),
        (x - away - wide, y - high / 2),
        (x - wide / 2, y - away - high),
        (x - wide / 2, y + away),
    ):
        yield Box(left, top, left + wide, top + high)


def _short(title: str) -> str:
    """A title on one line and not too long."""
    line = " ".join(title.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _flowed(lengths: Sequence[float], width: float) -> list[tuple[int, float]]:
    """The row and the start of things set one after another on rows of a width."""
    places, row, x = list[tuple[int, float]](), 0, 0.0
    for length in lengths:
        if x and x + length > width:
            row, x = row + 1, 0.0
        places.append((row, x))
        x += length
    return places


def _wrapped(words: str, fits: Callable[[str], bool]) -> list[str]:
    """Words on as many lines as they need."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and not fits(longer):
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
