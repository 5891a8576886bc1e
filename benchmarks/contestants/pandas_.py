"""What users of implicit and irspack do with their columns: pandas numbers ids, SciPy sorts."""

from importlib.metadata import version as _version

import given
import numpy as np
import pandas as pd
import scipy.sparse as sp


def version() -> str:
    """The versions that run."""
    return f"{_version('pandas')}, scipy {_version('scipy')}"


class Reading:
    """factorize both columns, then COO to CSR."""

    def __init__(self, data, settings):
        self.users, self.items = (pd.Series(ids) for ids in given.columns(data, settings))

    def run(self):
        self.matrix = None
        users, self.user_ids = pd.factorize(self.users)
        items, self.item_ids = pd.factorize(self.items)
        ones = np.ones(len(users), np.float32)
        shape = len(self.user_ids), len(self.item_ids)
        self.matrix = sp.coo_array((ones, (users, items)), shape).tocsr()
        return {}

    def results(self):
        return given.matrix(self.matrix, self.user_ids, self.item_ids)


TASKS = {"reading": Reading}
