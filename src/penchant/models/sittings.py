"""Sittings: stretches of a history that a fit sees as rows of their own, and what rows weigh."""

from __future__ import annotations

import numpy as np

from penchant.data.histories import Float32, Histories, Int64


def sittings(
    h: Histories, window: int | None, nearness: float, balance: float
) -> tuple[Histories, Float32]:
    """Histories and their stretches below each other, float32 ``[R]`` weights beside them.

    What somebody met close together says more of what goes together than what lies months apart.
    So every history is also cut into stretches of ``window`` events, twice, the second time half a
    stretch later. A person of n events weighs ``w ∝ n^−balance``, with ``Σ w n = Σ n``: the history
    carries ``1 − nearness`` of it and each cutting half of ``nearness``, so that two events count
    together by ``w (1 − nearness)``, and by up to ``w`` where they lie side by side. Without a
    window only the balance counts. Events are in the order of (time, source row).

    >>> rows, weights = sittings(Histories.of([[0, 1, 2]], n_items=3), 2, 0.5, 0.0)
    >>> rows.indptr.tolist(), rows.items.tolist(), weights.tolist()
    ([0, 3, 5, 6, 7, 9], [0, 1, 2, 0, 1, 2, 0, 1, 2], [0.5, 0.25, 0.25, 0.25, 0.25])
    """
    weights = _balanced(h, balance)
    if window is None:
        return h, weights
    cuts = [_cut(h, window, shift) for shift in (0, window // 2)]
    starts = [h.indptr[:-1], *cuts]
    entries = np.concatenate([start + k * len(h.items) for k, start in enumerate(starts)])
    indptr = np.concatenate([entries, [3 * len(h.items)]]).astype(np.int64)
    owners = h.owners
    parts = [(1 - nearness) * weights, *(nearness / 2 * weights[owners[cut]] for cut in cuts)]
    whole = Histories(indptr, np.tile(h.items, 3), np.tile(h.values, 3), h.n_items)
    return whole, np.concatenate(parts).astype(np.float32)


def _cut(h: Histories, window: int, shift: int) -> Int64:
    """The entries at which a person's next stretch begins; the first is ``shift`` shorter."""
    owners = h.owners
    place = np.arange(len(owners)) - h.indptr[owners]
    return np.flatnonzero((place == 0) | ((place + shift) % window == 0))


def _balanced(h: Histories, balance: float) -> Float32:
    """``n^−balance`` of each person, scaled to mean 1 over events."""
    weights = np.maximum(h.counts, 1) ** -balance
    total = float(weights @ h.counts) or 1.0
    return (weights * (len(h.items) / total)).astype(np.float32)
