"""What skrecsys is asked to do in the benchmark: EASE, SLIM, item cosine and BPR by the kernels
its estimators call (they take id pairs).
"""

import numpy as np
import scipy.sparse as sp
import skrecsys
from skrecsys import _core

IMPORT = "import skrecsys.recommendation"


def version() -> str:
    """The version that runs."""
    return skrecsys.__version__


class _Likes:
    """float64 and int64, the only types its kernels take; the estimators' coding of ids stays out
    of the timing.
    """

    def __init__(self, data, settings):
        self.indptr = np.array(data["indptr"], np.int64)
        self.indices = np.array(data["indices"], np.int64)
        self.likes = self.indptr, self.indices, np.ones(len(self.indices))
        self.users = len(self.indptr) - 1
        self.items = settings.get("items", int(self.indices.max()) + 1)
        self.settings, self.threads = settings, settings["threads"]


class EASE(_Likes):
    def run(self):
        l2 = float(self.settings["l2"])
        self.weights = _core.ease_weights(*self.likes, self.items, l2, self.threads)
        return {}

    def results(self):
        return {"weights": self.weights.astype(np.float32)}


class SLIM(_Likes):
    """SLIMElasticNet minimises the stated objective; all candidates kept; its tolerance is of the
    duality gap.
    """

    def run(self):
        settings = self.settings
        gram = _core.item_gram(*self.likes, self.items, self.threads)
        self.columns, _ = _core.slim_elasticnet_weights_from_gram(
            gram,
            float(self.users),
            float(settings["alpha"]),
            float(settings["l1_ratio"]),
            True,
            settings.get("iterations", 100),
            settings.get("tolerance", 1e-4),
            self.items,
            self.threads,
            *[None] * 4,  # every column, from zero
        )
        return {}

    def results(self):
        indptr, indices, values = self.columns
        shape = self.items, self.items
        weights = sp.csr_matrix((values, indices, indptr), shape).T.tocsr()
        return {"w_indptr": weights.indptr, "w_indices": weights.indices, "w_data": weights.data}


class ItemCosine(_Likes):
    def run(self):
        norms = np.sqrt(np.bincount(self.indices, minlength=self.items).astype(float))
        self.near = _core.item_cosine_top_k(
            *self.likes, self.items, norms, 0.0, self.settings["k"], self.threads, None
        )
        return {}

    def results(self):
        indptr, indices, values = self.near
        ids = np.full((self.items, self.settings["k"]), -1, np.int32)
        scores = np.zeros(ids.shape, np.float32)
        for item in range(self.items):
            row = slice(indptr[item], indptr[item + 1])
            best = np.argsort(-values[row], kind="stable")
            ids[item, : len(best)] = indices[row][best]
            scores[item, : len(best)] = values[row][best]
        return {"ids": ids, "scores": scores}


class BPR(_Likes):
    """Updated in place without locks, so an epoch continues from the last."""

    def __init__(self, data, settings):
        super().__init__(data, settings)
        rng, shape = np.random.default_rng(0), settings["factors"]
        self.user_factors = (rng.random((self.users, shape)) - 0.5) / shape
        self.item_factors = (rng.random((self.items, shape)) - 0.5) / shape
        self.bias, self.epoch = np.zeros(self.items), 0

    def run(self):
        return self.learn(1)

    def learn(self, epochs):
        self.epoch += 1  # a seed
        _core.bpr_fit(
            self.indptr,
            self.indices,
            self.items,
            self.user_factors,
            self.item_factors,
            self.bias,
            float(self.settings["learning_rate"]),
            float(self.settings["reg"]),
            True,
            epochs,
            self.epoch,
            self.threads,
            None,
            popularity_negatives=False,
        )
        return {}

    def results(self):
        ones = np.ones((self.users, 1))
        return {
            "user_factors": np.hstack([self.user_factors, ones]).astype(np.float32),
            "item_factors": np.hstack([self.item_factors, self.bias[:, None]]).astype(np.float32),
        }


TASKS = {"ease": EASE, "slim": SLIM, "item_cosine": ItemCosine, "bpr": BPR}
