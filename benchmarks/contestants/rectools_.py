"""What RecTools is asked to do in the benchmark: its ranker over given factors, its recommend()
for one user, its metrics.
"""

import time
from importlib.metadata import version as _version

import given
import numpy as np
import pandas as pd
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
from rectools import Columns
from rectools.dataset import Dataset
from rectools.metrics import NDCG, Recall, calc_metrics
from rectools.models import ImplicitALSWrapperModel
from rectools.models.rank import Distance, ImplicitRanker
from threadpoolctl import threadpool_limits

IMPORT = "import rectools.models"


def version() -> str:
    """The version that runs."""
    return _version("rectools")


class TopK:
    """ImplicitRanker, which its vector models rank with; the answer as its flat triples, without
    the data frame.
    """

    def __init__(self, data, settings):
        threadpool_limits(1, "blas")  # implicit's advice
        users, items = np.array(data["user_factors"]), np.array(data["item_factors"])
        self.ranker = ImplicitRanker(Distance.DOT, users, items, num_threads=settings["threads"])
        indptr, indices = np.asarray(data["indptr"]).astype(np.int32), np.array(data["indices"])
        values = np.ones(len(indices), np.float32)
        self.seen = sp.csr_matrix((values, indices, indptr), (len(users), len(items)))
        self.n, self.users = settings["n"], np.arange(len(users))

    def run(self):
        self.found = self.ranker.rank(self.users, k=self.n, filter_pairs_csr=self.seen)
        return {}

    def results(self):
        rows, found, found_scores = (np.asarray(part) for part in self.found)
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)
        ids = np.full((len(self.users), self.n), -1, np.int32)
        scores = np.full(ids.shape, -np.inf, np.float32)
        ids[rows, place], scores[rows, place] = found, found_scores
        return {"ids": ids, "scores": scores}


class OneUser:
    """model.recommend([user], ...) of an ALS model holding the given factors: its way to serve
    one user.
    """

    def __init__(self, data, settings):
        threadpool_limits(1, "blas")
        indptr, self.n = np.asarray(data["indptr"]), settings.get("n", 10)
        table = pd.DataFrame(
            {
                Columns.User: np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)),
                Columns.Item: np.asarray(data["indices"]),
                Columns.Weight: 1.0,
                Columns.Datetime: pd.Timestamp("2020-01-01"),
            }
        )
        self.dataset = Dataset.construct(table)
        factors = data["user_factors"].shape[1]
        inner = AlternatingLeastSquares(factors=factors, iterations=1, num_threads=1)
        self.model = ImplicitALSWrapperModel(inner, recommend_n_threads=1).fit(self.dataset)
        # The dataset numbers users and items in order of appearance.
        users = self.dataset.user_id_map.external_ids.astype(int)
        items = self.dataset.item_id_map.external_ids.astype(int)
        self.model.model.user_factors = np.ascontiguousarray(data["user_factors"][users])
        self.model.model.item_factors = np.ascontiguousarray(data["item_factors"][items])
        self.users = np.asarray(data["users"])

    def run(self):
        seconds, self.ids = [], []
        for user in self.users.tolist():
            start = time.perf_counter()
            found = self.model.recommend([user], self.dataset, k=self.n, filter_viewed=True)
            seconds.append(time.perf_counter() - start)
            self.ids.append(found[Columns.Item].to_numpy())
        return {"p50": float(np.percentile(seconds, 50)), "p99": float(np.percentile(seconds, 99))}

    def results(self):
        ids = np.full((len(self.ids), self.n), -1, np.int32)
        for row, found in zip(ids, self.ids, strict=True):
            row[: len(found)] = found
        return {"ids": ids}


class Metrics:
    """calc_metrics on data frames; NDCG's ideal is the user's own held items
    (divide_by_achievable).
    """

    def __init__(self, data, settings):
        lists, held = np.asarray(data["lists"]), np.asarray(data["held_indptr"])
        users, places = np.nonzero(lists >= 0)
        self.lists = pd.DataFrame(
            {Columns.User: users, Columns.Item: lists[users, places], Columns.Rank: places + 1}
        )
        owners = np.repeat(np.arange(len(held) - 1), np.diff(held))
        self.held = pd.DataFrame(
            {Columns.User: owners, Columns.Item: np.asarray(data["held_indices"])}
        )
        self.metrics = {"ndcg": NDCG(k=10, divide_by_achievable=True), "recall": Recall(k=20)}

    def run(self):
        found = calc_metrics(self.metrics, self.lists, self.held)
        return {"ndcg": float(found["ndcg"]), "recall": float(found["recall"])}


class Reading:
    """Dataset.construct of a data frame, then its matrix."""

    def __init__(self, data, settings):
        users, items = given.columns(data, settings)
        self.frame = pd.DataFrame(
            {
                Columns.User: users,
                Columns.Item: items,
                Columns.Weight: 1.0,
                Columns.Datetime: pd.Timestamp("2020-01-01"),
            }
        )

    def run(self):
        self.dataset = self.matrix = None
        self.dataset = Dataset.construct(self.frame)
        self.matrix = self.dataset.get_user_item_matrix(include_weights=False)
        return {}

    def results(self):
        users, items = self.dataset.user_id_map, self.dataset.item_id_map
        return given.matrix(self.matrix, users.external_ids, items.external_ids)


TASKS = {"top_k": TopK, "one_user": OneUser, "metrics": Metrics, "reading": Reading}
