"""Scores of item vectors and the best of them: `Panels`, `product`, `top_k`, `select`, `hits`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.kernels import _native
from penchant.kernels.checks import array, count, within
from penchant.kernels.machine import threads
from penchant.kernels.rows import Rows, checked

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]


class Panels:
    """Item vectors packed for scoring, once for many calls.

    Args:
        items: ``[I, d]``, finite.
        bias: ``[I]``, added to each item's scores.

    >>> Panels([[1, 0], [0, 1]]).n_items
    2
    """

    def __init__(self, items: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> None:
        v = array("Panels", "items", items, np.float32, (None, None))
        b = None if bias is None else array("Panels", "bias", bias, np.float32, (len(v),))
        self.native = _native.Panels(v, b, threads())
        self.n_items, self.d = v.shape


def product(
    queries: npt.ArrayLike, items: npt.ArrayLike | Panels, bias: npt.ArrayLike | None = None
) -> Float32:
    """``queries · itemsᵀ + bias``, float32 ``[B, I]``.

    Each score is one chain of additions over the components in order: a query alone gets the
    same bytes as in a crowd, and `top_k` the same scores.

    Args:
        queries: ``[B, d]``.
        items: ``[I, d]``, or packed with their bias.
        bias: ``[I]``.

    >>> product([[1, 2]], [[1, 0], [0, 1]], [0, 10]).tolist()
    [[1.0, 12.0]]
    """
    q, panels = _packed("product", queries, items, bias)
    scores = np.empty((len(q), panels.n_items), dtype=np.float32)
    _native.product(panels.native, q, scores, threads())
    return scores


def top_k(
    queries: npt.ArrayLike,
    items: npt.ArrayLike | Panels,
    n: int,
    *,
    bias: npt.ArrayLike | None = None,
    exclude: Rows | None = None,
    allowed: npt.ArrayLike | None = None,
    positive: bool = False,
) -> tuple[Int32, Float32]:
    """The ``n`` best items per query by `product`, without keeping all scores.

    Args:
        queries: ``[B, d]``.
        items: ``[I, d]``, or packed with their bias.
        n: length of each list; may exceed I.
        bias: ``[I]``.
        exclude: per query, items to leave out, ``[B, I]``.
        allowed: bool ``[I]``, the items that may appear.
        positive: only scores above 0.

    Returns:
        Items int32 and scores float32, both ``[B, n]``, by (score descending, item ascending);
        padded with -1 and 0.

    >>> [a.tolist() for a in top_k([[1.0]], [[1.0], [3.0], [2.0]], 2)]
    [[[1, 2]], [[3.0, 2.0]]]
    """
    q, panels = _packed("top_k", queries, items, bias)
    n = count("top_k", "n", n)
    ids, best = _lists(len(q), n)
    _native.top_k(
        panels.native,
        q,
        n,
        _excluded("top_k", exclude, len(q), panels.n_items),
        _mask("top_k", "allowed", allowed, (panels.n_items,)),
        positive,
        ids,
        best,
        threads(),
    )
    return ids, best


def select(
    scores: npt.ArrayLike,
    n: int,
    *,
    exclude: Rows | None = None,
    allowed: npt.ArrayLike | None = None,
    known: npt.ArrayLike | None = None,
) -> tuple[Int32, Float32]:
    """The ``n`` best columns per row of given scores; arguments and order as in `top_k`.

    Args:
        scores: ``[B, I]``.
        n: length of each list.
        exclude: per row, columns to leave out.
        allowed: bool ``[I]``.
        known: bool ``[B, I]``, the scores that count.

    >>> select([[1.0, 3.0, 2.0]], 2, known=[[True, False, True]])[0].tolist()
    [[2, 0]]
    """
    s = array("select", "scores", scores, np.float32, (None, None))
    n = count("select", "n", n)
    ids, best = _lists(len(s), n)
    _native.select(
        s,
        n,
        _excluded("select", exclude, *s.shape),
        _mask("select", "allowed", allowed, (s.shape[1],)),
        _mask("select", "known", known, s.shape),
        ids,
        best,
        threads(),
    )
    return ids, best


def hits(lists: npt.ArrayLike, held: Rows, n_columns: int) -> npt.NDArray[np.bool_]:
    """Which entries of each list are columns of the row beside it, bool ``[B, n]``.

    Args:
        lists: int ``[B, n]``, columns below ``n_columns``; -1 is never a hit.
        held: ``[B, n_columns]``.
        n_columns: how many columns there are.

    >>> hits([[2, 0, -1]], Rows(np.array([0, 2]), np.array([0, 1])), 3).tolist()
    [[False, True, False]]
    """
    n_columns = count("hits", "n_columns", n_columns)
    ids = array("hits", "lists", lists, np.int32, (None, None))
    within("hits", "lists", ids.ravel(), n_columns, low=-1)
    rows = checked("hits", "held", held, n_columns, len(ids))
    out = np.empty(ids.shape, dtype=np.bool_)
    _native.hits(ids, rows, n_columns, out.view(np.uint8), threads())
    return out


def _packed(verb: str, queries: Any, items: Any, bias: Any) -> tuple[Float32, Panels]:
    if isinstance(items, Panels):
        return array(verb, "queries", queries, np.float32, (None, items.d)), items
    v = array(verb, "items", items, np.float32, (None, None))
    q = array(verb, "queries", queries, np.float32, (None, v.shape[1]))
    b = None if bias is None else array(verb, "bias", bias, np.float32, (len(v),))
    return q, Panels(v, b)


def _lists(rows: int, n: int) -> tuple[Int32, Float32]:
    return np.empty((rows, n), dtype=np.int32), np.empty((rows, n), dtype=np.float32)


def _excluded(verb: str, exclude: Rows | None, n_rows: int, n_columns: int) -> Rows | None:
    return None if exclude is None else checked(verb, "exclude", exclude, n_columns, n_rows)


def _mask(verb: str, name: str, mask: Any, shape: tuple[int, ...]) -> npt.NDArray[np.uint8] | None:
    if mask is None:
        return None
    return array(verb, name, np.asarray(mask, dtype=bool), np.bool_, shape).view(np.uint8)
