"""What irspack is asked to do in the benchmark: its C++ trainers by their own classes, all with
the given number of threads.
"""

import time

import irspack
import numpy as np
import scipy.sparse as sp
from irspack import CosineKNNRecommender, DenseSLIMRecommender, IALSRecommender, SLIMRecommender
from irspack.evaluation._core_evaluator import evaluate_list_vs_list
from irspack.utils._util_cpp import retrieve_recommend_from_score_f32
from irspack.utils.id_mapping import IDMapper
from threadpoolctl import threadpool_limits

IMPORT = "import irspack"
STARTUP = """
import numpy as np, scipy.sparse as sp
from irspack import IALSRecommender
likes = sp.csr_matrix((np.ones(6), ([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 3])))
model = IALSRecommender(likes, n_components=4, alpha0=0.1, train_epochs=2, n_threads=2).learn()
print(model.get_score_remove_seen(np.array([0])).argmax())
"""
BLOCK = 512  # users scored at once in top_k
SOLVERS = {"cg": "CG", "exact": "CHOLESKY", "block": "IALSPP"}


def version() -> str:
    """The version that runs."""
    return irspack.__version__


def _likes(data, items):
    indptr = np.asarray(data["indptr"]).astype(np.int32)
    indices = np.array(data["indices"])
    return sp.csr_matrix((np.ones(len(indices)), indices, indptr), (len(indptr) - 1, items))


def _items(data, settings):
    return settings.get("items", int(data["indices"].max()) + 1)


def _model(data, settings, users, items, **options):
    """An untrained IALSRecommender holding the given factors; nu=0 makes its ridge plain, as the
    stated objective's.
    """
    model = IALSRecommender(
        _likes(data, len(items)),
        n_components=items.shape[1],
        alpha0=settings.get("alpha", 0.1),
        reg=settings.get("reg", 0.1),
        nu=0.0,
        loss_type="IALSPP",
        train_epochs=0,
        n_threads=settings["threads"],
        **options,
    )
    model.learn()
    model.trainer.core_trainer.user = np.array(users, np.float32)
    model.trainer.core_trainer.item = np.array(items, np.float32)
    return model


class ALS:
    """loss_type="IALSPP" with nu=0 is half the stated objective: no mapping. `block` is iALS++
    with blocks of 64 (its default, or the number of factors if fewer).
    """

    def __init__(self, data, settings):
        block = min(settings.get("block", 64), settings["factors"])
        self.trainer = _model(
            data,
            settings,
            data["user_start"],
            data["item_start"],
            solver_type=SOLVERS[settings["method"]],
            max_cg_steps=3,
            ialspp_subspace_dimension=block,
        ).trainer

    def run(self):
        self.trainer.run_epoch()
        return {}

    def results(self):
        core = self.trainer.core_trainer
        return {"user_factors": core.user, "item_factors": core.item}


class ItemCosine:
    """Asked for one neighbour more: it counts the item itself and removes it afterwards."""

    def __init__(self, data, settings):
        self.likes = _likes(data, _items(data, settings))
        self.k, self.threads = settings["k"], settings["threads"]

    def run(self):
        self.model = CosineKNNRecommender(
            self.likes, normalize=True, top_k=self.k + 1, n_threads=self.threads
        )
        self.model.learn()
        return {}

    def results(self):
        near = sp.csr_matrix(self.model.W)
        ids = np.full((near.shape[0], self.k), -1, np.int32)
        scores = np.zeros(ids.shape, np.float32)
        for item in range(len(ids)):
            row = slice(near.indptr[item], near.indptr[item + 1])
            found, score = near.indices[row], near.data[row]
            best = np.argsort(-score, kind="stable")
            best = best[score[best] > 0][: self.k]
            ids[item, : len(best)], scores[item, : len(best)] = found[best], score[best]
        return {"ids": ids, "scores": scores}


class TopK:
    """Blocks of scores with what was seen removed, then the function behind IDMapper's batches
    (it answers in lists).
    """

    def __init__(self, data, settings):
        self.model = _model(data, settings, data["user_factors"], data["item_factors"])
        self.n, self.threads = settings["n"], settings["threads"]
        self.users = len(data["user_factors"])

    def run(self):
        self.lists = []
        for start in range(0, self.users, BLOCK):
            scores = self.model.get_score_remove_seen_block(start, min(start + BLOCK, self.users))
            self.lists += retrieve_recommend_from_score_f32(scores, [], self.n, self.threads)
        return {}

    def results(self):
        ids = np.full((self.users, self.n), -1, np.int32)
        scores = np.full((self.users, self.n), -np.inf, np.float32)
        for user, found in enumerate(self.lists):
            for place, (item, score) in enumerate(found):
                ids[user, place], scores[user, place] = item, score
        return {"ids": ids, "scores": scores}


class OneUser:
    """IDMapper.recommend_for_known_user_id, its documented way to serve one user."""

    def __init__(self, data, settings):
        settings = dict(settings, threads=1)  # one user's work is too small to share out
        threadpool_limits(1, "blas")
        self.model = _model(
            data, settings, data["user_factors"], data["item_factors"], solver_type="CHOLESKY"
        )
        self.indptr, self.indices = np.array(data["indptr"]), np.array(data["indices"])
        self.mapper = IDMapper(
            list(range(len(data["user_factors"]))), list(range(len(data["item_factors"])))
        )
        self.n, self.users = settings.get("n", 10), np.asarray(data["users"])

    def _ask(self, user):
        return user

    def _recommend(self, user):
        return self.mapper.recommend_for_known_user_id(self.model, user, cutoff=self.n)

    def run(self):
        seconds, self.lists = [], []
        for user in self.users.tolist():
            question = self._ask(user)
            start = time.perf_counter()
            found = self._recommend(question)
            seconds.append(time.perf_counter() - start)
            self.lists.append(found)
        return {"p50": float(np.percentile(seconds, 50)), "p99": float(np.percentile(seconds, 99))}

    def results(self):
        ids = np.full((len(self.lists), self.n), -1, np.int32)
        for row, found in zip(ids, self.lists, strict=True):
            row[: len(found)] = [item for item, _ in found]
        return {"ids": ids}


class OneUserFoldIn(OneUser):
    """IDMapper.recommend_for_new_user from the list of liked items, solved exactly (Cholesky)."""

    def _ask(self, user):
        return self.indices[self.indptr[user] : self.indptr[user + 1]].tolist()

    def _recommend(self, history):
        return self.mapper.recommend_for_new_user(
            self.model, history, cutoff=self.n, forbidden_item_ids=history
        )


class EASE:
    def __init__(self, data, settings):
        self.likes, self.l2 = _likes(data, _items(data, settings)), float(settings["l2"])

    def run(self):
        self.model = DenseSLIMRecommender(self.likes, reg=self.l2)
        self.model.learn()
        return {}

    def results(self):
        return {"weights": np.asarray(self.model.W, np.float32)}


class SLIM:
    """All candidates: its top_k only drops weights after solving."""

    def __init__(self, data, settings):
        self.likes = _likes(data, _items(data, settings))
        self.options = {
            "alpha": settings["alpha"],
            "l1_ratio": settings["l1_ratio"],
            "positive_only": True,
            "n_iter": settings.get("iterations", 100),
            "tol": settings.get("tolerance", 1e-4),
            "n_threads": settings["threads"],
        }

    def run(self):
        self.model = SLIMRecommender(self.likes, **self.options)
        self.model.learn()
        return {}

    def results(self):
        weights = sp.csr_matrix(self.model.W)
        return {"w_indptr": weights.indptr, "w_indices": weights.indices, "w_data": weights.data}


class Metrics:
    """The function behind evaluate_df_to_df, for lists cut at 10 and at 20; making Python lists
    is not timed.
    """

    def __init__(self, data, settings):
        lists = np.asarray(data["lists"])
        held = np.split(np.asarray(data["held_indices"]), data["held_indptr"][1:-1])
        self.held = [items.tolist() for items in held]
        self.best = [[[i for i in row[:n].tolist() if i >= 0] for row in lists] for n in (10, 20)]
        self.items = int(max(lists.max(), data["held_indices"].max())) + 1
        self.threads = settings["threads"]

    def run(self):
        ndcg, recall = (
            evaluate_list_vs_list(best, self.held, self.items, self.threads).as_dict()
            for best in self.best
        )
        return {"ndcg": float(ndcg["ndcg"]), "recall": float(recall["recall"])}


TASKS = {
    "als": ALS,
    "item_cosine": ItemCosine,
    "top_k": TopK,
    "one_user": OneUser,
    "one_user_fold_in": OneUserFoldIn,
    "ease": EASE,
    "slim": SLIM,
    "metrics": Metrics,
}
