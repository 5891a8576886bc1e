"""A hyperparameter said once: default, range, help -> check, CLI flag, search space, docs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from penchant.data.histories import Kind
from penchant.errors import ParameterError

_INT64 = 2**63 - 1  # a bound that no person thinks of as a figure


@dataclass(frozen=True)
class Param:
    """One declared hyperparameter of a model class; also the descriptor that holds its value.

    Attributes:
        default: the value when none is given.
        help: what it does, one phrase.
        low: smallest allowed number.
        high: largest allowed number.
        choices: the allowed words.
        search: the range a tuner walks, where that is narrower than what is allowed; True for
            all words of a choice, or both of a switch. What has none stays as it is.
        log: whether a tuner walks the range by factors.
        only: the kind of feedback it matters for.
        when: the name and value of another hyperparameter without which it has no say.
        none: what None means, where None is allowed.
        dtype: int, float, bool or str.
        name: the attribute it was declared as.
        owner: the class that declared it.

    """

    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] | None = None
    search: tuple[float, float] | bool | None = None
    log: bool = False
    only: Kind | None = None
    when: tuple[str, Any] | None = None
    none: str | None = None
    dtype: type = int
    name: str = ""
    owner: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "owner", owner.__name__)

    @overload
    def __get__(self, model: None, owner: type) -> Param: ...
    @overload
    def __get__(self, model: object, owner: type) -> Any: ...
    def __get__(self, model: object | None, owner: type) -> Any:
        return self if model is None else model.__dict__.get(self.name, self.default)

    def __set__(self, model: object, value: Any) -> None:
        model.__dict__[self.name] = self.check(value, type(model).__name__)

    @property
    def rule(self) -> str:
        """What is allowed, in words."""
        if self.choices:
            rule = "one of " + ", ".join(self.choices)
        elif self.dtype is bool:
            rule = "True or False"
        else:
            kind = "a whole number" if self.dtype is int else "a number"
            bounds = [f"at least {self.low:g}"] if self.low is not None else []
            if self.high is not None:
                highest = "2^63 - 1" if self.high == _INT64 else f"{self.high:g}"
                bounds += [f"at most {highest}"]
            rule = f"{kind} {' and '.join(bounds)}".strip()
        return f"{rule}, or None ({self.none})" if self.none else rule

    def check(self, value: Any, where: str | None = None) -> Any:
        """The value in its own type.

        Raises:
            ParameterError: the value breaks the rule; the message names parameter, rule, value.

        """
        if value is None and self.none:
            return None
        if isinstance(value, np.generic):
            value = value.item()
        if self.dtype is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if self.dtype is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not self.dtype or not self._inside(value):
            raise ParameterError(
                f"{self.name} must be {self.rule}", where=where or self.owner, got=value
            )
        return value

    def read(self, text: str) -> Any:
        """The value that somebody wrote on a command line, not checked.

        Raises:
            ValueError: it is no such value.

        """
        return self.dtype(text)

    def plain(self, value: Any) -> Any:
        """A checked value as JSON can hold it; `check` takes it back."""
        return value

    def _inside(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        if self.dtype is bool:
            return True
        return (
            math.isfinite(value)
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
        )


def param(*, default: Any, help: str, **declared: Any) -> Any:  # noqa: A002 - the field's word
    """Declare a hyperparameter; see `Param` for what may be declared.

    >>> class Thing:
    ...     k = param(default=100, low=1, none="all", help="neighbours")
    >>> Thing.k.rule
    'a whole number at least 1, or None (all)'
    """
    kind = declared.pop("dtype", type(default))
    if declared.get("choices"):
        declared["choices"], kind = tuple(declared["choices"]), str
    return Param(default, help, dtype=kind, **declared)


def declared(owner: type) -> dict[str, Param]:
    """The hyperparameters of a class by name, inherited ones first."""
    found: dict[str, Param] = {}
    for base in reversed(owner.__mro__):
        found |= {name: value for name, value in vars(base).items() if isinstance(value, Param)}
    return found
