"""Penchant's part in each task."""

from __future__ import annotations

import time

import numpy as np

import penchant as pt
from penchant import kernels
from penchant.kernels import Rows


def version() -> str:
    """The version that runs."""
    return pt.__version__


def likes(data):
    """The CSR of likes and its number of items."""
    rows = Rows(np.asarray(data["indptr"]), np.asarray(data["indices"]))
    return rows, int(rows.indices.max()) + 1


class ItemCosine:
    """What `ItemKNN` does with likes: turn the table, then the nearest rows."""

    def __init__(self, data, settings):
        self.rows, self.n_items = likes(data)
        self.k = settings["k"]
        kernels.set_threads(settings["threads"])

    def run(self):
        by_item = self.rows.transpose(self.n_items)
        itself = np.arange(self.n_items, dtype=np.int32)
        self.near = kernels.nearest(by_item, by_item, self.rows.n_rows, self.k, itself=itself)
        return {}

    def results(self):
        counts = np.diff(self.near.indptr)
        place = np.arange(self.k) < counts[:, None]
        ids = np.full(place.shape, -1, np.int32)
        scores = np.zeros(place.shape, np.float32)
        ids[place], scores[place] = self.near.indices, self.near.values
        return {"ids": ids, "scores": scores}


class TopK:
    """All users' lists in one call."""

    def __init__(self, data, settings):
        self.users, self.items = (np.array(data[f"{side}_factors"]) for side in ("user", "item"))
        self.seen, _ = likes(data)
        self.n = settings["n"]
        kernels.set_threads(settings["threads"])

    def run(self):
        self.ids, self.scores = kernels.top_k(self.users, self.items, self.n, exclude=self.seen)
        return {}

    def results(self):
        return {"ids": self.ids, "scores": self.scores}


def each_timed(users, answer):
    """Half and 99 % of the seconds that single answers take."""
    seconds = []
    for user in users:
        begin = time.perf_counter()
        answer(user)
        seconds.append(time.perf_counter() - begin)
    p50, p99 = np.percentile(seconds, [50, 99])
    return {"p50": float(p50), "p99": float(p99)}


class OneUser(TopK):
    """One vector against all items."""

    def __init__(self, data, settings):
        super().__init__(data, settings)
        self.asked = data["users"].tolist()

    def run(self):
        return each_timed(self.asked, self.answer)

    def answer(self, user):
        seen = self.seen.slice(user, user + 1)
        return kernels.top_k(self.users[user : user + 1], self.items, self.n, exclude=seen)


class OneUserFoldIn(OneUser):
    """A history's vector and its list, from arrays."""

    def __init__(self, data, settings):
        super().__init__(data, settings)
        d = self.items.shape[1]
        self.ridge = np.full(d, settings["reg"], np.float32)
        self.gram = settings["alpha"] * kernels.gram(self.items)

    def answer(self, user):
        history = self.seen.slice(user, user + 1)
        ones = np.ones(len(history.indices), np.float32)
        vector = kernels.solve_rows(history, ones, self.items, self.ridge, gram=self.gram)
        return kernels.top_k(vector, self.items, self.n, exclude=history)


class RatingMF:
    """An epoch of the schedule that `RatingMF` walks with solver="sgd"."""

    def __init__(self, data, settings):
        self.data = data
        users, items = np.asarray(data["users"]), np.asarray(data["items"])
        n_users = int(max(users.max(), data["test_users"].max())) + 1
        n_items = int(max(items.max(), data["test_items"].max())) + 1
        kernels.set_threads(settings["threads"])
        rng, d = np.random.default_rng(0), settings["factors"]
        self.P = rng.normal(0, 0.1, (n_users, d)).astype(np.float32)
        self.Q = rng.normal(0, 0.1, (n_items, d)).astype(np.float32)
        self.user_bias, self.item_bias = (
            np.zeros(n_users, np.float32),
            np.zeros(n_items, np.float32),
        )
        self.ratings = np.asarray(data["ratings"])
        self.mean = float(self.ratings.mean(dtype=np.float64))
        self.schedule = kernels.sgd_schedule(users, items, n_users, n_items)
        by_user, by_item = (np.full(n, settings["reg"], np.float32) for n in (n_users, n_items))
        self.options = {
            "rate": settings["learning_rate"],
            "mean": self.mean,
            "reg_factors_user": by_user,
            "reg_factors_item": by_item,
            "reg_bias_user": by_user,
            "reg_bias_item": by_item,
        }

    def run(self):
        sides = (self.P, self.Q, self.user_bias, self.item_bias)
        kernels.rating_sgd(self.schedule, self.ratings, *sides, **self.options)
        return {}

    def results(self):
        u, i = self.data["test_users"], self.data["test_items"]
        dot = np.einsum("nd,nd->n", self.P[u], self.Q[i])
        return {"predictions": self.mean + self.user_bias[u] + self.item_bias[i] + dot}


class Metrics:
    """`ranking_quality` of a model whose lists are given."""

    def __init__(self, data, settings):
        lists, indptr = np.asarray(data["lists"]), np.asarray(data["held_indptr"])
        owners = np.repeat(np.arange(len(lists)), np.diff(indptr))
        self.held = pt.Interactions.from_columns(owners, np.asarray(data["held_indices"]))
        self.lists, self.at = lists, (settings["ndcg_at"], settings["recall_at"])

    def recommend(self, users, n, on_shortage):
        """The given lists, as a model's table of answers."""
        lists = self.lists[np.asarray(users), :n]
        there = lists >= 0
        rank = np.broadcast_to(np.arange(1, lists.shape[1] + 1), lists.shape)
        owner = np.broadcast_to(np.asarray(users)[:, None], lists.shape)
        return {"user_id": owner[there], "item_id": lists[there], "rank": rank[there]}

    def run(self):
        from penchant.evaluation.metrics import ranking_quality

        ndcg_at, recall_at = self.at
        return {
            "ndcg": ranking_quality(self, self.held, ndcg_at).ndcg,
            "recall": ranking_quality(self, self.held, recall_at).recall,
        }


TASKS = {
    "item_cosine": ItemCosine,
    "top_k": TopK,
    "one_user": OneUser,
    "one_user_fold_in": OneUserFoldIn,
    "rating_mf": RatingMF,
    "metrics": Metrics,
}

IMPORT = "import penchant"
STARTUP = (
    "import penchant as pt;"
    " model = pt.ItemKNN().fit([['tea', 'jam'], ['tea', 'scones', 'jam'], ['tea', 'cream']]);"
    " print(model.recommend(history=['tea'], n=1))"
)
