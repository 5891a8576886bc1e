"""Delimited text as columns: `divide`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.checks import count
from penchant.kernels.machine import threads

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def divide(
    text: bytes, delimiter: str, width: int, *, begin: int = 0
) -> list[Int64 | tuple[Int32, list[str]]] | None:
    r"""Lines of delimited text as columns.

    Args:
        text: UTF-8; lines end in a newline, or a return and a newline.
        delimiter: what stands between cells; where it is one character, a cell may stand between
            double quotes.
        width: how many cells a line has, at least 1.
        begin: the byte at which the first line begins.

    Returns:
        For each column int64 ``[n]`` if all its cells are written as integers are (no zeros or
        plus before them, within 64 bits); else the number of each cell, int32 ``[n]``, and the
        distinct cells in order of first appearance. None if a line is empty, has another number
        of cells, or quotes that do anything but enclose a cell.

    >>> numbers, (codes, cells) = divide(b"7,x\n-3,y\n7,x\n", ",", 2)
    >>> numbers.tolist(), codes.tolist(), cells
    ([7, -3, 7], [0, 1, 0], ['x', 'y'])
    >>> divide(b"7,x\n8\n", ",", 2) is None
    True
    """
    width = count("divide", "width", width)
    if not (isinstance(text, bytes) and delimiter and width and 0 <= begin <= len(text)):
        raise UsageError("text must be bytes, delimiter and width at least 1", where="divide")
    columns: list[Int64 | tuple[Int32, list[str]]] | None = _native.divide(
        text, begin, delimiter.encode(), width, threads()
    )
    return columns
