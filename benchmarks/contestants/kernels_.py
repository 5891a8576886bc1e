"""Penchant's kernels on arrays: the bare arithmetic that its public calls are compared with."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import penchant as pt
from penchant import kernels

sys.path.insert(0, str(Path(__file__).parent))  # workers open this file by its place
from penchant_ import OneUser, TopK

__all__ = ["TASKS", "version"]


def version() -> str:
    """The version that runs."""
    return pt.__version__


class OneUserFoldIn(OneUser):
    """A history's vector and its list, from arrays and into arrays."""

    def __init__(self, data, settings):
        super().__init__(data, settings)
        self.ridge = np.full(self.items.shape[1], settings["reg"], np.float32)
        self.gram = kernels.gram(self.items) * np.float32(settings["alpha"])

    def answer(self, user):
        history = self.seen.slice(user, user + 1)
        vector = kernels.solve_rows(history, None, self.items, self.ridge, gram=self.gram)
        return kernels.top_k(vector, self.panels, self.n, exclude=history)


class AllUsersFoldIn(TopK):
    """The same for all users at once."""

    def __init__(self, data, settings):
        super().__init__(data, settings)
        self.ridge = np.full(self.items.shape[1], settings["reg"], np.float32)
        self.gram = kernels.gram(self.items) * np.float32(settings["alpha"])

    def run(self):
        self.users = kernels.solve_rows(self.seen, None, self.items, self.ridge, gram=self.gram)
        return super().run()


TASKS = {"one_user_fold_in": OneUserFoldIn, "all_users_fold_in": AllUsersFoldIn}
