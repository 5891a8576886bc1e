"""What rusket is asked to do in the benchmark; where its Python classes need polars or forbid
going on, its native functions are called.
"""

import os
import time
from importlib.metadata import version as _version

import numpy as np
import rusket
import scipy.sparse as sp
from from_scratch import FromScratch
from rusket import _rusket

IMPORT = "import rusket; rusket.ALS"
STARTUP = """
import numpy as np, scipy.sparse as sp
import rusket
likes = sp.csr_matrix((np.ones(6, np.float32), ([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 3])))
model = rusket.ALS(factors=4, iterations=2).fit(likes)
print(model.recommend_items(0, n=1)[0][0])
"""


def version() -> str:
    """The version that runs."""
    return _version("rusket")


def _threads(settings):
    os.environ["RAYON_NUM_THREADS"] = str(
        settings["threads"]
    )  # read at rusket's first parallel call


def _arrays(data):
    indptr = np.array(data["indptr"], np.int64)
    indices = np.array(data["indices"], np.int32)
    return indptr, indices, np.ones(len(indices), np.float32)


def _items(data, settings):
    return settings.get("items", int(data["indices"].max()) + 1)


class ALS(FromScratch):
    """rusket minimises implicit's objective, so the same mapping: alpha = 1/a0, r =
    lambda(1+a0)/a0, factors larger by sqrt(1+a0). Methods: CG with 3 steps, Cholesky, and
    element-wise ALS as `block`.
    """

    more = 5

    def __init__(self, data, settings):
        _threads(settings)
        method = settings["method"]
        if method not in ("cg", "exact", "block"):
            raise ValueError(f"no method {method}")
        self.unobserved = settings["alpha"]
        self.reg = settings["reg"] * (1 + self.unobserved) / self.unobserved
        self.likes = _arrays(data)
        self.shape = len(data["user_start"]), len(data["item_start"]), settings["factors"]
        self.options = {
            "cg_iters": 3,
            "use_cholesky": method == "exact",
            "use_eals": method == "block",
        }

    def fit(self, iterations):
        self.users, self.items, *_ = _rusket.als_fit_implicit(
            *self.likes,
            *self.shape,
            self.reg,
            1 / self.unobserved,
            iterations,
            0,
            False,
            **self.options,
        )

    def found(self):
        scale = np.float32(np.sqrt(1 + self.unobserved))
        return {"user_factors": self.users / scale, "item_factors": self.items / scale}


class ItemCosine:
    """ItemKNN(method="cosine") makes USERS' rows unit vectors, which is not the cosine of items;
    so its native product is given columns of length one (their scaling is timed: penchant does it
    too).
    """

    def __init__(self, data, settings):
        _threads(settings)
        self.indptr, self.indices, _ = _arrays(data)
        self.count, self.k = _items(data, settings), settings["k"]

    def run(self):
        degree = np.bincount(self.indices, minlength=self.count)
        values = (1 / np.sqrt(np.maximum(degree, 1))).astype(np.float32)[self.indices]
        matrix = self.indptr, self.indices, values
        self.near = _rusket.itemknn_gram_top_k(
            *matrix, *matrix, len(self.indptr) - 1, self.count, self.k
        )
        return {}

    def results(self):
        indptr, indices, values = self.near
        ids = np.full((self.count, self.k), -1, np.int32)
        scores = np.zeros(ids.shape, np.float32)
        for item in range(self.count):
            row = slice(indptr[item], indptr[item + 1])
            near, score = indices[row], values[row]
            other = near != item
            near, score = near[other], score[other]
            best = np.argsort(-score, kind="stable")[: self.k]
            ids[item, : len(best)], scores[item, : len(best)] = near[best], score[best]
        return {"ids": ids, "scores": scores}


class TopK:
    """The native function behind ALS.batch_recommend, which would put the answer into a polars
    frame.
    """

    def __init__(self, data, settings):
        _threads(settings)
        self.factors = np.array(data["user_factors"]), np.array(data["item_factors"])
        self.seen = _arrays(data)[:2]
        self.n = settings["n"]

    def run(self):
        self.rows, self.ids, self.scores = _rusket.als_recommend_all(
            *self.factors, self.n, *self.seen
        )
        return {}

    def results(self):
        users = len(self.factors[0])
        ids = np.full((users, self.n), -1, np.int32)
        scores = np.full((users, self.n), -np.inf, np.float32)
        starts = np.searchsorted(
            self.rows, self.rows
        )  # each row's first place: answers come sorted by user
        place = np.arange(len(self.rows)) - starts
        ids[self.rows, place], scores[self.rows, place] = self.ids, self.scores
        return {"ids": ids, "scores": scores}


class OneUser:
    """ALS.recommend_items of a model made from the given factors and the matrix of likes."""

    def __init__(self, data, settings):
        _threads(settings)
        self.model = rusket.ALS.from_factors(
            np.array(data["user_factors"]), np.array(data["item_factors"])
        )
        self.indptr, self.indices, _ = _arrays(data)
        # from_factors takes no matrix; these two are where fit() keeps it.
        self.model._fit_indptr, self.model._fit_indices = self.indptr, self.indices
        self.n, self.users = settings.get("n", 10), np.asarray(data["users"])

    def _recommend(self, user):
        return self.model.recommend_items(user, n=self.n)[0]

    def run(self):
        seconds, self.ids = [], []
        for user in self.users.tolist():
            start = time.perf_counter()
            ids = self._recommend(user)
            seconds.append(time.perf_counter() - start)
            self.ids.append(ids)
        return {"p50": float(np.percentile(seconds, 50)), "p99": float(np.percentile(seconds, 99))}

    def results(self):
        ids = np.full((len(self.ids), self.n), -1, np.int32)
        for row, found in zip(ids, self.ids, strict=True):
            row[: len(found)] = found
        return {"ids": ids}


class OneUserFoldIn(OneUser):
    """ALS.recalculate_user (exact solve), then the native function behind recommend_items on that
    one vector.
    """

    def __init__(self, data, settings):
        super().__init__(data, settings)
        unobserved = settings["alpha"]
        self.scale = np.float32(np.sqrt(1 + unobserved))
        self.items = np.array(data["item_factors"]) * self.scale
        self.model._item_factors = self.items
        self.model.alpha = 1 / unobserved
        self.model.regularization = settings["reg"] * (1 + unobserved) / unobserved
        self.model.use_cholesky = True

    def _recommend(self, user):
        seen = self.indices[self.indptr[user] : self.indptr[user + 1]]
        vector = self.model.recalculate_user(seen)
        offsets = np.array([0, len(seen)], np.int64)
        return _rusket.als_recommend_items(vector[None, :], self.items, 0, self.n, offsets, seen)[0]


class EASE:
    """The native function behind rusket.EASE, without its copies of the matrix."""

    def __init__(self, data, settings):
        _threads(settings)
        self.likes, self.items = _arrays(data), _items(data, settings)
        self.l2 = float(settings["l2"])

    def run(self):
        self.weights = _rusket.ease_fit(*self.likes, self.items, self.l2)
        return {}

    def results(self):
        return {"weights": self.weights}


class BPR(FromScratch):
    """The native function behind rusket.BPR."""

    more = 5

    def __init__(self, data, settings):
        _threads(settings)
        self.likes = _arrays(data)[:2]
        self.shape = len(data["indptr"]) - 1, _items(data, settings), settings["factors"]
        self.rates = float(settings["learning_rate"]), float(settings["reg"])

    def fit(self, epochs):
        self.factors = _rusket.bpr_fit_implicit(
            *self.likes, *self.shape, *self.rates, epochs, 0, False
        )

    def found(self):
        return {"user_factors": self.factors[0], "item_factors": self.factors[1]}


class RatingMF(FromScratch):
    """The native function behind rusket.SVD: biases and factors by SGD."""

    more = 5

    def __init__(self, data, settings):
        _threads(settings)
        self.test = np.array(data["test_users"]), np.array(data["test_items"])
        users, items = np.array(data["users"]), np.array(data["items"])
        shape = tuple(
            int(max(ids.max(), test.max())) + 1
            for ids, test in zip((users, items), self.test, strict=True)
        )
        ratings = sp.csr_matrix((np.array(data["ratings"], np.float32), (users, items)), shape)
        self.ratings = (
            ratings.indptr.astype(np.int64),
            ratings.indices.astype(np.int32),
            ratings.data,
        )
        self.options = *shape, settings["factors"], settings["learning_rate"], settings["reg"]

    def fit(self, epochs):
        self.sides = _rusket.svd_fit(*self.ratings, *self.options, epochs, 0, False)

    def found(self):
        P, Q, user_bias, item_bias, mean = self.sides
        users, items = self.test
        scores = (P[users] * Q[items]).sum(axis=1) + user_bias[users] + item_bias[items] + mean
        return {"predictions": scores.astype(np.float32)}


class Metrics:
    """The native function behind rusket.evaluate, once for each of the two cut-offs."""

    def __init__(self, data, settings):
        _threads(settings)
        self.held = (
            np.array(data["held_indptr"], np.int64),
            np.array(data["held_indices"], np.int32),
        )
        self.lists = np.array(data["lists"], np.int32)

    def run(self):
        ndcg, *_ = _rusket.metrics_batch(*self.held, self.lists[:, :10].copy(), 10)
        *_, recall = _rusket.metrics_batch(*self.held, self.lists[:, :20].copy(), 20)
        return {"ndcg": float(ndcg.mean()), "recall": float(recall.mean())}


TASKS = {
    "als": ALS,
    "item_cosine": ItemCosine,
    "top_k": TopK,
    "one_user": OneUser,
    "one_user_fold_in": OneUserFoldIn,
    "ease": EASE,
    "bpr": BPR,
    "rating_mf": RatingMF,
    "metrics": Metrics,
}
