"""What a model's lists are like beside their hits: how wide, how even, how new, how varied."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.data.features import TAGS, Features
from penchant.kernels import Rows

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

THIRDS = ("head", "mid", "tail")


def coverage(lists: Int32, candidates: int) -> float:
    """The share of the catalogue that stands in at least one list, 0 to 1.

    Args:
        lists: int32 ``[B, n]`` item rows, -1 where a list is short.
        candidates: how many items could have been recommended.

    >>> coverage(np.array([[0, 1], [0, -1]], np.int32), 4)
    0.5
    """
    return len(np.unique(lists[lists >= 0])) / max(candidates, 1)


def gini(lists: Int32, candidates: int) -> float:
    """How unevenly recommendations fall on the catalogue: 0 evenly, towards 1 all on one item.

    ``Σ_j (2j − I − 1) c_j / (I Σ c)`` with the counts c ascending and I candidates.

    >>> gini(np.array([[0, 1]], np.int32), 2), gini(np.array([[0], [0]], np.int32), 2)
    (0.0, 0.5)
    """
    counts = np.sort(_counts(lists, candidates))
    total = counts.sum()
    places = 2 * np.arange(1, len(counts) + 1) - len(counts) - 1
    return float((places * counts).sum() / (len(counts) * total)) if total else 0.0


def entropy(lists: Int32) -> float:
    """Shannon entropy of the recommended items, in bits; ``log2 I`` if evenly over I items.

    >>> entropy(np.array([[0, 1], [2, 3]], np.int32))
    2.0
    """
    counts = np.bincount(lists[lists >= 0])
    share = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(share * np.log2(share)).sum() + 0.0)


def novelty(lists: Int32, popularity: Int64, people: int) -> float:
    """Mean self-information of what is recommended, in bits: ``−log2(share who met the item)``.

    Args:
        lists: int32 ``[B, n]``, -1 where a list is short.
        popularity: int64 ``[n_items]``, how many people met each item in training.
        people: how many people there are in training.

    >>> novelty(np.array([[0, 1]], np.int32), np.array([4, 1]), 4)
    1.0
    """
    met = np.maximum(popularity[lists[lists >= 0]], 1)
    return float(np.mean(-np.log2(met / max(people, 1)))) if len(met) else 0.0


def diversity(lists: Int32, facts: Features | None) -> float | None:
    """Mean over lists of how different their items are: ``1 − Jaccard`` of tags over all pairs.

    None without tags (``genres``), or where no list has two items.

    >>> tags = Features.from_columns([0, 1], {"genres": ["a|b", "b"]})
    >>> diversity(np.array([[0, 1]], np.int32), tags)
    0.5
    """
    if facts is None or TAGS not in facts.columns:
        return None
    known = tag_rows(facts)
    n_tags = int(known.indices.max(initial=-1)) + 1
    dense = np.zeros((len(facts), n_tags), np.float32)
    dense[np.repeat(np.arange(len(facts)), np.diff(known.indptr)), known.indices] = 1
    found = [one for row in lists if (one := _spread_of(dense[row[row >= 0]])) is not None]
    return float(np.mean(found)) if found else None


def _spread_of(tags: npt.NDArray[np.float32]) -> float | None:
    if len(tags) < 2:
        return None
    both = tags @ tags.T
    sizes = np.diag(both)
    either = sizes[:, None] + sizes[None, :] - both
    likeness = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return float(1 - likeness[np.triu_indices(len(tags), 1)].mean())


def tag_rows(facts: Features) -> Rows:
    """Each item's tags as sparse rows, tags numbered by first appearance."""
    numbers: dict[str, int] = {}
    rows = [
        [numbers.setdefault(tag, len(numbers)) for tag in facts.tags(row)]
        for row in range(len(facts))
    ]
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return Rows(indptr, np.array([tag for row in rows for tag in row], np.int32))


def thirds(popularity: Int64) -> npt.NDArray[np.int8]:
    """The third of all interactions that each item belongs to: 0 head, 1 mid, 2 tail; int8 ``[I]``.

    Items in order of popularity; the head are the fewest that hold a third of the interactions.

    >>> thirds(np.array([10, 5, 5, 4, 4, 2])).tolist()
    [0, 1, 1, 2, 2, 2]
    """
    order = np.argsort(-popularity, kind="stable")
    before = np.cumsum(popularity[order]) - popularity[order]
    found = np.empty(len(popularity), np.int8)
    found[order] = np.minimum(3 * before // max(popularity.sum(), 1), 2)
    return found


def _counts(lists: Int32, candidates: int) -> Float64:
    counts = np.bincount(lists[lists >= 0]).astype(np.float64)
    counts = counts[counts > 0]
    return np.concatenate([counts, np.zeros(max(candidates - len(counts), 0))])
