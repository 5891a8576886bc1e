"""Ids as numbers: `encode`, `index`, `lookup`, and text ids packed in one blob."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.checks import array
from penchant.kernels.machine import threads

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
_FOREIGN_ORDER, _NO_TEXT = -2, -3  # said by the native lookup


@dataclass(frozen=True, eq=False)
class Text:
    """Strings as one UTF-8 blob with offsets; nothing else, so it may be memory-mapped.

    Attributes:
        blob: uint8, all strings behind each other.
        offsets: int64 ``[n + 1]``; string r is ``blob[offsets[r]:offsets[r + 1]]``.

    Raises:
        UsageError: offsets that do not fit the blob.

    >>> text = Text.pack(["tea", "", "ü"])
    >>> len(text), text[0], text[2]
    (3, 'tea', 'ü')
    """

    blob: npt.NDArray[np.uint8]
    offsets: Int64

    def __post_init__(self) -> None:
        offsets = array("Text", "offsets", self.offsets, np.int64, (None,))
        object.__setattr__(self, "blob", array("Text", "blob", self.blob, np.uint8, (None,)))
        object.__setattr__(self, "offsets", offsets)
        fits = len(offsets) and offsets[0] >= 0 and offsets[-1] <= len(self.blob)
        if not fits or (offsets[1:] < offsets[:-1]).any():
            raise UsageError("offsets must rise from 0 to the length of the blob", where="Text")

    @classmethod
    def pack(cls, texts: Sequence[str]) -> Text:
        """Pack strings; a lone surrogate is refused, with its position."""
        encoded = []
        for position, text in enumerate(texts):
            try:
                encoded.append(text.encode())
            except UnicodeEncodeError as error:
                raise UsageError(
                    "text must be valid Unicode", where=f"position {position}", got=text
                ) from error
        offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> str:
        if not 0 <= row < len(self):
            raise IndexError(row)
        piece = bytes(self.blob[self.offsets[row] : self.offsets[row + 1]])
        try:
            return piece.decode()
        except UnicodeDecodeError as error:
            raise UsageError("a text is damaged", where=f"Text[{row}]", got=piece) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.many(np.arange(len(self), dtype=np.int32)))

    def many(self, rows: npt.ArrayLike) -> list[str]:
        """Some of the strings.

        >>> Text.pack(["tea", "jam"]).many([1, 0, 1])
        ['jam', 'tea', 'jam']
        """
        wanted = array("Text", "rows", rows, np.int32, (None,))
        try:
            return _native.texts(self.blob, self.offsets, wanted)
        except UnicodeDecodeError as error:
            raise UsageError("a text is damaged", where="Text", got=error.object) from error


def encode(ids: Int64 | Text | Sequence[str]) -> tuple[Int32, Int64]:
    """Number distinct ids in order of first appearance.

    Args:
        ids: int64 ``[n]``, `Text`, or a sequence of str.

    Returns:
        Codes int32 ``[n]``, and the position at which each code appeared first, int64 ``[m]``.

    Raises:
        UsageError: an element is neither, or has a lone surrogate; its position is named.

    >>> [a.tolist() for a in encode(["b", "a", "b"])]
    [[0, 1, 0], [0, 1]]
    """
    codes = np.empty(len(ids), dtype=np.int32)
    if isinstance(ids, Text):
        return codes, _native.encode_blob(ids.blob, ids.offsets, codes, threads())
    if isinstance(ids, np.ndarray) and ids.dtype != object:
        numbers = array("encode", "ids", _exact(ids), np.int64, (None,))
        return codes, _native.encode_numbers(numbers, codes, threads())
    first = _native.encode_texts(_listed(ids), codes, threads())
    if isinstance(first, int):
        raise _no_text("encode", ids, first)
    return codes, first


def index(ids: Int64 | Text) -> Int32:
    """The permutation that sorts ids (numbers by size, text by its bytes), int32 ``[m]``.

    >>> index(np.array([30, 10, 20])).tolist()
    [1, 2, 0]
    """
    order = np.empty(len(ids), dtype=np.int32)
    if isinstance(ids, Text):
        _native.index_texts(ids.blob, ids.offsets, order, threads())
    else:
        numbers = array("index", "ids", _exact(ids), np.int64, (None,))
        _native.index_numbers(numbers, order, threads())
    return order


def lookup(table: Int64 | Text, order: Int32, ids: Int64 | Sequence[str]) -> Int32:
    """The row of each id in a table, by binary search; -1 where it is not there.

    Args:
        table: int64 ``[m]`` or `Text`; may be read-only and memory-mapped.
        order: what `index` gave for it.
        ids: int64 ``[n]`` or a sequence of str, like the table.

    Raises:
        UsageError: ``order`` does not belong to the table, or an id is of another type.

    >>> table = np.array([30, 10])
    >>> lookup(table, index(table), np.array([10, 11])).tolist()
    [1, -1]
    """
    order = array("lookup", "order", order, np.int32, (len(table),))
    rows = np.empty(len(ids), dtype=np.int32)
    if isinstance(table, Text):
        bad = _native.lookup_texts(table.blob, table.offsets, order, _listed(ids), rows, threads())
        if bad >= 0:
            raise _no_text("lookup", ids, bad)
    else:
        known = array("lookup", "table", table, np.int64, (None,))
        asked = array("lookup", "ids", _exact(np.asarray(ids)), np.int64, (None,))
        bad = _native.lookup_numbers(known, order, asked, rows, threads())
    if bad == _FOREIGN_ORDER:
        raise _foreign_order()
    return rows


class Lookup:
    """A table in which one id is looked up at a time, its arrays checked once.

    Args:
        table: int64 ``[m]`` or `Text`; may be read-only and memory-mapped.
        order: what `index` gave for it.

    >>> Lookup(np.array([30, 10]), np.array([1, 0])).row(10)
    1
    """

    def __init__(self, table: Int64 | Text, order: Int32) -> None:
        self._order = array("Lookup", "order", order, np.int32, (len(table),))
        self._text = table if isinstance(table, Text) else None
        if self._text is None:
            self._numbers = array("Lookup", "table", table, np.int64, (None,))

    def row(self, one: Any) -> int:
        """The row of an id, an integer or text like those of the table; -1 if it is not there.

        Raises:
            UsageError: as `lookup`.
        """
        try:
            if self._text is None:
                row = _native.lookup_number(self._numbers, self._order, one)
            else:
                row = _native.lookup_text(self._text.blob, self._text.offsets, self._order, one)
        except TypeError:
            raise UsageError(
                "an id must be of the table's kind, text or a whole number of 64 bits",
                where="lookup",
                got=one,
            ) from None
        if row == _NO_TEXT:
            raise _no_text("lookup", [one], 0)
        if row == _FOREIGN_ORDER:
            raise _foreign_order()
        return row


def _foreign_order() -> UsageError:
    return UsageError("order does not belong to the table", where="lookup")


def _exact(ids: Any) -> Any:
    """The ids, unless turning them into integers would change them."""
    ids = np.asarray(ids)
    if ids.size and ids.dtype.kind not in "iu":
        raise UsageError("ids must be whole numbers or text", where="ids", got=ids.dtype.name)
    return ids.astype(np.int64) if not ids.size else ids


def _listed(ids: Any) -> list[Any]:
    return ids.tolist() if isinstance(ids, np.ndarray) else list(ids)


def _no_text(verb: str, ids: Any, position: int) -> UsageError:
    return UsageError("an id must be valid text", where=f"{verb}[{position}]", got=ids[position])
