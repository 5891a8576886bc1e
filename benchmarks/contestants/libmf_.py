"""What LIBMF (its Python binding) is asked to do in the benchmark: rating factors by parallel
SGD.
"""

from importlib.metadata import version as _version

import numpy as np
from from_scratch import FromScratch
from libmf import mf

IMPORT = "import libmf.mf"


def version() -> str:
    """The version that runs."""
    return _version("libmf")


class RatingMF(FromScratch):
    """No biases; its own schedule of steps, from the one it starts with by default (0.1) or from
    `start`.
    """

    more = 5

    def __init__(self, data, settings):
        columns = (np.asarray(data[name], np.float32) for name in ("users", "items", "ratings"))
        self.train = np.column_stack(list(columns)).copy()
        self.test = np.asarray(data["test_users"]), np.asarray(data["test_items"])
        self.options = {
            "k": settings["factors"],
            "lambda_p2": settings["reg"],
            "lambda_q2": settings["reg"],
            "lambda_p1": 0.0,
            "lambda_q1": 0.0,
            "eta": settings.get("start", 0.1),
            "nr_threads": settings["threads"],
            "quiet": True,
        }

    def fit(self, epochs):
        self.model = mf.MF(nr_iters=epochs, **self.options)
        self.model.fit(self.train)

    def found(self):
        # Not model.predict, whose answers are not these products (and err more than the mean does).
        users, items = self.model.p_factors(), self.model.q_factors()
        inside = (self.test[0] < len(users)) & (self.test[1] < len(items))
        user, item = (np.where(inside, ids, 0) for ids in self.test)
        scores = (users[user] * items[item]).sum(axis=1)
        known = inside & np.isfinite(scores)  # vectors of those without a rating are not numbers
        return {"predictions": np.where(known, scores, self.train[:, 2].mean())}


TASKS = {"rating_mf": RatingMF}
