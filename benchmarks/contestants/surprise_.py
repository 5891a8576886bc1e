"""What scikit-surprise is asked to do in the benchmark: its SGD of rating factors, and its item
similarities (one thread: it has no more).
"""

from importlib.metadata import version as _version

import numpy as np
from from_scratch import FromScratch
from surprise import SVD, KNNBasic, Trainset

IMPORT = "import surprise"


def version() -> str:
    """The version that runs."""
    return _version("scikit-surprise")


def _trainset(users, items, ratings):
    """A Trainset made from arrays; ids are kept, those without a rating get empty lists."""
    user_count, item_count = int(users.max()) + 1, int(items.max()) + 1
    by_user = {user: [] for user in range(user_count)}
    by_item = {item: [] for item in range(item_count)}
    for user, item, rating in zip(users.tolist(), items.tolist(), ratings.tolist(), strict=True):
        by_user[user].append((item, rating))
        by_item[item].append((user, rating))
    return Trainset(
        by_user,
        by_item,
        user_count,
        item_count,
        len(ratings),
        (float(ratings.min()), float(ratings.max())),
        {user: user for user in range(user_count)},
        {item: item for item in range(item_count)},
    )


class RatingMF(FromScratch):
    """SVD with biases."""

    def __init__(self, data, settings):
        self.trainset = _trainset(
            *(np.asarray(data[name]) for name in ("users", "items", "ratings"))
        )
        self.test = np.asarray(data["test_users"]), np.asarray(data["test_items"])
        self.options = {
            "n_factors": settings["factors"],
            "lr_all": settings["learning_rate"],
            "reg_all": settings["reg"],
            "init_std_dev": settings.get("init", 0.1),
            "random_state": 0,
        }

    def fit(self, epochs):
        self.model = SVD(n_epochs=epochs, **self.options)
        self.model.fit(self.trainset)

    def found(self):
        model, (users, items) = self.model, self.test
        inside = (users < len(model.bu)) & (items < len(model.bi))
        user, item = np.where(inside, users, 0), np.where(inside, items, 0)
        scores = model.bu[user] + model.bi[item] + (model.pu[user] * model.qi[item]).sum(axis=1)
        predictions = self.trainset.global_mean + np.where(inside, scores, 0)
        return {"predictions": predictions.astype(np.float32)}


class ItemCosineCommon:
    """Its cosine looks at common users only (of likes: always 1), so the work is comparable, the
    answer is not: a task of its own name. A dense [I, I] float64 matrix, no top k.
    """

    def __init__(self, data, settings):
        indptr, indices = np.asarray(data["indptr"]), np.asarray(data["indices"])
        users = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        self.trainset = _trainset(users, indices, np.ones(len(indices)))

    def run(self):
        model = KNNBasic(sim_options={"name": "cosine", "user_based": False}, verbose=False)
        model.fit(self.trainset)
        return {}


TASKS = {"rating_mf": RatingMF, "item_cosine_common": ItemCosineCommon}
