"""How the settings behind the README's table were chosen: on the validation part, alone.

Run: python benchmarks/choose_settings.py. Each family's test part is scored once, for its choice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import penchant as pt
from penchant.evaluation.quality import rating_error
from penchant.evaluation.splits import Split, notebook_split

ALS = {
    0.0: {"reg": (10.0, 12.0, 14.0, 16.0), "reg_bias": (2.0, 3.0, 5.0)},
    0.25: {"reg": (3.0, 4.0, 5.0), "reg_bias": (1.0, 2.0, 3.0)},
    0.5: {"reg": (1.2, 1.4, 1.6), "reg_bias": (0.3, 0.5, 1.0)},
}
SGD = {"learning_rate": (0.01, 0.02, 0.03, 0.04), "reg": (2.0, 4.0, 6.0)}
ITEMS = {
    "similarity": ("cosine",),
    "shrink": (10.0, 20.0, 50.0),
    "amplify": (1.0, 1.5, 2.0),
    "damp": (0.03, 0.1, 0.3, 1.0),
}
PEOPLE = {
    "similarity": ("cosine", "pearson"),
    "shrink": (20.0, 50.0, 200.0),
    "amplify": (1.0, 1.5),
    "damp": (0.1, 0.3, 1.0),
}


def main() -> None:
    """Walk each family's grid."""
    split = notebook_split(pt.datasets.load("ml-100k"))
    choose(split, (pt.UserKNN(**one) for one in every(PEOPLE)))
    choose(split, (pt.ItemKNN(**one) for one in every(ITEMS)))
    choose(
        split,
        (
            pt.RatingMF(solver="sgd", epochs=40, learning_rate=rate, reg=reg)
            for rate, reg in itertools.product(SGD["learning_rate"], SGD["reg"])
        ),
    )
    choose(
        split,
        (
            pt.RatingMF(factors=factors, frequency=frequency, reg=reg, reg_bias=reg_bias)
            for frequency, grid in ALS.items()
            for factors, reg, reg_bias in itertools.product(
                (10, 20, 40), grid["reg"], grid["reg_bias"]
            )
        ),
    )


def every(grid: dict[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Every combination of a grid."""
    return (dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values()))


def choose(split: Split, family: Iterable[pt.Model]) -> None:
    """Print each setting's validation error, and the test error of the best."""
    errors = {}
    for model in family:
        errors[model] = rating_error(model.fit(split.train), split.validation)
        print(f"validation {errors[model]:.4f}  {model}")
    best = min(errors, key=lambda model: errors[model])
    print(f"chosen {best}: test {rating_error(best, split.test):.4f}")


if __name__ == "__main__":
    main()
