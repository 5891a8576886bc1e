"""`FoldIn`: people's vectors solved from their histories, and ranked in the same breath."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.kernels import _native
from penchant.kernels.checks import array, count, on_lines
from penchant.kernels.factors import narrow, solved
from penchant.kernels.machine import threads
from penchant.kernels.rows import Rows, checked
from penchant.kernels.scores import Panels, _excluded, _lists, _mask

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
_DONE = -1  # said by the native solve


class FoldIn:
    """Item vectors that histories are solved against, checked and packed once for many calls.

    The exact solution of `solve_rows` with ``c_r = max(n_r + pull, 1)^frequency`` for a row of n_r
    entries, and the list that `top_k` makes of it. The arrays are used as they are; they must not
    change afterwards.

    Args:
        items: v, ``[I, d]``, d at most 1,024.
        ridge: ``[d]``.
        gram: G, ``[d, d]`` symmetric.
        bias: ``[I]``, added to each item's scores; the solve does not look at it.
        frequency: how damping grows with the length of a row.
        pull: what counts as length for every row, at least 0.

    >>> fold = FoldIn([[1.0], [2.0], [3.0]], [1.0])
    >>> liked = Rows(np.array([0, 1]), np.array([0]))
    >>> fold.best(liked, 2, exclude=liked)[0].tolist()
    [[2, 1]]
    """

    def __init__(
        self,
        items: npt.ArrayLike,
        ridge: npt.ArrayLike,
        *,
        gram: npt.ArrayLike | None = None,
        bias: npt.ArrayLike | None = None,
        frequency: float = 0.0,
        pull: float = 0.0,
    ) -> None:
        v = array("FoldIn", "items", items, np.float32, (None, None))
        d = narrow("FoldIn", v)
        self.panels = Panels(v, bias)
        self.native = _native.FoldIn(
            self.panels.native,
            v,
            array("FoldIn", "ridge", ridge, np.float32, (d,)),
            None if gram is None else array("FoldIn", "gram", gram, np.float32, (d, d)),
            float(frequency),
            float(pull),
        )

    def solve(self, rows: Rows, targets: npt.ArrayLike | None = None) -> Float32:
        """The vector of each row, float32 ``[R, d]``; arguments and errors of `solve_rows`."""
        rows, t = self._settled(rows, targets)
        out = on_lines((rows.n_rows, self.panels.d))
        bad = self.native.solve(rows, t, out, threads())
        return solved("FoldIn", bad, out)

    def best(
        self,
        rows: Rows,
        n: int,
        *,
        targets: npt.ArrayLike | None = None,
        exclude: Rows | None = None,
        allowed: npt.ArrayLike | None = None,
        positive: bool = False,
    ) -> tuple[Int32, Float32]:
        """The `top_k` of the vectors of `solve`, the same bytes; arguments and errors of both."""
        rows, t = self._settled(rows, targets)
        size = self.panels.n_items
        out = exclude
        if out is not None and not (out.indptr is rows.indptr and out.indices is rows.indices):
            out = _excluded("FoldIn", out, rows.n_rows, size)  # else it was looked at already
        mask = _mask("FoldIn", "allowed", allowed, (size,))
        n = count("FoldIn", "n", n)
        ids, scores = _lists(rows.n_rows, n)
        if self.native.best(rows, t, n, out, mask, positive, ids, scores, threads()) != _DONE:
            self.solve(rows, t)  # complains
        return ids, scores

    def _settled(self, rows: Rows, targets: npt.ArrayLike | None) -> tuple[Rows, Float32 | None]:
        rows = checked("FoldIn", "rows", rows, self.panels.n_items)
        if targets is None:
            return rows, None
        return rows, array("FoldIn", "targets", targets, np.float32, rows.indices.shape)
