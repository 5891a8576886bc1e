"""Penchant's part in each task."""

from __future__ import annotations

import sys
import tempfile
import time
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

import penchant as pt
from penchant import kernels
from penchant.evaluation.metrics import ndcg, recall
from penchant.kernels import Rows

sys.path.append(str(Path(__file__).parent))  # workers open this file by its place
import given

# What is loaded when it is first needed: before memory is watched, as the others load theirs.
for module in ("numpy.random", "narwhals", "pyarrow", "scipy.sparse"):
    import_module(module)


def version() -> str:
    """The version that runs."""
    return pt.__version__


def likes(data):
    """The CSR of likes and its number of items."""
    rows = Rows(np.array(data["indptr"]), np.array(data["indices"]))
    return rows, int(rows.indices.max()) + 1


class ALS:
    """The two half-steps of `ImplicitALS`, damped plainly; items may lead on, whatever the loss."""

    def __init__(self, data, settings):
        self.rows, n_items = likes(data)
        self.turned = self.rows.transpose(n_items)
        self.users, self.items = (np.array(data[f"{side}_start"]) for side in ("user", "item"))
        self.lead, self.first = self.items, True
        self.momentum = np.float32(settings.get("momentum", 0))
        self.alpha = np.float32(settings["alpha"])
        self.ridge = np.full(settings["factors"], settings["reg"], np.float32)
        self.solver = settings["method"]
        self.steps = 3 if self.solver == "cg" else 1
        kernels.set_threads(settings["threads"])

    def half(self, rows, before, other):
        return kernels.solve_rows(
            rows,
            None,
            other,
            self.ridge,
            gram=kernels.gram(other) * self.alpha,
            solver=self.solver,
            start=before,
            steps=self.steps,
        )

    def run(self):
        self.users = self.half(self.rows, self.users, self.lead)
        before, self.items = self.items, self.half(self.turned, self.lead, self.users)
        onward = self.momentum and not self.first
        self.lead = self.items + self.momentum * (self.items - before) if onward else self.items
        self.first = False
        return {}

    def results(self):
        return {"user_factors": self.users, "item_factors": self.items}


class ItemCosine:
    """What `ItemKNN` does with likes: turn the table, then all rows' neighbours."""

    def __init__(self, data, settings):
        self.rows, self.n_items = likes(data)
        self.k = settings["k"]
        kernels.set_threads(settings["threads"])

    def run(self):
        by_item = self.rows.transpose(self.n_items)
        self.near = kernels.neighbours(by_item, self.rows.n_rows, self.k)
        return {}

    def results(self):
        counts = np.diff(self.near.indptr)
        place = np.arange(self.k) < counts[:, None]
        ids = np.full(place.shape, -1, np.int32)
        scores = np.zeros(place.shape, np.float32)
        ids[place], scores[place] = self.near.indices, self.near.values
        return {"ids": ids, "scores": scores}


class TopK:
    """All users' lists in one call, items packed before as a fitted model has them."""

    def __init__(self, data, settings):
        kernels.set_threads(settings["threads"])
        self.users, self.items = (np.array(data[f"{side}_factors"]) for side in ("user", "item"))
        self.seen, _ = likes(data)
        self.n = settings["n"]
        self.panels = kernels.Panels(self.items)

    def run(self):
        self.ids, self.scores = kernels.top_k(self.users, self.panels, self.n, exclude=self.seen)
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
        return kernels.top_k(self.users[user : user + 1], self.panels, self.n, exclude=seen)


def fit(data, settings, folder):
    """Fit a model of the likes and save it."""
    rows, _ = likes(data)
    people = np.repeat(np.arange(rows.n_rows), np.diff(rows.indptr))
    likings = pt.Interactions.from_columns(people, rows.indices.astype(np.int64))
    pt.ImplicitALS(factors=settings["factors"], epochs=2).fit(likings).save(folder)


class OneUserFoldIn:
    """`model.recommend(user)`: ids both ways, the history found and folded in.

    Peers are given factors; so the model comes from a folder, fitted in another process.
    """

    def __init__(self, data, settings):
        self.folder = tempfile.TemporaryDirectory()
        fitting = get_context("fork").Process(target=fit, args=(data, settings, self.folder.name))
        fitting.start()
        fitting.join()
        if fitting.exitcode:
            raise RuntimeError(f"the model to be asked was not fitted: exit {fitting.exitcode}")
        self.model = pt.load(self.folder.name)
        self.asked, self.n = data.get("users", np.empty(0)).tolist(), settings["n"]
        kernels.set_threads(settings["threads"])

    def run(self):
        return each_timed(self.asked, lambda user: self.model.recommend(user, n=self.n))


class AllUsersFoldIn(OneUserFoldIn):
    """`model.recommend(everybody)` as a table, folded in."""

    def run(self):
        self.model.recommend(self.model.fitted.users.ids(), n=self.n)
        return {}


class EASE:
    """Co-counts, their inverse, and the weights."""

    def __init__(self, data, settings):
        self.rows, self.n_items = likes(data)
        self.l2 = np.float32(settings["l2"])
        kernels.set_threads(settings["threads"])

    def run(self):
        weights = kernels.co_counts(self.rows, self.n_items)
        weights.flat[:: self.n_items + 1] += self.l2
        kernels.spd_inverse(weights)
        weights /= -np.diag(weights).copy()
        np.fill_diagonal(weights, 0)
        self.weights = weights
        return {}

    def results(self):
        return {"weights": self.weights}


class SLIM:
    """`slim_columns` with the damping of the stated objective."""

    def __init__(self, data, settings):
        self.rows, self.n_items = likes(data)
        scale = self.rows.n_rows * settings["alpha"]
        self.options = {
            "l1": scale * settings["l1_ratio"],
            "l2": scale * (1 - settings["l1_ratio"]),
            "max_iterations": settings["iterations"],
            "tolerance": settings["tolerance"],
        }
        kernels.set_threads(settings["threads"])

    def run(self):
        self.columns = kernels.slim_columns(self.rows, self.n_items, **self.options)
        return {}

    def results(self):
        weights = self.columns.transpose(self.n_items)
        return {"w_indptr": weights.indptr, "w_indices": weights.indices, "w_data": weights.values}


class BPR:
    """An epoch of `BPR`: draw, then descend."""

    def __init__(self, data, settings):
        rows, n_items = likes(data)
        kernels.set_threads(settings["threads"])
        rng, d = np.random.default_rng(0), settings["factors"]
        self.plan = kernels.pair_plan(rows, n_items)
        spread = settings.get("init", 0.1)
        self.users = kernels.normal(rng, spread, (rows.n_rows, d))
        self.items = kernels.normal(rng, spread, (n_items, d))
        self.bias, self.epoch = np.zeros(n_items, np.float32), 0
        self.rate, self.decay = settings["learning_rate"], settings.get("decay", 1.0)
        self.options = {"reg": settings["reg"], "reg_bias": settings["reg"]}

    def run(self):
        sides = (self.users, self.items, self.bias)
        kernels.bpr_sgd(self.plan, self.epoch, *sides, rate=self.rate, **self.options)
        self.rate *= self.decay
        self.epoch += 1
        return {}

    def results(self):
        ones = np.ones((len(self.users), 1), np.float32)
        return {
            "user_factors": np.hstack([self.users, ones]),
            "item_factors": np.hstack([self.items, self.bias[:, None]]),
        }


class RatingMF:
    """An epoch of the schedule that `RatingMF` walks with solver="sgd"."""

    def __init__(self, data, settings):
        self.data = data
        users, items, ratings = (np.asarray(data[name]) for name in ("users", "items", "ratings"))
        n_users = int(max(users.max(), data["test_users"].max())) + 1
        n_items = int(max(items.max(), data["test_items"].max())) + 1
        kernels.set_threads(settings["threads"])
        self.schedule = kernels.sgd_schedule(users, items, ratings, n_users, n_items)
        rng, d = np.random.default_rng(0), settings["factors"]
        spread = settings.get("init", 0.1)
        self.P = kernels.normal(rng, spread, (n_users, d))
        self.Q = kernels.normal(rng, spread, (n_items, d))
        self.user_bias, self.item_bias = (
            np.zeros(n_users, np.float32),
            np.zeros(n_items, np.float32),
        )
        self.mean = float(ratings.mean(dtype=np.float64))
        by_user, by_item = (np.full(n, settings["reg"], np.float32) for n in (n_users, n_items))
        self.rate, self.decay = settings["learning_rate"], settings.get("decay", 1.0)
        self.options = {
            "mean": self.mean,
            "reg_factors_user": by_user,
            "reg_factors_item": by_item,
            "reg_bias_user": by_user,
            "reg_bias_item": by_item,
        }

    def run(self):
        sides = (self.P, self.Q, self.user_bias, self.item_bias)
        kernels.rating_sgd(self.schedule, *sides, rate=self.rate, **self.options)
        self.rate *= self.decay
        return {}

    def results(self):
        u, i = self.data["test_users"], self.data["test_items"]
        dot = np.einsum("nd,nd->n", self.P[u], self.Q[i])
        return {"predictions": self.mean + self.user_bias[u] + self.item_bias[i] + dot}


class Metrics:
    """Hits of given lists, then both metrics of each user."""

    def __init__(self, data, settings):
        self.lists = np.array(data["lists"])
        self.held = Rows(np.array(data["held_indptr"]), np.array(data["held_indices"]))
        self.n_items = int(max(self.lists.max(), self.held.indices.max())) + 1
        self.at = settings["ndcg_at"], settings["recall_at"]
        kernels.set_threads(settings["threads"])

    def run(self):
        sizes = np.diff(self.held.indptr)
        hit, asked = kernels.hits(self.lists, self.held, self.n_items), sizes > 0
        ndcg_at, recall_at = self.at
        if not asked.all():
            hit, sizes = hit[asked], sizes[asked]
        return {
            "ndcg": float(ndcg(hit[:, :ndcg_at], sizes).mean()),
            "recall": float(recall(hit[:, :recall_at], sizes).mean()),
        }


class Reading:
    """Columns of numbers, or a data frame of text; the matrix as SciPy has it."""

    def __init__(self, data, settings):
        users, items = given.columns(data, settings)
        self.is_text = settings["ids"] == "texts"
        if self.is_text:
            self.frame = pd.DataFrame({"user_id": users, "item_id": items})
        else:
            self.columns = users, items
        kernels.set_threads(settings["threads"])

    def run(self):
        self.data = None
        read = pt.read(self.frame) if self.is_text else pt.Interactions.from_columns(*self.columns)
        self.data, self.matrix = read, read.csr
        return {}

    def results(self):
        return given.matrix(self.matrix, self.data.users.ids(), self.data.items.ids())


TASKS = {
    "als": ALS,
    "item_cosine": ItemCosine,
    "top_k": TopK,
    "one_user": OneUser,
    "one_user_fold_in": OneUserFoldIn,
    "all_users_fold_in": AllUsersFoldIn,
    "ease": EASE,
    "slim": SLIM,
    "bpr": BPR,
    "rating_mf": RatingMF,
    "metrics": Metrics,
    "reading": Reading,
}

IMPORT = "import penchant"
STARTUP = (
    "import penchant as pt;"
    " model = pt.ItemKNN().fit([['tea', 'jam'], ['tea', 'scones', 'jam'], ['tea', 'cream']]);"
    " print(model.recommend(history=['tea'], n=1))"
)
