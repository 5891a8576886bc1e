"""What LightFM (the maintained lightfm-next) is asked to do in the benchmark: BPR with its OpenMP
code.
"""

from importlib.metadata import version as _version

import numpy as np
import scipy.sparse as sp
from lightfm import LightFM

IMPORT = "import lightfm"


def version() -> str:
    """The version that runs."""
    return _version("lightfm-next")


class BPR:
    """LightFM has adagrad or adadelta, no plain SGD: the same number of draws, another step."""

    def __init__(self, data, settings):
        indptr, indices = np.asarray(data["indptr"]), np.array(data["indices"], np.int32)
        items = settings.get("items", int(indices.max()) + 1)
        users = len(indptr) - 1
        rows = np.repeat(np.arange(users, dtype=np.int32), np.diff(indptr))
        self.likes = sp.coo_matrix(
            (np.ones(len(rows), np.float32), (rows, indices)), (users, items)
        )
        self.threads = settings["threads"]
        self.model = LightFM(
            no_components=settings["factors"],
            loss="bpr",
            learning_schedule="adagrad",
            learning_rate=settings["learning_rate"],
            user_alpha=settings["reg"],
            item_alpha=settings["reg"],
            random_state=0,
        )

    def run(self):
        return self.learn(1)

    def learn(self, epochs):
        self.model.fit_partial(self.likes, epochs=epochs, num_threads=self.threads)
        return {}

    def results(self):
        model = self.model
        ones = np.ones((len(model.user_embeddings), 1), np.float32)
        return {
            "user_factors": np.hstack([model.user_embeddings, ones]),
            "item_factors": np.hstack([model.item_embeddings, model.item_biases[:, None]]),
        }


TASKS = {"bpr": BPR}
