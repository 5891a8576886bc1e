"""The catalogue: every model by name; one export line each, other packages join by entry point."""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from inspect import isabstract

from penchant.errors import ModelError, ParameterError, hint
from penchant.models import folder as _folder
from penchant.models.base import Model
from penchant.models.item_knn import ItemKNN
from penchant.models.popularity import Popularity
from penchant.models.rating_mf import RatingMF
from penchant.models.user_knn import UserKNN

ENTRY_POINTS = "penchant.models"

__all__ = [
    "ItemKNN",
    "Model",
    "Popularity",
    "RatingMF",
    "UserKNN",
    "catalogue",
    "load",
    "model_named",
]


def catalogue() -> dict[str, type[Model]]:
    """Every model by name: those exported here, then those of other installed packages.

    >>> list(catalogue())[:2]
    ['item_knn', 'popularity']
    """
    here = [one for _, one in sorted(globals().items()) if _is_model(one)]
    found = {model.name: model for model in here}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        model = point.load()
        if not _is_model(model):
            raise ModelError(
                "is not a penchant.models.Model", where=f"entry point {point.name}", got=model
            )
        found.setdefault(model.name, model)
    return found


def model_named(name: str) -> type[Model]:
    """The model class of a name, in either spelling: ``item_knn`` or ``ItemKNN``.

    Raises:
        ParameterError: no model has that name.

    """
    known = catalogue()
    for model in known.values():
        if name in (model.name, model.__name__):
            return model
    raise ParameterError(
        "no such model", got=name, do=hint(name, known) or f"One of: {', '.join(known)}"
    )


def load(path: str | os.PathLike[str]) -> Model:
    """The saved model in a folder, whichever it is.

    Raises:
        ModelError: the folder is damaged or foreign, or its model's package is not installed.

    """
    about = _folder.read_manifest(path)
    model = catalogue().get(about["model"])
    if model is None:
        raise ModelError(
            f"no installed package provides the model {about['model']!r}",
            where=str(path),
            do=f"Install {about['package']}, which it came from",
        )
    return model.load(path)


def _is_model(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Model) and not isabstract(one)
