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


def grades(values, most: int) -> list[float] | None:
    distinct = sorted(set(values))
    return distinct if len(distinct) <= most else None


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
    if measure == "dot":
        return a @ b
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


def _row(rows: Rows, r: int, targets, items):
    part = slice(rows.indptr[r], rows.indptr[r + 1])
    vectors = items[rows.indices[part]].astype(float)
    weights = np.ones(len(vectors)) if rows.values is None else rows.values[part].astype(float)
    wanted = np.ones(len(vectors)) if targets is None else targets[part].astype(float)
    return vectors, weights, wanted


def solve_rows(rows: Rows, targets, items, ridge, scale, gram) -> np.ndarray:
    """Row after row, in float64."""
    scale = np.ones(rows.n_rows) if scale is None else scale
    out = np.zeros((rows.n_rows, items.shape[1]))
    for r in range(rows.n_rows):
        out[r] = solve(*_row(rows, r, targets, items), scale[r] * ridge.astype(float), gram)
    return out


def conjugate_gradient(rows, items, ridge, gram, start, steps):
    """Hestenes and Stiefel's steps on each row's matrix; a row without entries is 0."""
    out = np.zeros(start.shape)
    for r in range(rows.n_rows):
        part = slice(rows.indptr[r], rows.indptr[r + 1])
        v = items[rows.indices[part]].astype(np.float64)
        w = np.ones(len(v)) if rows.values is None else rows.values[part].astype(np.float64)
        if not len(v):
            continue
        A = gram + v.T @ (w[:, None] * v) + np.diag(ridge)
        x = start[r].astype(np.float64)
        residual = v.T @ w - A @ x
        p = residual
        for _ in range(steps):
            along = residual @ residual / (p @ A @ p)
            x, after = x + along * p, residual - along * (A @ p)
            p = after + (after @ after) / (residual @ residual) * p
            residual = after
        out[r] = x
    return out


def squared_loss(rows: Rows, targets, items, ridge, scale, gram, x) -> np.ndarray:
    """Σ w (t − v·x)² + xᵀ(G + c diag ridge)x of each row."""
    out = np.zeros(rows.n_rows)
    for r, one in enumerate(x.astype(float)):
        vectors, weights, wanted = _row(rows, r, targets, items)
        damping = ridge * (1 if scale is None else scale[r])
        out[r] = weights @ (wanted - vectors @ one) ** 2 + damping @ one**2
        out[r] += 0 if gram is None else one @ gram @ one
    return out


def sgd(users, items, targets, P, Q, bu, bi, rate, mean, regs) -> float:
    """Rating after rating, in place."""
    total = 0.0
    for u, i, target in zip(users, items, targets, strict=True):
        error = target - mean - bu[u] - bi[i] - P[u] @ Q[i]
        total += error**2
        bu[u] += rate * (error - regs[2][u] * bu[u])
        bi[i] += rate * (error - regs[3][i] * bi[i])
        p, q = P[u].copy(), Q[i].copy()
        P[u] += rate * (error * q - regs[0][u] * p)
        Q[i] += rate * (error * p - regs[1][i] * q)
    return total


def spd_inverse(A: np.ndarray) -> np.ndarray:
    """Gauss-Jordan in float64, a pivot at a time, on its diagonal."""
    swept = A.astype(float)
    for k in range(len(swept)):
        column, pivot = swept[:, k].copy(), swept[k, k]
        swept -= np.outer(column, column) / pivot
        swept[:, k] = swept[k, :] = column / pivot
        swept[k, k] = -1 / pivot
    return -swept


def co_counts(rows: Rows, n_items: int) -> np.ndarray:
    X = dense(rows, n_items)
    return X.T @ X


_WORD = 2**64 - 1


def drawn(seed: int, counter: int) -> int:
    """SplitMix64 of a seed and a counter."""
    x = (seed * 0x9E3779B97F4A7C15 + counter + 1) & _WORD
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _WORD
    return x ^ (x >> 31)


def _mix(things: list, seed: int, first: int) -> None:
    for last in range(len(things) - 1, 0, -1):
        other = (drawn(seed, first + last) >> 32) * (last + 1) >> 32
        things[last], things[other] = things[other], things[last]


def draw_pairs(plan, epoch: int, tries: int = 8) -> list[tuple[int, int, int]]:
    """The likes of each range of people, bin after bin of dealt items, mixed, each with another
    item.
    """
    seed, blocks = drawn(plan.seed, epoch), plan.blocks
    mixing = drawn(seed ^ _WORD, _WORD)
    dealt = list(range(plan.n_items))
    _mix(dealt, seed ^ _WORD, 0)
    starts = [plan.n_items * c // blocks for c in range(blocks + 1)]
    pairs: list[tuple[int, int, int]] = []
    for begin, end in zip(plan.people, plan.people[1:], strict=False):
        likes = [
            (user, item)
            for user in range(begin, end)
            for item in plan.likes.indices[slice(*plan.likes.indptr[user : user + 2])].tolist()
        ]
        for c in range(blocks):
            members = dealt[starts[c] : starts[c + 1]]
            block = [like for like in likes if like[1] in set(members)]
            _mix(block, mixing, len(pairs))
            bits = max(6, (32 * len(block) - 1).bit_length())

            def place(user: int, item: int, bits: int = bits) -> int:
                return (((user << 32 | item) ^ seed) * 0x9E3779B97F4A7C15 & _WORD) >> (64 - bits)

            liked = {place(*like) for like in block}
            for user, item in block:
                numbers = (
                    drawn(seed, len(pairs) * tries + attempt) >> 32 for attempt in range(tries)
                )
                others = (members[number * len(members) >> 32] for number in numbers)
                free = (other for other in others if place(user, other) not in liked)
                pairs.append((user, item, next(free, -1)))
    return pairs


def bpr(drawn_pairs, P, Q, bias, rate: float, reg: float, reg_bias: float) -> float:
    """Pair after pair, step after step of blocks, in place; the share that was in order."""
    ordered, n, blocks = 0, 0, drawn_pairs.plan.blocks
    cells = [b * blocks + (b + step) % blocks for step in range(blocks) for b in range(blocks)]
    for cell in cells:
        for u, i, j in drawn_pairs.pairs[drawn_pairs.bounds[cell] : drawn_pairs.bounds[cell + 1]]:
            if j < 0:
                continue
            x = P[u] @ (Q[i] - Q[j]) + bias[i] - bias[j]
            g = 1 / (1 + np.exp(x))
            ordered, n = ordered + (x > 0), n + 1
            p, a, b = P[u].copy(), Q[i].copy(), Q[j].copy()
            bias[i] += rate * (g - reg_bias * bias[i])
            bias[j] += rate * (-g - reg_bias * bias[j])
            P[u] += rate * (g * (a - b) - reg * p)
            Q[i] += rate * (g * p - reg * a)
            Q[j] += rate * (-g * p - reg * b)
    return ordered / max(n, 1)


def pair_gradient(p, items, signs, vectors, bias, panel, ridge) -> np.ndarray:
    """Of the likelihood that `pair_taste` maximises, at p, in float64."""
    gradient = -ridge * p
    for i, sign in zip(items, signs, strict=True):
        for typical, typical_bias, weight in zip(*panel, strict=True):
            x = sign * ((vectors[i] - typical) @ p + bias[i] - typical_bias)
            pull = weight / panel[2].sum() / (1 + np.exp(x))
            gradient = gradient + sign * pull * (vectors[i] - typical)
    return gradient


def slim(x: np.ndarray, l1: float, l2: float, positive: bool, rounds: int = 2000) -> np.ndarray:
    """``W[i, j]``: item i's weight in the regression of item j on all others, in float64."""
    gram = x.T @ x
    W = np.zeros_like(gram)
    for j, i in ((j, i) for _ in range(rounds) for j in range(len(W)) for i in range(len(W))):
        below = gram[i, i] + l2
        if i == j or below == 0:
            continue
        z = gram[i, j] - gram[i] @ W[:, j] + gram[i, i] * W[i, j]
        z = max(z - l1, 0.0) if positive else np.sign(z) * max(abs(z) - l1, 0.0)
        W[i, j] = z / below
    return W


def follow_counts(sequences: Rows, n_columns: int, weights) -> np.ndarray:
    """Pair after pair, in float64."""
    out = np.zeros((n_columns, n_columns))
    for r in range(sequences.n_rows):
        row = sequences.indices[sequences.indptr[r] : sequences.indptr[r + 1]]
        for place, a in enumerate(row):
            for b, weight in zip(row[place + 1 :], weights, strict=False):
                out[a, b] += weight
    return out
