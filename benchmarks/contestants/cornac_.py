"""What Cornac is asked to do in the benchmark: rating factors by SGD on the CPU, and BPR."""

import numpy as np
from cornac import __version__, models
from cornac.data import Dataset

IMPORT = "import cornac.models"


def version() -> str:
    """The version that runs."""
    return __version__


def _dataset(users, items, values, user_count, item_count):
    triples = np.asarray(users, np.int64), np.asarray(items, np.int64), np.asarray(values, float)
    return Dataset(
        user_count,
        item_count,
        {user: user for user in range(user_count)},
        {item: item for item in range(item_count)},
        triples,
    )


class RatingMF:
    """MF with biases, without a seed (a seed means one thread); fit continues from the factors it
    has.
    """

    def __init__(self, data, settings):
        self.test = np.asarray(data["test_users"]), np.asarray(data["test_items"])
        users, items = np.asarray(data["users"]), np.asarray(data["items"])
        counts = (
            int(max(users.max(), self.test[0].max())) + 1,
            int(max(items.max(), self.test[1].max())) + 1,
        )
        self.train = _dataset(users, items, data["ratings"], *counts)
        self.model = models.MF(
            k=settings["factors"],
            max_iter=1,
            learning_rate=settings["learning_rate"],
            lambda_reg=settings["reg"],
            num_threads=settings["threads"],
            backend="cpu",
        )

    def run(self):
        return self.learn(1)

    def learn(self, epochs):
        self.model.max_iter = epochs
        self.model.fit(self.train)
        return {}

    def results(self):
        model, (users, items) = self.model, self.test
        scores = (model.u_factors[users] * model.i_factors[items]).sum(axis=1)
        scores += model.u_biases[users] + model.i_biases[items] + self.train.global_mean
        return {"predictions": scores.astype(np.float32)}


class BPR:
    """fit continues from the factors it has; an epoch draws as many triples as there are likes."""

    def __init__(self, data, settings):
        indptr, indices = np.asarray(data["indptr"]), np.asarray(data["indices"])
        items = settings.get("items", int(indices.max()) + 1)
        users = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        self.train = _dataset(users, indices, np.ones(len(indices)), len(indptr) - 1, items)
        self.model = models.BPR(
            k=settings["factors"],
            max_iter=1,
            learning_rate=settings["learning_rate"],
            lambda_reg=settings["reg"],
            num_threads=settings["threads"],
        )

    def run(self):
        return self.learn(1)

    def learn(self, epochs):
        self.model.max_iter = epochs
        self.model.fit(self.train)
        return {}

    def results(self):
        model = self.model
        ones = np.ones((len(model.u_factors), 1), np.float32)
        return {
            "user_factors": np.hstack([model.u_factors, ones]),
            "item_factors": np.hstack([model.i_factors, np.asarray(model.i_biases)[:, None]]),
        }


TASKS = {"rating_mf": RatingMF, "bpr": BPR}
