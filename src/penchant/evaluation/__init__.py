"""Held-out parts and what is measured on them.

`splits` and `protocols` say what is held out, `metrics` and `beyond` what is measured, `asking` how
a model answers, `trial` evaluates one model, `compare` many, `statistics` how sure that is, and a
`card` makes the figures again.
"""

from penchant.evaluation.card import Card
from penchant.evaluation.compare import Comparison, compare, rerun
from penchant.evaluation.protocols import protocol, split
from penchant.evaluation.splits import Split, own_split
from penchant.evaluation.trial import Evaluation, evaluate

__all__ = [
    "Card",
    "Comparison",
    "Evaluation",
    "Split",
    "compare",
    "evaluate",
    "own_split",
    "protocol",
    "rerun",
    "split",
]
