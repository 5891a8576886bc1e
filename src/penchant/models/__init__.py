"""The catalogue: every model by name; one export line each, other packages join by entry point."""

from __future__ import annotations

import os
import warnings
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract

from penchant.errors import ModelError, PenchantNotice
from penchant.models import folder as _folder
from penchant.models.base import Model
from penchant.models.baseline import Baseline
from penchant.models.bayesian_mf import BayesianMF
from penchant.models.blend import Blend
from penchant.models.bpr import BPR
from penchant.models.ease import EASE
from penchant.models.implicit_als import ImplicitALS
from penchant.models.item_knn import ItemKNN
from penchant.models.next_item import NextItem
from penchant.models.popularity import Popularity
from penchant.models.rating_mf import RatingMF
from penchant.models.rp3beta import RP3beta
from penchant.models.slim import SLIM
from penchant.models.slit import SLIT
from penchant.models.user_knn import UserKNN

ENTRY_POINTS = "penchant.models"

__all__ = [
    "BPR",
    "EASE",
    "SLIM",
    "SLIT",
    "Baseline",
    "BayesianMF",
    "Blend",
    "ImplicitALS",
    "ItemKNN",
    "Model",
    "NextItem",
    "Popularity",
    "RP3beta",
    "RatingMF",
    "UserKNN",
    "catalogue",
    "load",
]


def catalogue() -> dict[str, type[Model]]:
    """Every model by name: those exported here, then those of other installed packages.

    A package whose model cannot be loaded, or whose name is taken, is left out with a notice.

    >>> list(catalogue())[:2]
    ['bpr', 'baseline']
    """
    found = _own()
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        try:
            model = point.load()
        except (ImportError, AttributeError) as error:
            _left_out(point, f"cannot be loaded ({error})")
            continue
        if not _is_model(model):
            _left_out(point, "is not a penchant.models.Model")
        elif found.setdefault(model.name, model) is not model:
            _left_out(point, f"has the name of another model, {model.name}")
    return found


def _own() -> dict[str, type[Model]]:
    here = [one for _, one in sorted(globals().items()) if _is_model(one)]
    return {model.name: model for model in here}


def _left_out(point: EntryPoint, why: str) -> None:
    package = point.dist.name if point.dist else point.value
    warnings.warn(f"the model {point.name} of {package} {why}", PenchantNotice, stacklevel=3)


def load(path: str | os.PathLike[str]) -> Model:
    """The saved model in a folder, whichever it is.

    Raises:
        ModelError: the folder is damaged or foreign, or its model's package is not installed.

    """
    about = _folder.read_manifest(path)
    model = _own().get(about["model"]) or catalogue().get(about["model"])
    if model is None:
        raise ModelError(
            f"no installed package provides the model {about['model']!r}",
            where=str(path),
            do=f"Install {about['package']}, which it came from",
        )
    return model.load(path)


def _is_model(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Model) and not isabstract(one)
