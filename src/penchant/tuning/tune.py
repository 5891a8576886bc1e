"""`tune`: the best of many trials, chosen on validation rows."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from penchant.data.interactions import LIKED_FROM, Interactions
from penchant.data.tables import Table
from penchant.errors import ParameterError, PenchantNotice
from penchant.evaluation.asking import Goal
from penchant.evaluation.splits import Role, Split
from penchant.evaluation.statistics import finite
from penchant.evaluation.trial import default_split, interactions
from penchant.models import Model
from penchant.progress import Report, reporter
from penchant.tuning.question import Question
from penchant.tuning.search import Search, changed
from penchant.tuning.space import Choice, Space, known, search_space
from penchant.tuning.study import study_of

_EDGE = 0.01  # share of a range that counts as its end


@dataclass(frozen=True, eq=False)
class Tuning:
    """What a search found.

    Attributes:
        model: with the best settings, fitted on all rows but those of the test part.
        best: the settings that were searched, at their best.
        value: of the metric on the validation part, with these.
        metric: what was compared, such as ``"ndcg@10"``.
        trials: one row a trial: its value, state, seconds and settings. The first is the model as
            it was given.
        space: what was searched.
        on_edge: settings whose best value lies at an end of their range.
        split: what was held out, in short.
        seconds: of the whole search.

    """

    model: Model
    best: Mapping[str, Any]
    value: float
    metric: str
    trials: Table = field(repr=False)
    space: Space = field(repr=False)
    on_edge: tuple[str, ...]
    split: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Everything but the model as plain values; a trial without a figure has None."""
        found = {
            "model": self.model.name,
            "best": dict(self.best),
            "value": self.value,
            "metric": self.metric,
            "split": self.split,
            "space": {name: str(one) for name, one in self.space.items()},
            "on_edge": list(self.on_edge),
            "seconds": self.seconds,
            "trials": self.trials.to_dicts(),
        }
        return dict(finite(found))

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def __repr__(self) -> str:
        first = self.trials["value"][0]
        return (
            f"<{self.model!r}: {self.metric} {self.value:.4f} on validation, the best of"
            f" {len(self.trials)} trials; as given {first:.4f}>"
        )


def tune(
    model: type[Model] | Model,
    data: Split | Interactions | Any,
    *,
    trials: int = 50,
    timeout: float | None = None,
    goal: Goal | None = None,
    metric: str | None = None,
    at_least: float | None = LIKED_FROM,
    fixed: Mapping[str, Any] | None = None,
    space: Mapping[str, Any] | None = None,
    storage: str | Path | None = None,
    prune: bool = True,
    seed: int = 0,
    progress: bool | Report | None = None,
) -> Tuning:
    """Search the settings that answer the validation part best; the test part is never asked.

    The first trial is the model as given, the next are random, and from the 16th on each is drawn
    where good ones were (TPE, Bergstra et al., NeurIPS 2011). A trial whose figure after 4, 8, 16,
    ... epochs is below the median of the earlier ones there is given up. Same data, model and
    seed, same trials, as long as ``timeout`` ends none.

    Args:
        model: a model class, or a model whose settings the search begins with.
        data: a `Split`; or interactions or whatever `penchant.read` takes, divided as
            `penchant.evaluate` does.
        trials: how many in all, at least 1; those found in ``storage`` count.
        timeout: seconds after which no trial begins and none goes on, once one has ended.
        goal: ``"lists"`` or ``"stars"``; by default what the model does with such data.
        metric: of lists, by default ``"ndcg@10"``; of stars ``"rmse"``, ``"mae"`` or ``"mse"``.
        at_least: the rating from which ratings are likes.
        fixed: hyperparameters that are set and not searched.
        space: ranges instead of the declared ones: ``(low, high)`` or a list of values.
        storage: a file that keeps the trials, so that a search that ended can go on.
        prune: whether to give up trials early.
        seed: of the draws.
        progress: True for a bar, or a callable taking `Progress`.

    Raises:
        MissingExtraError: Optuna is not installed.
        ParameterError: an unknown hyperparameter, or a value outside its rule.
        UsageError: nothing to search, no trial that could be run, or a file with other trials.

    >>> import penchant as pt
    >>> found = pt.tune(pt.RP3beta, pt.datasets.town(200, 50, 3000), trials=3, fixed={"recency": 1})
    >>> sorted(found.best), found.metric, len(found.trials)
    (['alpha', 'beta', 'k'], 'ndcg@10', 3)
    """
    if type(trials) is not int or trials < 1:
        raise ParameterError("trials must be a whole number at least 1", where="tune", got=trials)
    start = _start(model, fixed or {})
    split = data if isinstance(data, Split) else default_split(interactions(data))
    question = Question(split, start, goal, metric, at_least)
    ranges = search_space(start, question.kind, fixed or {}, space or {})
    about = question.about | {
        "model": start.name,
        "start": start._plain_params(),
        "space": {name: str(one) for name, one in ranges.items()},
        "seed": seed,
    }
    search = Search(start, ranges, question, prune, seed, timeout)
    began = time.monotonic()
    with study_of(storage, about, question.smaller) as study:
        search.run(study, trials, reporter(progress))
        table, best, value = search.result(study)
    return _tuning(search, split, table, best, value, time.monotonic() - began)


def _tuning(
    search: Search, split: Split, table: Table, best: dict[str, Any], value: float, seconds: float
) -> Tuning:
    """The result; says so where the best lies at an end of its range."""
    edges = tuple(name for name, at in best.items() if _on_edge(search, name, at))
    if edges:
        ends = "; ".join(f"{name}={best[name]:g} of {search.space[name]}" for name in edges)
        warnings.warn(
            f"the best lies at the end of what was searched ({ends}): more may lie beyond."
            " Say space={name: (low, high)}.",
            PenchantNotice,
            stacklevel=3,
        )
    roles = (Role.TRAIN, Role.VALIDATION, Role.VALIDATION_PROFILE)
    rows = split.data.where(np.isin(split.roles, roles))
    model = search.question.fit(changed(search.start, best), rows)
    return Tuning(
        model, best, value, search.question.metric, table, search.space, edges, split.name, seconds
    )


def _on_edge(search: Search, name: str, best: Any) -> bool:
    """Whether the best value lies at an end beyond which the hyperparameter's rule allows more."""
    one, declared = search.space[name], search.start.params[name]
    if isinstance(one, Choice) or not one.holds(best):
        return False
    low = one.low != declared.low and one.place(best) <= _EDGE
    high = one.high != declared.high and one.place(best) >= 1 - _EDGE
    return low or high


def _start(model: type[Model] | Model, fixed: Mapping[str, Any]) -> Model:
    start = model() if isinstance(model, type) else model
    for name in fixed:
        known(start, name)
    return changed(start, fixed)
