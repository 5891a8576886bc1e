"""What every trial is asked: the validation part, and what an answer is worth."""

from __future__ import annotations

from penchant.data.interactions import Interactions
from penchant.errors import ParameterError
from penchant.evaluation.asking import Goal, Lists, Stars, as_feedback
from penchant.evaluation.splits import Split
from penchant.evaluation.trial import checked_goal, goal_of
from penchant.models import Model
from penchant.progress import Report

_STARS = ("rmse", "mae", "mse")


class Question:
    """The validation part of a split, as one figure of a model."""

    def __init__(
        self,
        split: Split,
        model: Model,
        goal: Goal | None,
        metric: str | None,
        at_least: float | None,
    ) -> None:
        part = split.part("validation")
        goal = checked_goal(goal or goal_of(model, part))
        self.metric = metric or ("rmse" if goal == "stars" else "ndcg@10")
        self.smaller = goal == "stars"
        if self.smaller and self.metric not in _STARS:
            known = ", ".join(_STARS)
            raise ParameterError(f"metric must be one of {known}", where="tune", got=metric)
        self._split, self._goal, self._at_least = split, goal, at_least
        self._ask = Stars(part, at_least) if self.smaller else Lists(part, (self.metric,), at_least)
        self._learn = as_feedback(part.learn, model, at_least, goal)
        self.kind = self._learn.kind
        self.about = {
            "split": split.fingerprint(),
            "metric": self.metric,
            "at_least": at_least,
        }

    def fit(self, model: Model, rows: Interactions) -> Model:
        """A model that learned some rows as the goal wants them."""
        return model.fit(as_feedback(rows, model, self._at_least, self._goal))

    def measure(self, model: Model) -> float:
        """The metric of a fitted model."""
        return self._ask(model).measures[self.metric].value

    def answer(self, model: Model, watch: Report) -> float:
        """The metric of a model after its fit."""
        value = self.measure(model.fit(self._learn, progress=watch))
        self._split.scored["validation"] += 1
        return value
