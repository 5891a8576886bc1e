"""What sparse_dot_topn is asked to do in the benchmark: the item-item product that keeps the best
of each row.
"""

from importlib.metadata import version as _version

import numpy as np
import scipy.sparse as sp
from sparse_dot_topn import sp_matmul_topn

IMPORT = "import sparse_dot_topn"


def version() -> str:
    """The version that runs."""
    return _version("sparse-dot-topn")


class ItemCosine:
    """float32, int32 indices, rows of length one; one more than k is kept and the item itself
    dropped in results().
    """

    def __init__(self, data, settings):
        indices = np.array(data["indices"])
        items = settings.get("items", int(indices.max()) + 1)
        indptr = np.asarray(data["indptr"]).astype(np.int32)
        values = np.ones(len(indices), np.float32)
        self.likes = sp.csr_matrix((values, indices, indptr), (len(indptr) - 1, items))
        self.k, self.threads = settings["k"], settings["threads"]

    def run(self):
        likes = self.likes
        degree = np.bincount(likes.indices, minlength=likes.shape[1])
        scaled = (1 / np.sqrt(np.maximum(degree, 1))).astype(np.float32)[likes.indices]
        unit = sp.csr_matrix((scaled, likes.indices, likes.indptr), likes.shape)
        self.near = sp_matmul_topn(
            unit.T.tocsr(), unit, top_n=self.k + 1, sort=True, n_threads=self.threads
        )
        return {}

    def results(self):
        near = self.near
        ids = np.full((near.shape[0], self.k), -1, np.int32)
        scores = np.zeros(ids.shape, np.float32)
        for item in range(len(ids)):
            row = slice(near.indptr[item], near.indptr[item + 1])
            other = near.indices[row] != item
            found, score = near.indices[row][other][: self.k], near.data[row][other][: self.k]
            ids[item, : len(found)], scores[item, : len(found)] = found, score
        return {"ids": ids, "scores": scores}


TASKS = {"item_cosine": ItemCosine}
