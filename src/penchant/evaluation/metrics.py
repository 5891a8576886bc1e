"""What is measured on held-out interactions: every metric as one number per person."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from penchant.errors import ParameterError, UsageError, hint

Bool = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


def ndcg(hit: Bool, sizes: Int64) -> Float64:
    """NDCG of each list, 0 to 1: ``Σ 1/log2(rank + 1)`` of hits over the best possible.

    Binary gain; the best possible list holds ``min(n, |T|)`` targets.

    Args:
        hit: bool ``[B, n]``, which entries are targets (see `penchant.kernels.hits`).
        sizes: ``[B]``, how many targets each person has, |T|, at least 1.

    >>> ndcg(np.array([[False, True, False]]), np.array([1])).round(4).tolist()
    [0.6309]
    """
    discounts = 1 / np.log2(np.arange(2, hit.shape[1] + 2))
    ideal = np.concatenate([[0], np.cumsum(discounts)])[np.minimum(sizes, hit.shape[1])]
    return np.asarray((hit @ discounts) / ideal)


def recall(hit: Bool, sizes: Int64) -> Float64:
    """Hits over all targets, ``hits / |T|``, 0 to 1; arguments as of `ndcg`.

    With more targets than places even the best list stays below 1.

    >>> recall(np.array([[True, True]]), np.array([4])).tolist()
    [0.5]
    """
    return np.asarray(np.count_nonzero(hit, axis=1) / sizes)


def capped_recall(hit: Bool, sizes: Int64) -> Float64:
    """Hits over what a list can hold, ``hits / min(n, |T|)``, 0 to 1; arguments as of `ndcg`.

    The "recall" of Liang et al. (WWW 2018) and the works after it.

    >>> capped_recall(np.array([[True, True]]), np.array([4])).tolist()
    [1.0]
    """
    return np.asarray(np.count_nonzero(hit, axis=1) / np.minimum(sizes, hit.shape[1]))


def precision(hit: Bool, sizes: Int64) -> Float64:
    """Hits over places, ``hits / n``, 0 to 1; missing places are misses.

    >>> precision(np.array([[True, False, False, False]]), np.array([1])).tolist()
    [0.25]
    """
    return np.asarray(np.count_nonzero(hit, axis=1) / hit.shape[1])


def hit_rate(hit: Bool, sizes: Int64) -> Float64:
    """1 if any target is in the list, else 0.

    >>> hit_rate(np.array([[False, True], [False, False]]), np.array([1, 3])).tolist()
    [1.0, 0.0]
    """
    return np.asarray(hit.any(axis=1), dtype=np.float64)


def mrr(hit: Bool, sizes: Int64) -> Float64:
    """Reciprocal rank of the first hit, ``1 / rank``, 0 without one; at most 1.

    >>> mrr(np.array([[False, True, True]]), np.array([2])).tolist()
    [0.5]
    """
    return np.where(hit.any(axis=1), 1 / (1.0 + hit.argmax(axis=1)), 0.0)


def average_precision(hit: Bool, sizes: Int64) -> Float64:
    """Mean precision at the hits: ``Σ_hits (hits so far / rank) / min(n, |T|)``, 0 to 1.

    Its mean over people is MAP.

    >>> average_precision(np.array([[True, False, True]]), np.array([2])).round(4).tolist()
    [0.8333]
    """
    ranks = np.arange(1, hit.shape[1] + 1)
    found = np.where(hit, np.cumsum(hit, axis=1) / ranks, 0.0).sum(axis=1)
    return np.asarray(found / np.minimum(sizes, hit.shape[1]))


RANKING: dict[str, Callable[[Bool, Int64], Float64]] = {
    "ndcg": ndcg,
    "recall": recall,
    "capped_recall": capped_recall,
    "precision": precision,
    "hit_rate": hit_rate,
    "mrr": mrr,
    "map": average_precision,
}
DEFAULTS = (
    *("ndcg@10", "recall@20", "capped_recall@20", "hit_rate@10", "mrr@10", "map@10"),
    "precision@10",
)


def parsed(name: str) -> tuple[Callable[[Bool, Int64], Float64], int]:
    """A metric's function and its length of list.

    Raises:
        ParameterError: no such metric; the message names those there are.

    >>> parsed("recall@20")[1]
    20
    """
    word, _, length = name.partition("@")
    if word not in RANKING or not length.isdigit() or not int(length):
        raise ParameterError(
            "a metric is written name@length",
            where="metrics",
            got=name,
            do=hint(word, RANKING) or f"The names are: {', '.join(RANKING)}",
        )
    return RANKING[word], int(length)


def mean_squared_error(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """``mean((truth − predicted)²)`` in stars squared, in float64.

    >>> mean_squared_error([1, 5], [2, 5])
    0.5
    """
    return float(np.mean(_errors("mean_squared_error", truth, predicted) ** 2))


def root_mean_squared_error(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """The square root of `mean_squared_error`, in stars.

    >>> root_mean_squared_error([1, 5], [3, 5]).__round__(4)
    1.4142
    """
    return float(np.sqrt(mean_squared_error(truth, predicted)))


def mean_absolute_error(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """``mean(|truth − predicted|)`` in stars, in float64.

    >>> mean_absolute_error([1, 5], [3, 5])
    1.0
    """
    return float(np.mean(np.abs(_errors("mean_absolute_error", truth, predicted))))


def _errors(where: str, truth: npt.ArrayLike, predicted: npt.ArrayLike) -> Float64:
    found = np.asarray(truth, np.float64) - np.asarray(predicted, np.float64)
    if not found.size:
        raise UsageError("there is nothing to measure", where=where)
    if not np.isfinite(found).all():
        raise UsageError(
            "stars must be finite", where=where, got=float(found[~np.isfinite(found)][0])
        )
    return np.asarray(found)
