"""Polars numbers ids by a join with the distinct ones, SciPy sorts."""

from importlib.metadata import version as _version

import given
import numpy as np
import polars as pl
import scipy.sparse as sp


def version() -> str:
    """The versions that run."""
    return f"{_version('polars')}, scipy {_version('scipy')}"


class Reading:
    """Distinct ids, a join, then COO to CSR."""

    def __init__(self, data, settings):
        users, items = given.columns(data, settings)
        self.frame = pl.DataFrame({"user": users, "item": items})

    def run(self):
        self.matrix = None
        (users, self.user_ids), (items, self.item_ids) = map(self._numbered, ("user", "item"))
        ones = np.ones(len(users), np.float32)
        shape = len(self.user_ids), len(self.item_ids)
        self.matrix = sp.coo_array((ones, (users, items)), shape).tocsr()
        return {}

    def _numbered(self, column):
        distinct = self.frame.select(pl.col(column).unique()).with_row_index("code")
        coded = self.frame.select(column).join(
            distinct, on=column, how="left", maintain_order="left"
        )
        return coded["code"].to_numpy().astype(np.int32), distinct[column]

    def results(self):
        ids = (one.to_numpy() for one in (self.user_ids, self.item_ids))
        return given.matrix(self.matrix, *ids)


TASKS = {"reading": Reading}
