"""How RatingMF's defaults were chosen: on the validation part of the notebook's split, alone.

Run: python benchmarks/choose_rating_mf.py. The test part is scored once, for the chosen setting.
"""

from __future__ import annotations

import itertools

import penchant as pt
from penchant.evaluation.metrics import rating_error
from penchant.evaluation.splits import notebook_split

ALS = {
    0.0: {"reg": (10.0, 12.0, 14.0, 16.0), "reg_bias": (2.0, 3.0, 5.0)},
    0.25: {"reg": (3.0, 4.0, 5.0), "reg_bias": (0.5, 1.0, 2.0)},
    0.5: {"reg": (1.2, 1.4, 1.6), "reg_bias": (0.3, 0.5, 1.0)},
}
SGD = {"learning_rate": (0.01, 0.02, 0.03), "reg": (2.0, 4.0, 6.0)}


def main() -> None:
    """Walk the grids, print each setting's validation error, then the winners' test errors."""
    split = notebook_split(pt.datasets.load("ml-100k"))
    als = [
        pt.RatingMF(factors=factors, frequency=frequency, reg=reg, reg_bias=reg_bias)
        for frequency, grid in ALS.items()
        for factors, reg, reg_bias in itertools.product((10, 20, 40), grid["reg"], grid["reg_bias"])
    ]
    sgd = [
        pt.RatingMF(solver="sgd", epochs=40, learning_rate=rate, reg=reg)
        for rate, reg in itertools.product(SGD["learning_rate"], SGD["reg"])
    ]
    for family in (als, sgd):
        errors = {}
        for model in family:
            errors[model] = rating_error(model.fit(split.train), split.validation)
            print(f"validation {errors[model]:.4f}  {model}")  # noqa: T201 - this is its output
        best = min(errors, key=lambda model: errors[model])
        print(f"chosen {best}: test {rating_error(best, split.test):.4f}")  # noqa: T201


if __name__ == "__main__":
    main()
