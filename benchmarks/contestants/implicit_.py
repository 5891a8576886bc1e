"""What implicit is asked to do in the benchmark, in its fastest settings (native code, float32,
OpenBLAS kept to one thread as it advises).
"""

import time
from importlib.metadata import version as _version

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.cpu.topk import topk
from implicit.nearest_neighbours import CosineRecommender
from threadpoolctl import threadpool_limits

IMPORT = "import implicit"
STARTUP = """
import numpy as np, scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
likes = sp.csr_matrix((np.ones(6, np.float32), ([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 3])))
model = AlternatingLeastSquares(factors=4, iterations=2, num_threads=2, random_state=0)
model.fit(likes, show_progress=False)
print(model.recommend(0, likes[0], N=1)[0][0])
"""


def version() -> str:
    """The version that runs."""
    return _version("implicit")


def _likes(data, items, value=1.0):
    """The likes as CSR with int32 offsets, which is what implicit computes with."""
    indptr = np.asarray(data["indptr"]).astype(np.int32)
    indices = np.array(data["indices"])
    values = np.full(len(indices), value, np.float32)
    return sp.csr_matrix((values, indices, indptr), (len(indptr) - 1, items))


def _items(data, settings):
    return settings.get("items", int(data["indices"].max()) + 1)


def _serving_model(data, settings):
    """A model that serves given factors; the stated objective mapped as in ALS below."""
    unobserved = settings.get("alpha", 1.0)
    model = AlternatingLeastSquares(
        factors=data["item_factors"].shape[1],
        regularization=settings.get("reg", 0.01) * (1 + unobserved) / unobserved,
        num_threads=1,  # with two threads one user takes longer
    )
    scale = np.float32(np.sqrt(1 + unobserved))
    model.user_factors = np.asarray(data["user_factors"]) * scale
    model.item_factors = np.asarray(data["item_factors"]) * scale
    return model


class ALS:
    """implicit minimises sum_S c(s-1)^2 + sum_rest s^2 + r(|P|^2 + |Q|^2). With c = 1 + 1/a0, r =
    lambda(1+a0)/a0 and factors larger by sqrt(1+a0), every solve (exact or CG) is the stated
    objective's, step for step.
    """

    def __init__(self, data, settings):
        if settings["method"] not in ("cg", "exact"):
            raise ValueError(f"no method {settings['method']}")
        threadpool_limits(1, "blas")
        unobserved = settings["alpha"]
        self.scale = np.float32(np.sqrt(1 + unobserved))
        self.likes = _likes(data, len(data["item_start"]), 1 + 1 / unobserved)
        self.liked_by = self.likes.T.tocsr()
        self.users = np.asarray(data["user_start"]) * self.scale
        self.items = np.asarray(data["item_start"]) * self.scale
        self.threads = settings["threads"]
        self.reg = settings["reg"] * (1 + unobserved) / unobserved
        model = AlternatingLeastSquares(
            factors=settings["factors"],
            use_native=True,
            use_cg=settings["method"] == "cg",
            num_threads=self.threads,
        )
        self.solve = model.solver  # what fit() calls, without its transposing and its checks

    def run(self):
        self.solve(self.likes, self.users, self.items, self.reg, num_threads=self.threads)
        self.solve(self.liked_by, self.items, self.users, self.reg, num_threads=self.threads)
        return {}

    def results(self):
        return {"user_factors": self.users / self.scale, "item_factors": self.items / self.scale}


class ItemCosine:
    """CosineRecommender keeps the item itself among its K: asked for one more, dropped in
    results().
    """

    def __init__(self, data, settings):
        self.likes = _likes(data, _items(data, settings))
        self.k, self.threads = settings["k"], settings["threads"]

    def run(self):
        self.model = CosineRecommender(K=self.k + 1, num_threads=self.threads)
        self.model.fit(self.likes, show_progress=False)
        return {}

    def results(self):
        similarity = self.model.similarity
        ids = np.full((similarity.shape[0], self.k), -1, np.int32)
        scores = np.zeros(ids.shape, np.float32)
        for item in range(len(ids)):
            row = slice(similarity.indptr[item], similarity.indptr[item + 1])
            near, score = similarity.indices[row], similarity.data[row]
            other = (near != item) & (score > 0)
            near, score = near[other], score[other]
            best = np.argsort(-score, kind="stable")[: self.k]
            ids[item, : len(best)], scores[item, : len(best)] = near[best], score[best]
        return {"ids": ids, "scores": scores}


class TopK:
    """topk is what model.recommend calls for an array of users; without the model nothing is
    copied.
    """

    def __init__(self, data, settings):
        threadpool_limits(1, "blas")
        self.user_factors = np.array(data["user_factors"])
        self.item_factors = np.array(data["item_factors"])
        self.seen = _likes(data, len(self.item_factors))
        self.n, self.threads = settings["n"], settings["threads"]

    def run(self):
        self.ids, self.scores = topk(
            self.item_factors,
            self.user_factors,
            self.n,
            filter_query_items=self.seen,
            num_threads=self.threads,
        )
        return {}

    def results(self):
        return {"ids": self.ids, "scores": self.scores}


class OneUser:
    """model.recommend for one user; taking the user's row of the matrix, which the call asks for,
    is not timed.
    """

    recalculate = False

    def __init__(self, data, settings):
        threadpool_limits(1, "blas")
        self.model = _serving_model(data, settings)
        value = 1 + 1 / settings.get("alpha", 1.0)
        likes = _likes(data, len(data["item_factors"]), value)
        self.n, self.users = settings.get("n", 10), np.asarray(data["users"])
        self.histories = [likes[user] for user in self.users]

    def run(self):
        seconds, self.ids = [], []
        for user, history in zip(self.users.tolist(), self.histories, strict=True):
            start = time.perf_counter()
            ids, _ = self.model.recommend(
                user, history, N=self.n, recalculate_user=self.recalculate
            )
            seconds.append(time.perf_counter() - start)
            self.ids.append(ids)
        return {"p50": float(np.percentile(seconds, 50)), "p99": float(np.percentile(seconds, 99))}

    def results(self):
        return {"ids": np.array(self.ids, np.int32)}


class OneUserFoldIn(OneUser):
    recalculate = True


class BPR:
    """The stated update; implicit's own start; the last of its factors is the item bias, a one on
    the user's side.
    """

    def __init__(self, data, settings):
        self.likes = _likes(data, _items(data, settings))
        self.model = BayesianPersonalizedRanking(
            factors=settings["factors"],
            learning_rate=settings["learning_rate"],
            regularization=settings["reg"],
            iterations=1,
            num_threads=settings["threads"],
            verify_negative_samples=True,
            random_state=np.random.default_rng(0),  # a number would draw the same in every fit
        )

    def run(self):
        return self.learn(1)

    def learn(self, epochs):
        self.model.iterations = epochs
        self.model.fit(self.likes, show_progress=False)  # continues from the factors it has
        return {}

    def results(self):
        return {"user_factors": self.model.user_factors, "item_factors": self.model.item_factors}


TASKS = {
    "als": ALS,
    "item_cosine": ItemCosine,
    "top_k": TopK,
    "one_user": OneUser,
    "one_user_fold_in": OneUserFoldIn,
    "bpr": BPR,
}
