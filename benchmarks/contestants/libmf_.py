"""What LIBMF (its Python binding) is asked to do in the benchmark: rating factors by parallel
SGD.
"""

import time
from importlib.metadata import version as _version

import numpy as np
from libmf import mf

IMPORT = "import libmf.mf"


def version() -> str:
    """The version that runs."""
    return _version("libmf")


class RatingMF:
    """No biases; its own step schedule with the step it starts from by default (0.1). It cannot
    continue: a run is a fit of one epoch and one of five, the figure their difference over four;
    results() fit as many epochs as runs.
    """

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
            "nr_threads": settings["threads"],
            "quiet": True,
        }
        self.runs = 0

    def _fit(self, epochs):
        self.model = mf.MF(nr_iters=epochs, **self.options)
        start = time.perf_counter()
        self.model.fit(self.train)
        return time.perf_counter() - start

    def run(self):
        self.runs += 1
        one = self._fit(1)
        each = (self._fit(5) - one) / 4
        return {"seconds": each if each > 0 else one, "seconds_one_epoch_fit": one}

    def results(self):
        self._fit(self.runs)
        # Not model.predict, whose answers are not these products (and err more than the mean does).
        users, items = self.model.p_factors(), self.model.q_factors()
        inside = (self.test[0] < len(users)) & (self.test[1] < len(items))
        user, item = (np.where(inside, ids, 0) for ids in self.test)
        known = (users[user] * items[item]).sum(axis=1)
        return {"predictions": np.where(inside, known, self.train[:, 2].mean())}


TASKS = {"rating_mf": RatingMF}
