"""A card: what one must know to make a comparison's figures again, bit for bit."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from penchant import kernels
from penchant.data.histories import NO_TIME
from penchant.data.interactions import Interactions
from penchant.errors import DataError, UsageError
from penchant.evaluation.protocols import split as split_of
from penchant.evaluation.splits import Split
from penchant.models import Model, catalogue
from penchant.version import __version__

if TYPE_CHECKING:
    from penchant.evaluation.compare import Comparison
    from penchant.evaluation.trial import Evaluation


@dataclass(frozen=True)
class Card:
    """The circumstances of a comparison.

    Attributes:
        versions: of Penchant, Python and NumPy, and the instruction-set level.
        data: fingerprint, counts, and the decisions made on reading (filters among them).
        split: its recipe, fingerprint, counts, and how often each part was scored so far.
        models: name and hyperparameters of what was compared, baselines aside.
        given: the other arguments of `compare`, seeds among them.
        figures: the metrics of every model, by label.

    """

    versions: Mapping[str, str]
    data: Mapping[str, Any]
    split: Mapping[str, Any]
    models: Sequence[Mapping[str, Any]]
    given: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, float]] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The card as plain values."""
        return asdict(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the card as JSON."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        Path(path).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The card that `save` wrote.

        Raises:
            DataError: it is no card.

        """
        try:
            return cls(**json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"is not a card ({error})", where=str(path)) from error

    def rerun(self, data: Interactions) -> Comparison:
        """The same comparison on the same data; its card's figures equal this one's.

        Raises:
            UsageError: the data or the split are not those of the card, or a model of it is not in
                the catalogue.

        """
        from penchant.evaluation.compare import compare

        recipe = dict(self.split["recipe"])
        again = split_of(recipe.pop("name"), data, **recipe) if "name" in recipe else None
        if again is None or again.fingerprint() != self.split["fingerprint"]:
            raise UsageError(
                "these are not the data and the split of this card",
                where="card.rerun",
                do="Give the interactions the split was made of, read with the same options",
            )
        return compare([_model(**one) for one in self.models], again, **self.given)


def card_of(
    split: Split, models: Sequence[Model], given: Mapping[str, Any], found: Sequence[Evaluation]
) -> Card:
    """The card of a comparison."""
    data = split.data
    return Card(
        versions={
            "penchant": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "machine": platform.machine(),
            "instruction set": kernels.isa(),
        },
        data={
            "fingerprint": data.fingerprint(),
            "kind": data.kind,
            "users": len(data.users),
            "items": len(data.items),
            "interactions": len(data),
            "notes": list(data.notes),
            **_lifespans(data),
        },
        split={
            "recipe": dict(split.recipe),
            "fingerprint": split.fingerprint(),
            "counts": split.counts(),
            "scored": dict(split.scored),
        },
        models=[{"name": one.name, "params": one._plain_params()} for one in models],
        given=dict(given),
        figures={one.label: one.metrics for one in found},
    )


def _model(name: str, params: Mapping[str, Any]) -> Model:
    known = catalogue()
    if name not in known:
        raise UsageError(
            "no such model in the catalogue",
            where="card.rerun",
            got=name,
            do="Run compare again with it; a package of models joins by the entry point"
            " penchant.models",
        )
    return known[name](**params)


def _lifespans(data: Interactions) -> dict[str, float]:
    """How much of time there is to cut by: people's median span in days, and events at one moment.

    Where people come once, times tell when somebody registered and not how tastes change.
    """
    h = data.histories
    if h.times is not None:
        h = h.where(h.times != NO_TIME)
    if h.times is None or not len(h.times):
        return {}
    some = h.counts > 0
    first, last = h.times[h.indptr[:-1][some]], h.times[h.indptr[1:][some] - 1]
    distinct = len(np.unique(h.owners.astype(np.int64) * len(h.times) + _ranks(h.times)))
    return {
        "median_days_of_a_person": float(np.median((last - first) / 86_400e6)),
        "events_at_a_moment_of_another": 1 - distinct / len(h.times),
    }


def _ranks(times: Any) -> Any:
    return np.unique(times, return_inverse=True)[1]
