"""The verbs that must be fast: arrays in, arrays out; knows nothing of the house."""

from penchant.kernels.dense import co_counts, spd_inverse
from penchant.kernels.factors import Schedule, gram, normal, rating_sgd, sgd_schedule, solve_rows
from penchant.kernels.fold_in import FoldIn
from penchant.kernels.gibbs import (
    Fold,
    GibbsChains,
    GibbsPlan,
    drift_likeness,
    fold_draws,
    gibbs_start,
    gibbs_sweep,
)
from penchant.kernels.ids import Lookup, Text, encode, index, lookup
from penchant.kernels.machine import available_memory, isa, set_isa, set_threads, threads
from penchant.kernels.pairs import PairPlan, Pairs, bpr_sgd, draw_pairs, pair_plan, pair_taste
from penchant.kernels.rows import (
    Arranged,
    Rows,
    Table,
    all_positive,
    arranged,
    csr,
    deciding,
    gather,
    grades,
    nearest,
    neighbours,
    spread,
)
from penchant.kernels.scores import Panels, hits, product, select, top_k
from penchant.kernels.sequences import follow_counts
from penchant.kernels.slim import slim_columns
from penchant.kernels.texts import divide

__all__ = [
    "Arranged",
    "Fold",
    "FoldIn",
    "GibbsChains",
    "GibbsPlan",
    "Lookup",
    "PairPlan",
    "Pairs",
    "Panels",
    "Rows",
    "Schedule",
    "Table",
    "Text",
    "all_positive",
    "arranged",
    "available_memory",
    "bpr_sgd",
    "co_counts",
    "csr",
    "deciding",
    "divide",
    "draw_pairs",
    "drift_likeness",
    "encode",
    "fold_draws",
    "follow_counts",
    "gather",
    "gibbs_start",
    "gibbs_sweep",
    "grades",
    "gram",
    "hits",
    "index",
    "isa",
    "lookup",
    "nearest",
    "neighbours",
    "normal",
    "pair_plan",
    "pair_taste",
    "product",
    "rating_sgd",
    "select",
    "set_isa",
    "set_threads",
    "sgd_schedule",
    "slim_columns",
    "solve_rows",
    "spd_inverse",
    "spread",
    "threads",
    "top_k",
]
