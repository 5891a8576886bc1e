"""What plain NumPy and SciPy do in the benchmark: matrix products, LAPACK and vectorised sums, as
a careful user would write them.
"""

import time

import numpy as np
import scipy
import scipy.sparse as sp
from scipy.linalg.lapack import spotrf, spotri

IMPORT = "import numpy, scipy.sparse"
BLOCK = 512  # users scored at once: the block of scores stays near the caches


def version() -> str:
    """The version that runs."""
    return f"{np.__version__}, scipy {scipy.__version__}"


def _likes(data, items):
    indptr = np.asarray(data["indptr"])
    indices = np.array(data["indices"])
    values = np.ones(len(indices), np.float32)
    return sp.csr_matrix((values, indices, indptr), (len(indptr) - 1, items))


def _items(data, settings):
    return settings.get("items", int(data["indices"].max()) + 1)


def _best(scores, n):
    """The n best columns of each row, best first."""
    part = np.argpartition(scores, -n, axis=1)[:, -n:]
    values = np.take_along_axis(scores, part, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(part, order, axis=1), np.take_along_axis(values, order, axis=1)


class TopK:
    """A float32 product per block of users, what was seen set to -inf, argpartition."""

    def __init__(self, data, settings):
        self.user_factors = np.array(data["user_factors"])
        self.item_factors = np.array(data["item_factors"])
        self.indptr, self.indices = np.array(data["indptr"]), np.array(data["indices"])
        self.n = settings["n"]

    def run(self):
        users = len(self.user_factors)
        self.ids = np.empty((users, self.n), np.int32)
        self.scores = np.empty((users, self.n), np.float32)
        out = np.empty((BLOCK, len(self.item_factors)), np.float32)
        for start in range(0, users, BLOCK):
            stop = min(start + BLOCK, users)
            block = np.matmul(
                self.user_factors[start:stop], self.item_factors.T, out=out[: stop - start]
            )
            offsets = self.indptr[start : stop + 1]
            rows = np.repeat(np.arange(stop - start), np.diff(offsets))
            block[rows, self.indices[offsets[0] : offsets[-1]]] = -np.inf
            self.ids[start:stop], self.scores[start:stop] = _best(block, self.n)
        return {}

    def results(self):
        return {"ids": self.ids, "scores": self.scores}


class OneUser:
    """A matrix-vector product, what was seen set to -inf, argpartition."""

    def __init__(self, data, settings):
        self.user_factors = np.array(data["user_factors"])
        self.item_factors = np.array(data["item_factors"])
        self.indptr, self.indices = np.array(data["indptr"]), np.array(data["indices"])
        self.n, self.users = settings.get("n", 10), np.asarray(data["users"])

    def run(self):
        seconds, self.ids = [], []
        for user in self.users.tolist():
            start = time.perf_counter()
            scores = self.item_factors @ self.user_factors[user]
            scores[self.indices[self.indptr[user] : self.indptr[user + 1]]] = -np.inf
            part = np.argpartition(scores, -self.n)[-self.n :]
            ids = part[np.argsort(-scores[part])]
            seconds.append(time.perf_counter() - start)
            self.ids.append(ids)
        return {"p50": float(np.percentile(seconds, 50)), "p99": float(np.percentile(seconds, 99))}

    def results(self):
        return {"ids": np.array(self.ids, np.int32)}


class EASE:
    """X'X from a sparse product, then numpy.linalg.inv in float32."""

    def __init__(self, data, settings):
        self.likes, self.l2 = _likes(data, _items(data, settings)), np.float32(settings["l2"])

    def _gram(self):
        gram = (self.likes.T @ self.likes).toarray()
        gram[np.diag_indices_from(gram)] += self.l2
        return gram

    def _inverse(self):
        return np.linalg.inv(self._gram())

    def run(self):
        weights = self._inverse()
        weights /= -np.diag(weights).copy()
        np.fill_diagonal(weights, 0)
        self.weights = weights
        return {}

    def results(self):
        return {"weights": self.weights}


class EASELapack(EASE):
    """The same by Cholesky in place (potrf, potri), half the arithmetic of a general inverse or
    less.
    """

    def _inverse(self):
        gram = np.asfortranarray(self._gram())
        factor, failed = spotrf(gram, lower=1, overwrite_a=1, clean=0)
        if failed:
            raise np.linalg.LinAlgError(f"spotrf: {failed}")
        inverse, failed = spotri(factor, lower=1, overwrite_c=1)
        if failed:
            raise np.linalg.LinAlgError(f"spotri: {failed}")
        inverse = np.tril(inverse)
        inverse += np.tril(inverse, -1).T
        return inverse


class Metrics:
    """One sorted search for all users: a hit is a (user, item) key that is among the held ones."""

    def __init__(self, data, settings):
        self.lists = np.array(data["lists"])
        self.held_indptr, self.held_indices = (
            np.array(data["held_indptr"]),
            np.array(data["held_indices"]),
        )
        self.items = int(max(self.lists.max(), self.held_indices.max())) + 1

    def run(self):
        count = np.diff(self.held_indptr)
        held = np.repeat(np.arange(len(count)), count) * self.items + self.held_indices
        lists = self.lists[:, :20]
        keys = np.arange(len(count))[:, None] * self.items + lists
        place = np.searchsorted(held, keys)
        hits = (held[np.minimum(place, len(held) - 1)] == keys) & (lists >= 0)
        discount = 1 / np.log2(np.arange(2, 12))
        ideal = np.concatenate([[0], np.cumsum(discount)])[np.minimum(count, 10)]
        some = count > 0
        ndcg = (hits[:, :10] @ discount)[some] / ideal[some]
        recall = hits.sum(axis=1)[some] / count[some]
        return {"ndcg": float(ndcg.mean()), "recall": float(recall.mean())}


TASKS = {
    "top_k": TopK,
    "one_user": OneUser,
    "ease": EASE,
    "ease_lapack": EASELapack,
    "metrics": Metrics,
}
