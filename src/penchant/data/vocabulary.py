"""Outside ids <-> row numbers: the only file where the two meet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.coded import Coded
from penchant.errors import DataError, UntypableError, hint

Id = int | str
Ids = npt.NDArray[np.int64] | list[str] | Coded
_LOW, _HIGH = -(2**63), 2**63 - 1  # of int64
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")  # as an integer is written, and 64 bits can hold
_HINTS = 20_000  # ids searched for a near spelling; more would make a mistake slow


class Vocabulary:
    """All ids of one kind, int64 or text, numbered in order of first appearance.

    Ids are kept as one array of integers, or as one UTF-8 blob with offsets, beside the
    permutation that sorts them; a look-up is a binary search, also over memory-mapped files.

    >>> vocabulary, rows = Vocabulary.encode(["b", "a", "b"])
    >>> rows.tolist(), vocabulary.ids([1, 0])
    ([0, 1, 0], ['a', 'b'])
    >>> vocabulary.rows(["a", "z"]).tolist()
    [1, -1]
    """

    def __init__(
        self,
        table: npt.NDArray[np.int64] | kernels.Text,
        order: npt.NDArray[np.int32] | None = None,
    ) -> None:
        self.table = table
        self.order = kernels.index(table) if order is None else order

    @cached_property
    def _lookup(self) -> kernels.Lookup:
        return kernels.Lookup(self.table, self.order)

    @classmethod
    def encode(cls, ids: Ids) -> tuple[Vocabulary, npt.NDArray[np.int32]]:
        """The vocabulary of settled ids (see `settle_ids`) and the row of each, int32 ``[n]``."""
        if isinstance(ids, Coded):
            return cls(kernels.Text.pack(ids.distinct.tolist())), ids.codes
        codes, first = kernels.encode(ids)
        if isinstance(ids, np.ndarray):
            return cls(ids[first]), codes
        return cls(kernels.Text.pack([ids[position] for position in first])), codes

    @classmethod
    def of(cls, ids: Sequence[Any] | npt.NDArray[Any]) -> Vocabulary:
        """The vocabulary of ids that are all distinct, as they stand in memory."""
        vocabulary, _ = cls.encode(settle_ids(ids)[0])
        if len(vocabulary) != len(ids):
            raise DataError("ids must be distinct", got=f"{len(ids) - len(vocabulary)} repeats")
        return vocabulary

    @property
    def is_text(self) -> bool:
        """Whether the ids are text (else int64)."""
        return isinstance(self.table, kernels.Text)

    def __len__(self) -> int:
        return len(self.table)

    def __contains__(self, one: Any) -> bool:
        return self.row(one) >= 0

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.ids(range(min(3, len(self))))))
        return (
            f"<Vocabulary of {len(self):,} {'text' if self.is_text else 'integer'} ids: {shown}…>"
        )

    def id(self, row: int) -> Id:
        """The id of one row, as it came."""
        one = self.table[row]
        return one if isinstance(one, str) else int(one)

    def ids(self, rows: Iterable[int] | None = None) -> list[Id]:
        """The ids of some rows (default: all), as they came."""
        places = np.arange(len(self), dtype=np.int32) if rows is None else _places(rows)
        if isinstance(self.table, kernels.Text):
            return list(self.table.many(places))
        found: list[Id] = self.table.take(places).tolist()
        return found

    def array(self) -> npt.NDArray[Any]:
        """All ids as one array: int64, or object of str."""
        if isinstance(self.table, kernels.Text):
            return np.array(self.ids(), dtype=object)
        return np.asarray(self.table)

    def row(self, one: Any) -> int:
        """The row of one id, -1 if it is not here."""
        key = _as_text(one) if self.is_text else _as_int(one)
        return -1 if key is None else self._lookup.row(key)

    def rows(self, ids: Iterable[Any]) -> npt.NDArray[np.int32]:
        """The row of each id, int32 ``[n]``, -1 where it is not here.

        The text ``"196"`` finds the integer id 196 and the integer 196 the text ``"196"``:
        command lines and HTTP carry only text.
        """
        ids = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
        if isinstance(self.table, kernels.Text):
            asked: Any = [_as_text(one) for one in ids]
            return kernels.lookup(self.table, self.order, asked)
        numbers = [_as_int(one) for one in ids]
        if None not in numbers:
            return kernels.lookup(self.table, self.order, np.array(numbers, dtype=np.int64))
        asked = np.array([number or 0 for number in numbers], dtype=np.int64)
        found = kernels.lookup(self.table, self.order, asked)
        found[[number is None for number in numbers]] = -1
        return found

    def near(self, one: Any) -> str:
        """A hint at the most similar id, or the empty string."""
        return hint(one, self.ids(range(min(len(self), _HINTS))))

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """What is saved, by name: ``ids``, or ``blob`` and ``offsets``; and ``order``."""
        if isinstance(self.table, kernels.Text):
            parts: dict[str, npt.NDArray[Any]] = {
                "blob": self.table.blob,
                "offsets": self.table.offsets,
                "order": self.order,
            }
        else:
            parts = {"ids": self.table, "order": self.order}
        return {f"{prefix}.{name}": array for name, array in parts.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> Vocabulary:
        """The vocabulary that `arrays` described; its arrays may be memory-mapped."""
        order = arrays[f"{prefix}.order"]
        if f"{prefix}.ids" in arrays:
            return cls(arrays[f"{prefix}.ids"], order)
        return cls(kernels.Text(arrays[f"{prefix}.blob"], arrays[f"{prefix}.offsets"]), order)


def settle_ids(values: Any, *, from_text: bool = False) -> tuple[Ids, str | None]:
    """Ids as int64, a list of str or text that is numbered already, and a note on what was decided.

    Integers stay integers and text stays text. Floats that are whole numbers become integers
    (a frame with gaps makes them so). With ``from_text`` (files) text becomes integers if every
    id survives the round trip: ``"00123"`` does not. A mixed column becomes text.

    Raises:
        UntypableError: an id is neither number nor text.

    >>> settle_ids(["1", "2"], from_text=True)[0].tolist()
    [1, 2]
    >>> settle_ids(["1", "02"], from_text=True)[0]
    ['1', '02']
    >>> settle_ids([1.0, 2.0])[0].tolist(), settle_ids([1, "a"])
    ([1, 2], (['1', 'a'], 'ids mix numbers and text: read as text'))

    """
    if isinstance(values, Coded):
        return _settle_distinct(values, from_text)
    array = np.asarray(values) if not isinstance(values, list) else None
    if array is not None and array.dtype.kind in "iu":
        if array.dtype.kind == "u" and len(array) and int(array.max()) > _HIGH:
            return [str(one) for one in array.tolist()], "ids beyond 64 bits: read as text"
        return array.astype(np.int64, copy=False), None
    if array is not None and array.dtype.kind == "f":
        return _whole_floats(array)
    listed = values if isinstance(values, list) else np.asarray(array).tolist()
    kinds = set(map(type, listed))
    if kinds == {str}:
        return _integers_if_exact(listed) if from_text else listed, None
    return _settle_mixed(listed, kinds)


def _settle_distinct(column: Coded, from_text: bool) -> tuple[Ids, str | None]:
    """Each distinct id settled once."""
    settled, note = settle_ids(column.distinct.tolist(), from_text=from_text)
    if isinstance(settled, np.ndarray):
        return settled[column.codes], note
    once = settled if isinstance(settled, Coded) else Coded.of(settled)
    return Coded(once.codes[column.codes], once.distinct), note


def _settle_mixed(listed: list[Any], kinds: set[type]) -> tuple[Ids, str | None]:
    if not kinds:
        return np.empty(0, dtype=np.int64), None
    if all(issubclass(kind, int | np.integer) and kind is not bool for kind in kinds):
        if all(_LOW <= one <= _HIGH for one in listed):
            return np.array(listed, dtype=np.int64), None
        return [str(one) for one in listed], "ids beyond 64 bits: read as text"
    if all(issubclass(kind, int | float | np.number) and kind is not bool for kind in kinds):
        return _whole_floats(np.array(listed, dtype=np.float64))
    for position, one in enumerate(listed):
        if not isinstance(one, str | int | float | np.generic):
            raise UntypableError(
                "an id must be a whole number or text", where=f"position {position}", got=one
            )
    note = None if kinds <= {str, np.str_} else "ids mix numbers and text: read as text"
    return [_as_text(one) for one in listed], note


def _whole_floats(array: npt.NDArray[Any]) -> tuple[Ids, str | None]:
    if np.isfinite(array).all() and (array == np.floor(array)).all() and (abs(array) < 2**53).all():
        return array.astype(np.int64), None
    if not np.isfinite(array).all():
        at = int(np.argmax(~np.isfinite(array)))
        raise UntypableError(
            "an id must be a whole number or text", where=f"position {at}", got=float(array[at])
        )
    return [_as_text(one) for one in array.tolist()], "ids are fractions: read as text"


def _integers_if_exact(texts: list[str]) -> Ids:
    try:
        numbers = np.array(texts, dtype=object).astype(np.int64)
    except (ValueError, OverflowError):
        return texts
    return numbers if numbers.astype(str).tolist() == texts else texts


def _as_text(one: Any) -> str:
    if isinstance(one, float) and one.is_integer() and abs(one) < 2**53:
        one = int(one)
    return str(one)


def _as_int(one: Any) -> int | None:
    """The 64-bit integer that an asked-for id names, or None."""
    if type(one) is int:
        return one if _LOW <= one <= _HIGH else None
    if isinstance(one, str):
        one = int(one) if _INTEGER.fullmatch(one) else None
    elif isinstance(one, float | np.floating):
        one = int(one) if float(one).is_integer() else None
    if one is None or isinstance(one, bool) or not isinstance(one, int | np.integer):
        return None
    return int(one) if _LOW <= one <= _HIGH else None


def _places(rows: Iterable[int]) -> npt.NDArray[np.int32]:
    if isinstance(rows, np.ndarray):
        return rows.astype(np.int32, copy=False)
    return np.array(list(rows), dtype=np.int32)
