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
    """A history's vector and its list in one call, from arrays and into arrays."""

    def __init__(self, data, settings):
        super().__init__(data, settings)
        self.fold = folding(self.items, settings)

    def answer(self, user):
        history = self.seen.slice(user, user + 1)
        return self.fold.best(history, self.n, exclude=history)


class AllUsersFoldIn(TopK):
    """The same for all users at once."""

    def __init__(self, data, settings):
        super().__init__(data, settings)
        self.fold = folding(self.items, settings)

    def run(self):
        self.ids, self.scores = self.fold.best(self.seen, self.n, exclude=self.seen)
        return {}


def folding(items, settings):
    """What histories are folded into, damped plainly."""
    ridge = np.full(items.shape[1], settings["reg"], np.float32)
    return kernels.FoldIn(items, ridge, gram=kernels.gram(items) * np.float32(settings["alpha"]))


TASKS = {"one_user_fold_in": OneUserFoldIn, "all_users_fold_in": AllUsersFoldIn}
