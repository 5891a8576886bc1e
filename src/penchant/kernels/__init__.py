"""The verbs that must be fast: arrays in, arrays out; knows nothing of the house."""

from penchant.kernels.factors import Schedule, gram, rating_sgd, sgd_schedule, solve_rows
from penchant.kernels.ids import Text, encode, index, lookup
from penchant.kernels.machine import available_memory, isa, set_isa, set_threads, threads
from penchant.kernels.rows import Rows, csr, deciding, gather, nearest, spread
from penchant.kernels.scores import product, select, top_k
from penchant.kernels.texts import divide

__all__ = [
    "Rows",
    "Schedule",
    "Text",
    "available_memory",
    "csr",
    "deciding",
    "divide",
    "encode",
    "gather",
    "gram",
    "index",
    "isa",
    "lookup",
    "nearest",
    "product",
    "rating_sgd",
    "select",
    "set_isa",
    "set_threads",
    "sgd_schedule",
    "solve_rows",
    "spread",
    "threads",
    "top_k",
]
