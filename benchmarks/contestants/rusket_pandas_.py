"""rusket with pandas, which its reading of data frames needs."""

from importlib.metadata import version as _version

import given
import pandas as pd
import rusket


def version() -> str:
    """The versions that run."""
    return f"{_version('rusket')}, pandas {_version('pandas')}"


class Reading:
    """ALS.from_transactions, which numbers ids and makes the matrix, and fits nothing."""

    def __init__(self, data, settings):
        users, items = given.columns(data, settings)
        self.frame = pd.DataFrame({"user": users, "item": items})

    def run(self):
        self.model = None
        self.model = rusket.ALS.from_transactions(self.frame, "user", "item")
        return {}

    def results(self):
        model = self.model
        return given.matrix(model._prepared_interactions, model._user_labels, model._item_labels)


TASKS = {"reading": Reading}
