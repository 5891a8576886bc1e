"""What cmfrec is asked to do in the benchmark, in the settings its manual names for speed
(float32, CG, no precomputation).
"""

from importlib.metadata import version as _version

import numpy as np
import scipy.sparse as sp
from cmfrec import CMF, CMF_implicit
from from_scratch import FromScratch

IMPORT = "import cmfrec"
STARTUP = """
import numpy as np, scipy.sparse as sp
from cmfrec import CMF_implicit
likes = sp.coo_matrix((np.ones(6, np.float32), ([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 3])))
model = CMF_implicit(k=4, niter=2, use_float=True, nthreads=2, verbose=False).fit(likes)
print(model.topN(0, n=1, exclude=np.array([0, 1]))[0])
"""


def version() -> str:
    """The version that runs."""
    return _version("cmfrec")


class ALS(FromScratch):
    """With Cholesky CMF_implicit minimises implicit's objective, so the same mapping: alpha =
    1/a0, r = lambda(1+a0)/a0, factors larger by sqrt(1+a0). Its CG settles elsewhere: measured at
    its fixed point, the left-hand side weighs a like alpha + 1 more than the rest and the right-
    hand side alpha (Cholesky: alpha and alpha + 1). So for CG alpha = 1/a0 - 1, r = c lambda/a0
    and factors larger by sqrt(c), c = 1 - a0, lead to the stated optimum; a0 < 1.
    """

    def __init__(self, data, settings):
        if settings["method"] not in ("cg", "exact"):
            raise ValueError(f"no method {settings['method']}")
        unobserved = settings["alpha"]
        if settings["method"] == "cg":
            if unobserved >= 1:
                raise ValueError(f"cg: alpha {unobserved} is not below 1")
            stretch, weight = 1 - unobserved, 1 / unobserved - 1
        else:
            stretch, weight = 1 + unobserved, 1 / unobserved
        self.scale = np.float32(np.sqrt(stretch))
        indptr, indices = np.asarray(data["indptr"]), np.array(data["indices"])
        rows = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
        shape = len(data["user_start"]), len(data["item_start"])
        self.matrix = sp.coo_matrix((np.ones(len(indices), np.float32), (rows, indices)), shape)
        self.options = {
            "k": settings["factors"],
            "lambda_": settings["reg"] * stretch / unobserved,
            "alpha": weight,
            "use_cg": settings["method"] == "cg",
            "max_cg_steps": 3,
            "nthreads": settings["threads"],
        }

    def fit(self, iterations):
        self.model = CMF_implicit(
            niter=iterations,
            finalize_chol=False,
            precompute_for_predictions=False,
            use_float=True,
            verbose=False,
            **self.options,
        ).fit(self.matrix)

    def found(self):
        model = self.model
        return {"user_factors": model.A_ / self.scale, "item_factors": model.B_ / self.scale}


class RatingMF(FromScratch):
    """CMF by ALS (not SGD) with biases; scale_lam=True multiplies the ridge by a row's ratings,
    as SGD's is; scaled=False leaves it, as its defaults do.
    """

    def __init__(self, data, settings):
        self.test = np.array(data["test_users"]), np.array(data["test_items"])
        users, items = np.array(data["users"]), np.array(data["items"])
        shape = (
            int(max(users.max(), self.test[0].max())) + 1,
            int(max(items.max(), self.test[1].max())) + 1,
        )
        ratings = np.array(data["ratings"], np.float32)
        self.matrix = sp.coo_matrix((ratings, (users, items)), shape)
        self.options = {
            "k": settings["factors"],
            "lambda_": settings["reg"],
            "scale_lam": settings.get("scaled", True),
            "nthreads": settings["threads"],
        }

    def fit(self, iterations):
        self.model = CMF(
            niter=iterations,
            method="als",
            use_cg=True,
            finalize_chol=False,
            precompute_for_predictions=False,
            use_float=True,
            verbose=False,
            **self.options,
        ).fit(self.matrix)

    def found(self):
        return {"predictions": np.asarray(self.model.predict(*self.test), np.float32)}


TASKS = {"als": ALS, "rating_mf": RatingMF}
