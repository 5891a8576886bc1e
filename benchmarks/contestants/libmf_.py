"""What LIBMF (its Python binding) is asked to do in the benchmark: rating factors by parallel SGD."""

import time
from importlib.metadata import version as _version

import numpy as np
from libmf import mf

IMPORT = "import libmf.mf"


def version() -> str:
    return _version("libmf")


class RatingMF:
    """No biases; its own step schedule with the step it starts from by default (0.1). It cannot continue: a run is a fit
    of one epoch and one of five, the figure their difference over four; results() fit as many epochs as runs."""

    def __init__(self, data, settings):
        columns = (np.asarray(data[name], np.float32) for name in ("users", "items", "ratings"))
        self.train = np.column_stack(list(columns)).copy()
        test = np.column_stack([data["test_users"], data["test_items"]])
        self.test = np.ascontiguousarray(test, np.float32)
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
        return {"seconds_per_epoch": (self._fit(5) - one) / 4, "seconds_one_epoch_fit": one}

    def results(self):
        self._fit(self.runs)
        return {"predictions": self.model.predict(self.test)}


TASKS = {"rating_mf": RatingMF}
