"""The verbs that must be fast: arrays in, arrays out; knows nothing of the house."""

from penchant.kernels.dense import co_counts, spd_inverse
from penchant.kernels.factors import Schedule, gram, rating_sgd, sgd_schedule, solve_rows
from penchant.kernels.ids import Text, encode, index, lookup
from penchant.kernels.machine import available_memory, isa, set_isa, set_threads, threads
from penchant.kernels.rows import Rows, csr, nearest, neighbours, spread
from penchant.kernels.scores import Panels, product, select, top_k

__all__ = [
    "Panels",
    "Rows",
    "Schedule",
    "Text",
    "available_memory",
    "co_counts",
    "csr",
    "encode",
    "gram",
    "index",
    "isa",
    "lookup",
    "nearest",
    "neighbours",
    "product",
    "rating_sgd",
    "select",
    "set_isa",
    "set_threads",
    "sgd_schedule",
    "solve_rows",
    "spd_inverse",
    "spread",
    "threads",
    "top_k",
]
