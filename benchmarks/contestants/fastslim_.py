"""What fastslim is asked to do in the benchmark: SLIM with non-negative weights."""

import warnings

import fastslim
import numpy as np
import scipy.sparse as sp

IMPORT = "import fastslim"


def version() -> str:
    """The version that runs."""
    return fastslim.__version__


class SLIM:
    """Its penalties are sums over users, the stated ones means: lambd = U alpha l1_ratio, beta =
    U alpha (1 - l1_ratio).
    """

    def __init__(self, data, settings):
        indptr, indices = np.array(data["indptr"]).astype(np.int32), np.array(data["indices"])
        items = settings.get("items", int(indices.max()) + 1)
        users = len(indptr) - 1
        self.likes = sp.csr_matrix((np.ones(len(indices)), indices, indptr), (users, items))
        self.options = {
            "lambd": users * settings["alpha"] * settings["l1_ratio"],
            "beta": users * settings["alpha"] * (1 - settings["l1_ratio"]),
            "max_iter": settings.get("iterations", 1000),
            "tol": settings.get("tolerance", 1e-4),
            "n_threads": settings["threads"],
        }

        warnings.filterwarnings("ignore", category=fastslim.ConvergenceWarning)

    def run(self):
        self.weights = fastslim.fit(self.likes, **self.options)
        return {}

    def results(self):
        weights = sp.csr_matrix(self.weights)
        return {"w_indptr": weights.indptr, "w_indices": weights.indices, "w_data": weights.data}


TASKS = {"slim": SLIM}
