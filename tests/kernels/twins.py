"""A slow, plain NumPy twin of every kernel."""

from __future__ import annotations

import re

import numpy as np

from penchant.kernels import Rows


def dense(rows: Rows, n_columns: int) -> np.ndarray:
    out = np.zeros((rows.n_rows, n_columns))
    values = np.ones(len(rows.indices)) if rows.values is None else rows.values
    for r in range(rows.n_rows):
        for e in range(rows.indptr[r], rows.indptr[r + 1]):
            out[r, rows.indices[e]] += values[e]
    return out


def encode(ids) -> tuple[list[int], list[int]]:
    seen: dict = {}
    for position, one in enumerate(ids):
        seen.setdefault(one, position)
    number = {one: code for code, one in enumerate(seen)}
    return [number[one] for one in ids], list(seen.values())


def divide(text: str, delimiter: str, width: int) -> list | None:
    rows = [line.split(delimiter) for line in text.split("\n")]
    rows = rows[:-1] if rows[-1] == [""] else rows
    if any(row == [""] or len(row) != width for row in rows):
        return None
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * width
    integers = [
        all(re.fullmatch("0|-?[1-9][0-9]*", cell) and abs(int(cell)) < 2**63 for cell in column)
        for column in columns
    ]
    return [
        [int(cell) for cell in column] if whole else column
        for column, whole in zip(columns, integers, strict=True)
    ]


def csr(rows, n_rows: int, times=None) -> tuple[list[int], list[int]]:
    when = [0] * len(rows) if times is None else times
    order = sorted(range(len(rows)), key=lambda e: (rows[e], when[e], e))
    counts = [sum(1 for row in rows if row == r) for r in range(n_rows)]
    return [0, *np.cumsum(counts).tolist()], order


def deciding(rows: Rows, last: bool) -> list[bool]:
    values = np.ones(len(rows.indices)) if rows.values is None else rows.values
    mask = [False] * len(rows.indices)
    for r in range(rows.n_rows):
        entries = range(rows.indptr[r], rows.indptr[r + 1])
        for column in {rows.indices[e] for e in entries}:
            mine = [e for e in entries if rows.indices[e] == column]
            opinion = next((np.sign(values[e]) for e in reversed(mine) if values[e]), 0)
            agreeing = [e for e in mine if np.sign(values[e]) == opinion]
            mask[mine[-1] if last else agreeing[0]] = True
    return mask


def best(scores: np.ndarray, n: int, eligible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By a full sort: score descending, then column ascending."""
    ids = np.full((len(scores), n), -1)
    out = np.zeros((len(scores), n), dtype=np.float32)
    for row, (score, may) in enumerate(zip(scores, eligible, strict=True)):
        order = sorted(np.flatnonzero(may), key=lambda column: (-score[column], column))[:n]
        ids[row, : len(order)] = order
        out[row, : len(order)] = score[order]
    return ids, out


def similarity(a: np.ndarray, b: np.ndarray, measure: str, shrink: float) -> float:
    """Of two dense rows."""
    both = (a != 0) & (b != 0)
    m = both.sum()
    if measure == "jaccard":
        below = (a != 0).sum() + (b != 0).sum() - m + shrink
        return m / below if below else 0.0
    if measure == "pearson":
        below = np.sqrt((a[both] @ a[both]) * (b[both] @ b[both]))
        return a[both] @ b[both] / below * ((m - 1) / (m - 1 + shrink)) if m > 1 and below else 0.0
    below = np.sqrt(a @ a) * np.sqrt(b @ b) + shrink
    return a @ b / below if below else 0.0


def solve(vectors: np.ndarray, weights, targets, ridge, gram=None) -> np.ndarray:
    """One ridge regression, in float64."""
    if not len(vectors):
        return np.zeros(len(ridge))
    normal = vectors.T @ (weights[:, None] * vectors) + np.diag(ridge)
    normal = normal if gram is None else normal + gram
    return np.linalg.solve(normal, vectors.T @ (weights * targets))


def sgd(order, users, items, targets, P, Q, bu, bi, rate, mean, regs) -> float:
    """Rating after rating, in the order given, in place."""
    total = 0.0
    for r in order:
        u, i = users[r], items[r]
        error = targets[r] - mean - bu[u] - bi[i] - P[u] @ Q[i]
        total += error**2
        bu[u] += rate * (error - regs[2][u] * bu[u])
        bi[i] += rate * (error - regs[3][i] * bi[i])
        p, q = P[u].copy(), Q[i].copy()
        P[u] += rate * (error * q - regs[0][u] * p)
        Q[i] += rate * (error * p - regs[1][i] * q)
    return total
