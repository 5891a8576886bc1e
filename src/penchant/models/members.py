"""Hyperparameters that are lists: the models of a blend, and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from penchant.errors import ParameterError, hint
from penchant.models.base import Model
from penchant.models.params import Param


@dataclass(frozen=True)
class Members(Param):
    """Models, not yet fitted: themselves, by name, or as {"model": name, hyperparameter: value}."""

    @property
    def rule(self) -> str:
        """What is allowed, in words."""
        return f"models, such as ease,implicit_als, or None ({self.none})"

    def check(self, value: Any, where: str | None = None) -> tuple[Model, ...] | None:
        """At least one model, each an object of its own."""
        if value is None:
            return None
        if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
            raise self._complaint(where, value)
        found = tuple(self._model(one, where) for one in self._several(value))
        if not found:
            raise self._complaint(where, value)
        return found

    def read(self, text: str) -> Any:
        """Names between commas."""
        return text

    def plain(self, value: Any) -> Any:
        """Each model as a dict."""
        return value and [{"model": one.name, **one._plain_params()} for one in value]

    def _several(self, value: Any) -> list[Any]:
        return [name.strip() for name in value.split(",")] if isinstance(value, str) else [*value]

    def _model(self, one: Any, where: str | None) -> Model:
        from penchant.models import catalogue

        if isinstance(one, Model):
            return type(one)(**{name: getattr(one, name) for name in one.params})
        given = dict(one) if isinstance(one, Mapping) else {"model": one}
        name, known = given.pop("model", None), catalogue()
        if not isinstance(name, str) or name not in known:
            raise self._complaint(where, one, hint(name, known) if isinstance(name, str) else None)
        return known[name](**given)

    def _complaint(self, where: str | None, got: Any, do: str | None = None) -> ParameterError:
        message = f"{self.name} must be {self.rule}"
        return ParameterError(message, where=where or self.owner, got=got, do=do or None)


@dataclass(frozen=True)
class Numbers(Param):
    """Finite numbers, at least one of them not 0."""

    @property
    def rule(self) -> str:
        """What is allowed, in words."""
        return f"numbers, such as 1,0.5, or None ({self.none})"

    def check(self, value: Any, where: str | None = None) -> tuple[float, ...] | None:
        """As floats."""
        if value is None:
            return None
        try:
            found = tuple(float(one) for one in value)
        except (TypeError, ValueError):
            found = ()
        if not any(found) or not all(math.isfinite(one) for one in found):
            raise ParameterError(
                f"{self.name} must be {self.rule}", where=where or self.owner, got=value
            )
        return found

    def read(self, text: str) -> Any:
        """Numbers between commas."""
        return [float(one) for one in text.split(",")]

    def plain(self, value: Any) -> Any:
        """As a list."""
        return value and list(value)


def members(*, help: str, none: str) -> Any:  # noqa: A002 - the field's word
    """Declare models as a hyperparameter; None by default."""
    return Members(None, help, none=none, dtype=str)


def numbers(*, help: str, none: str) -> Any:  # noqa: A002 - the field's word
    """Declare numbers as a hyperparameter; None by default."""
    return Numbers(None, help, none=none, dtype=str)
