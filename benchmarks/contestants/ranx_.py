"""What ranx is asked to do in the benchmark: its compiled metrics (numba; the first run compiles,
or loads what was compiled).
"""

from importlib.metadata import version as _version

import numpy as np
from numba import set_num_threads
from numba.typed import List
from ranx import evaluate

IMPORT = "import ranx"


def version() -> str:
    """The version that runs."""
    return _version("ranx")


class Metrics:
    """Typed lists of (item, score) rows, the form evaluate turns a Qrels and a Run into; one call
    gives both metrics.
    """

    def __init__(self, data, settings):
        set_num_threads(settings["threads"])
        self.threads = settings["threads"]
        lists = np.asarray(data["lists"])
        falling = np.arange(lists.shape[1], 0, -1).astype(np.float64)
        held = np.split(np.asarray(data["held_indices"]), data["held_indptr"][1:-1])
        self.run_, self.qrels = List(), List()
        for row, relevant in zip(lists, held, strict=True):
            if len(relevant):
                there = row >= 0
                self.run_.append(np.column_stack([row[there].astype(np.float64), falling[there]]))
                self.qrels.append(
                    np.column_stack([relevant, np.ones(len(relevant))]).astype(np.float64)
                )

    def run(self):
        found = evaluate(
            self.qrels,
            self.run_,
            ["ndcg@10", "recall@20"],
            threads=self.threads,
            save_results_in_run=False,
        )
        return {"ndcg": float(found["ndcg@10"]), "recall": float(found["recall@20"])}


TASKS = {"metrics": Metrics}
