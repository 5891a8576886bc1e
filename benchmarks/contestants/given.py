"""Columns of raw ids as contestants are given them, and what they made of them as it is checked."""

import numpy as np


def columns(data, settings):
    """Users and items: int64 arrays, or lists of texts, a text of its own for each row."""
    users, items = np.asarray(data["user_ids"]), np.asarray(data["item_ids"])
    if settings["ids"] == "integers":
        return users, items
    return [f"u{one}" for one in users.tolist()], [f"item {one}" for one in items.tolist()]


def matrix(csr, user_ids, item_ids):
    """A SciPy CSR with the ids of its rows and columns."""
    return {
        "indptr": np.asarray(csr.indptr, np.int64),
        "indices": csr.indices,
        "user_ids": _plain(user_ids),
        "item_ids": _plain(item_ids),
    }


def _plain(ids):
    ids = np.asarray(ids)
    return ids.astype(str) if ids.dtype.kind in "OT" else ids
