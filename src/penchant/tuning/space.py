"""What a search walks: the ranges that hyperparameters declare, or those somebody gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from penchant.errors import ParameterError, UsageError, hint
from penchant.models import Model
from penchant.models.params import Param

if TYPE_CHECKING:
    import optuna


_DIGITS = 4  # of a number drawn: more tell nothing


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, walked by factors if ``log``; declared, or given for one search."""

    low: float
    high: float
    log: bool = False
    whole: bool = False
    declared: bool = False

    def holds(self, value: Any) -> bool:
        """Whether a value lies inside."""
        return isinstance(value, int | float) and self.low <= value <= self.high

    def place(self, value: float) -> float:
        """Where a value lies, 0 to 1."""
        low, high, at = (np.log(x) if self.log else x for x in (self.low, self.high, value))
        return float((at - low) / (high - low))

    def draw(self, trial: optuna.Trial, name: str) -> float:
        """The trial's next value."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        value = trial.suggest_float(name, self.low, self.high, log=self.log)
        return min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]
    declared: bool = False

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return value in self.values

    def draw(self, trial: optuna.Trial, name: str) -> Any:
        """The trial's next value."""
        return trial.suggest_categorical(name, self.values)

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


Space = dict[str, Range | Choice]


def search_space(
    model: Model, kind: str, fixed: Mapping[str, Any], given: Mapping[str, Any]
) -> Space:
    """What is searched of a model: the ranges given, and those declared that matter for a kind.

    Raises:
        ParameterError: an unknown name, or an end of a range outside the hyperparameter's rule.
        UsageError: nothing is left to search.

    """
    for name in given:
        known(model, name)
    found: Space = {}
    for name, one in model.params.items():
        if name in given:
            found[name] = _given(one, given[name], type(model).__name__)
        elif name not in fixed and one.only in (None, kind) and (own := _declared(one)):
            found[name] = own
    if not found:
        raise UsageError(
            "there is nothing to search", where=f"tune({model.name})", do="Say space={...}"
        )
    return found


def _declared(one: Param) -> Range | Choice | None:
    if one.search is True:
        words: tuple[Any, ...] = one.choices or (False, True)
        return Choice((*words, None) if one.none else words, declared=True)
    if not one.search:
        return None
    return Range(*one.search, log=one.log, whole=one.dtype is int, declared=True)


def _given(one: Param, given: Any, where: str) -> Range | Choice:
    if isinstance(given, list):
        return Choice(tuple(one.check(value, where) for value in given))
    if not (isinstance(given, tuple) and len(given) == 2 and one.dtype in (int, float)):
        raise ParameterError(
            f"the space of {one.name} must be (low, high) or a list of values",
            where="tune(space=)",
            got=given,
        )
    low, high = (one.check(value, where) for value in given)
    if not low < high:
        raise ParameterError(f"low must be below high, of {one.name}", where="tune(space=)")
    return Range(low, high, log=one.log and low > 0, whole=one.dtype is int)


def known(model: Model, name: str) -> None:
    """Complain of a hyperparameter that the model has not."""
    if name not in model.params:
        raise ParameterError(
            f"unknown hyperparameter {name!r}",
            where=type(model).__name__,
            do=hint(name, model.params) or f"It has: {', '.join(model.params)}",
        )
