"""Whether answers are right: what contestants found, judged in float64 by their own arrays.

Each check takes the case, its arrays, each library's arrays and the last figures of its runs, and
gives each library a verdict: whether it is right, and what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from datasets import Arrays, sizes
from tasks import Case

_CHUNK = 20_000  # likes whose scores are computed at once
_SAMPLE = 200  # rows that are computed again
_NEAR = 1e-4  # relative difference of float32 answers that counts as equal


class Verdict(NamedTuple):
    """Whether an answer is right, and what it measured."""

    right: bool
    says: str


Verdicts = dict[str, Verdict]
Figures = Mapping[str, Mapping[str, float]]


def als(case: Case, data: Arrays, results: Mapping[str, Arrays], figures: Figures) -> Verdicts:
    """The true loss after equally many iterations: right within 2 % of the lowest."""
    losses = {
        library: als_loss(case, data, one["user_factors"], one["item_factors"])
        for library, one in results.items()
    }
    return _near_lowest(losses, 1.02, "loss")


def als_loss(case: Case, data: Arrays, users: np.ndarray, items: np.ndarray) -> float:
    """``Σ_S (s − 1)² + α Σ s² + λ (Σ|p|² + Σ|q|²)``: scores in float32, sums in float64."""
    P, Q = users.astype(np.float32), items.astype(np.float32)
    owners, indices = _owners(data), np.asarray(data["indices"])
    loss = 0.0
    for start in range(0, len(indices), _CHUNK):
        part = slice(start, start + _CHUNK)
        scores = np.einsum("nd,nd->n", P[owners[part]], Q[indices[part]])
        loss += float(np.square(scores - 1, dtype=np.float64).sum())
    P, Q = P.astype(np.float64), Q.astype(np.float64)
    everything = float(np.sum((P.T @ P) * (Q.T @ Q)))
    reg, alpha = float(case.settings["reg"]), float(case.settings["alpha"])
    return loss + alpha * everything + reg * float((P**2).sum() + (Q**2).sum())


def lists(case: Case, data: Arrays, results: Mapping[str, Arrays], figures: Figures) -> Verdicts:
    """The share of places that hold a score as good as the true one, on a sample of rows.

    An item's worth is computed again, so an equal score at another item counts, and a seen item
    or a score that is not its item's does not.
    """
    truth = _cosines if case.task.name == "item_cosine" else _products
    n_rows = len(next(iter(results.values()))["ids"]) if results else 0
    rows = np.random.default_rng(3).choice(n_rows, min(_SAMPLE, n_rows), replace=False)
    worth = truth(data, rows)
    verdicts = {}
    for library, one in results.items():
        share = equal_share(worth, one["ids"][rows], one["scores"][rows])
        verdicts[library] = Verdict(share >= 0.999, f"{share:.2%} of scores equal")
    return verdicts


def equal_share(worth: np.ndarray, ids: np.ndarray, scores: np.ndarray) -> float:
    """The share of places whose item is worth what the place is worth, and whose score says so.

    Args:
        worth: float64 ``[B, I]``, −inf where an item may not stand.
        ids: ``[B, n]``, -1 where a list ended.
        scores: ``[B, n]``.
    """
    n = ids.shape[1]
    best = -np.sort(-worth, axis=1)[:, :n]
    best = np.pad(best, ((0, 0), (0, n - best.shape[1])), constant_values=-np.inf)
    found = np.take_along_axis(worth, np.maximum(ids, 0).astype(np.int64), axis=1)
    found = np.where(ids < 0, -np.inf, found)
    exists = np.isfinite(best)
    both = exists & np.isfinite(found)
    right = np.isclose(found, best, _NEAR, 1e-6, equal_nan=False) & both
    right &= np.isclose(scores, best, _NEAR, 1e-6)
    repeated = np.sort(ids, axis=1)
    honest = not ((np.diff(repeated, axis=1) == 0) & (repeated[:, 1:] >= 0)).any()
    return float(right.sum() / max(exists.sum(), 1)) if honest else 0.0


def ease(case: Case, data: Arrays, results: Mapping[str, Arrays], figures: Figures) -> Verdicts:
    """The relative error of the weights against a float64 inverse."""
    matrix = _matrix(data, np.float64)
    gram = (matrix.T @ matrix).toarray()
    gram[np.diag_indices_from(gram)] += float(case.settings["l2"])
    inverse = np.linalg.inv(gram)
    truth = -inverse / np.diag(inverse)
    np.fill_diagonal(truth, 0)
    verdicts = {}
    for library, one in results.items():
        error = float(np.linalg.norm(one["weights"] - truth) / np.linalg.norm(truth))
        verdicts[library] = Verdict(error < 1e-3, f"relative error {error:.1e}")
    return verdicts


def slim(case: Case, data: Arrays, results: Mapping[str, Arrays], figures: Figures) -> Verdicts:
    """The mean objective over a sample of items, as the elastic net states it.

    ``|a − A w|² / 2U + α (ρ |w|₁ + (1 − ρ) |w|² / 2)``; right if it is below that of no weights.
    The reader compares: libraries differ in which neighbours may have a weight.
    """
    from scipy.sparse import csr_array

    n_users, n_items = sizes(data)
    matrix = _matrix(data, np.float64)
    columns = np.random.default_rng(4).choice(n_items, min(_SAMPLE, n_items), replace=False)
    target = matrix[:, columns].toarray()
    ratio, alpha = float(case.settings["l1_ratio"]), float(case.settings["alpha"])
    nothing = float(np.square(target).sum() / (2 * n_users * len(columns)))
    verdicts = {}
    for library, one in results.items():
        if "weights" in one:
            weights = one["weights"][:, columns].astype(np.float64)
        else:
            parts = (one["w_data"], one["w_indices"], one["w_indptr"])
            weights = csr_array(parts, shape=(n_items, n_items))[:, columns].toarray()
        itself = weights[columns, np.arange(len(columns))].any()
        rest = np.square(target - matrix @ weights).sum() / (2 * n_users)
        damping = ratio * np.abs(weights).sum() + (1 - ratio) / 2 * np.square(weights).sum()
        objective = float((rest + alpha * damping) / len(columns))
        says = f"objective {objective:.5f} (without weights {nothing:.5f})"
        verdicts[library] = Verdict(objective < nothing and not itself, says)
    return verdicts


def bpr(case: Case, data: Arrays, results: Mapping[str, Arrays], figures: Figures) -> Verdicts:
    """How often a liked item scores above one drawn at random: right within .05 of the best."""
    rng = np.random.default_rng(5)
    owners, indices = _owners(data), np.asarray(data["indices"])
    drawn = rng.integers(0, len(indices), 100_000)
    users, liked = owners[drawn], indices[drawn]
    other = rng.integers(0, sizes(data)[1], len(drawn))
    shares = {}
    for library, one in results.items():
        p, q = one["user_factors"].astype(np.float64), one["item_factors"].astype(np.float64)
        difference = np.einsum("nd,nd->n", p[users], q[liked] - q[other])
        shares[library] = float(np.mean(difference > 0))
    best = max(shares.values(), default=0)
    return {
        library: Verdict(share >= best - 0.05, f"AUC {share:.3f}")
        for library, share in shares.items()
    }


def rating_mf(
    case: Case, data: Arrays, results: Mapping[str, Arrays], figures: Figures
) -> Verdicts:
    """The error on held-out ratings: right if below that of the mean rating."""
    truth = np.asarray(data["test_ratings"], np.float64)
    plain = float(np.sqrt(np.mean((truth - float(np.mean(data["ratings"]))) ** 2)))
    verdicts = {}
    for library, one in results.items():
        error = float(np.sqrt(np.mean((truth - one["predictions"]) ** 2)))
        verdicts[library] = Verdict(error < plain, f"RMSE {error:.4f}")
    return verdicts


def metrics(case: Case, data: Arrays, results: Mapping[str, Arrays], figures: Figures) -> Verdicts:
    """The figures themselves against a plain count of hits."""
    at = int(case.settings["ndcg_at"]), int(case.settings["recall_at"])
    ndcg, recall = _quality(data, *at)
    verdicts = {}
    for library, one in figures.items():
        far = max(abs(one.get("ndcg", -1) - ndcg), abs(one.get("recall", -1) - recall))
        says = f"nDCG {one.get('ndcg', np.nan):.6f}, recall {one.get('recall', np.nan):.6f}"
        verdicts[library] = Verdict(far < 1e-5, says)
    return verdicts


def reading(case: Case, data: Arrays, results: Mapping[str, Arrays], figures: Figures) -> Verdicts:
    """The rows' pairs of ids, told from the matrix and the ids of its rows and columns."""
    truth = _pairs(data["user_ids"], data["item_ids"])
    verdicts = {}
    for library, one in results.items():
        users = _as_numbers(one["user_ids"])[_owners(one)]
        found = _pairs(users, _as_numbers(one["item_ids"])[one["indices"]])
        verdicts[library] = Verdict(np.array_equal(found, truth), f"{len(found):,} pairs")
    return verdicts


CHECKS: dict[str, Callable[..., Verdicts]] = {
    check.__name__: check for check in (als, lists, ease, slim, bpr, rating_mf, metrics, reading)
}


def _pairs(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Pairs in order, as numbers."""
    return np.sort(users.astype(np.int64) << 32 | items)


def _as_numbers(ids: np.ndarray) -> np.ndarray:
    """The numbers that ids are, or were made of: ``u8`` and ``item 8`` are 8."""
    return np.char.lstrip(ids, "uitem ").astype(np.int64) if ids.dtype.kind == "U" else ids


def _near_lowest(values: Mapping[str, float], factor: float, name: str) -> Verdicts:
    lowest = min(values.values(), default=0)
    return {
        library: Verdict(bool(value <= lowest * factor), f"{name} {value:,.6g}")
        for library, value in values.items()
    }


def _owners(data: Arrays) -> np.ndarray:
    counts = np.diff(data["indptr"])
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def _matrix(data: Arrays, kind: type) -> object:
    from scipy.sparse import csr_array

    ones = np.ones(len(data["indices"]), kind)
    return csr_array((ones, data["indices"], data["indptr"]), shape=sizes(data))


def _cosines(data: Arrays, rows: np.ndarray) -> np.ndarray:
    by_item = _matrix(data, np.float64).T.tocsr()
    common = (by_item[rows] @ by_item.T).toarray()
    length = np.sqrt(np.diff(by_item.indptr))
    worth = common / np.maximum(length[rows, None] * length[None, :], 1e-300)
    worth[common == 0] = -np.inf
    worth[np.arange(len(rows)), rows] = -np.inf
    return worth


def _products(data: Arrays, rows: np.ndarray) -> np.ndarray:
    worth = data["user_factors"][rows].astype(np.float64) @ data["item_factors"].T.astype(float)
    for at, row in enumerate(rows):
        worth[at, data["indices"][data["indptr"][row] : data["indptr"][row + 1]]] = -np.inf
    return worth


def _quality(data: Arrays, ndcg_at: int, recall_at: int) -> tuple[float, float]:
    made, indptr = np.asarray(data["lists"]), data["held_indptr"]
    owners = np.repeat(np.arange(len(made)), np.diff(indptr))
    size = int(max(made.max(), data["held_indices"].max())) + 1
    held = np.sort(owners * size + data["held_indices"])
    key = np.arange(len(made))[:, None] * size + made
    hit = np.isin(key, held) & (made >= 0)
    wanted = np.diff(indptr)
    gains = 1 / np.log2(np.arange(2, ndcg_at + 2))
    ideal = np.cumsum(gains)[np.minimum(wanted, ndcg_at) - 1]
    some = wanted > 0
    ndcg = (hit[:, :ndcg_at] * gains).sum(axis=1)[some] / ideal[some]
    recall = hit[:, :recall_at].sum(axis=1)[some] / wanted[some]
    return float(ndcg.mean()), float(recall.mean())
