"""Types of the extension module; see native/bindings."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

def level() -> str: ...
def choose_level(name: str, /) -> bool: ...
def texts(blob: Array, offsets: Array, rows: Array, /) -> list[str]: ...
def encode_numbers(ids: Array, codes: Array, threads: int, /) -> npt.NDArray[np.int64]: ...
def encode_blob(
    blob: Array, offsets: Array, codes: Array, threads: int, /
) -> npt.NDArray[np.int64]: ...
def encode_texts(ids: object, codes: Array, threads: int, /) -> int | npt.NDArray[np.int64]: ...
def index_numbers(ids: Array, order: Array, threads: int, /) -> None: ...
def index_texts(blob: Array, offsets: Array, order: Array, threads: int, /) -> None: ...
def lookup_number(table: Array, order: Array, one: int, /) -> int: ...
def lookup_text(blob: Array, offsets: Array, order: Array, one: str, /) -> int: ...
def lookup_numbers(table: Array, order: Array, ids: Array, rows: Array, threads: int, /) -> int: ...
def lookup_texts(
    blob: Array, offsets: Array, order: Array, ids: object, rows: Array, threads: int, /
) -> int: ...
def divide(text: bytes, begin: int, delimiter: bytes, width: int, threads: int, /) -> Any: ...
def arranged(
    rows: Array,
    n_rows: int,
    times: Array | None,
    indptr: Array,
    order: Array,
    sorted_times: Array | None,
    cells: list[Array],
    moved: list[Array],
    threads: int,
) -> None: ...
def transpose(
    rows: Any, n_columns: int, indptr: Array, indices: Array, values: Array | None, threads: int
) -> None: ...
def deciding(rows: Any, last: bool, mask: Array, threads: int, /) -> None: ...
def gather4(source: Array, places: Array, out: Array, threads: int, /) -> None: ...
def gather8(source: Array, places: Array, out: Array, threads: int, /) -> None: ...
def grades(values: Array, most: int, threads: int, /) -> npt.NDArray[np.float32] | None: ...
def sound(rows: Any, n_columns: int, threads: int, /) -> bool: ...
def all_positive(values: Array, /) -> bool: ...
def follow_counts(
    sequences: Any, n_columns: int, weights: Array, threads: int, /
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...
def spread(
    history: Any,
    weights: Any,
    n_columns: int,
    kind: int,
    out: Array,
    norm: Array | None,
    threads: int,
) -> None: ...
def spread_dense(history: Any, weights: Array, out: Array, threads: int, /) -> None: ...

class Table:
    def __init__(self, rows: Any, n_columns: int, threads: int) -> None: ...

def nearest(
    queries: Any,
    table: Table,
    k: int,
    measure: int,
    shrink: float,
    itself: Array | None,
    positive: bool,
    threads: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...
def neighbours(
    table: Any, n_columns: int, k: int, measure: int, shrink: float, threads: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...

class Panels:
    n_items: int
    d: int
    def __init__(self, items: Array, bias: Array | None, threads: int) -> None: ...

def product(panels: Panels, queries: Array, scores: Array, threads: int) -> None: ...
def top_k(
    panels: Panels,
    queries: Array,
    n: int,
    exclude: Any,
    allowed: Array | None,
    positive: bool,
    ids: Array,
    scores: Array,
    threads: int,
) -> None: ...
def select(
    scores: Array,
    n: int,
    exclude: Any,
    allowed: Array | None,
    known: Array | None,
    ids: Array,
    best: Array,
    threads: int,
) -> None: ...
def solve_rows(
    rows: Any,
    targets: Array | None,
    items: Array,
    ridge: Array,
    scale: Array | None,
    gram: Array | None,
    method: int,
    start: Array | None,
    steps: int,
    block: int,
    out: Array,
    objective: Array | None,
    threads: int,
) -> int: ...

class FoldIn:
    def __init__(
        self,
        panels: Panels,
        items: Array,
        ridge: Array,
        gram: Array | None,
        frequency: float,
        pull: float,
    ) -> None: ...
    def solve(self, rows: Any, targets: Array | None, out: Array, threads: int) -> int: ...
    def best(
        self,
        rows: Any,
        targets: Array | None,
        n: int,
        exclude: Any,
        allowed: Array | None,
        positive: bool,
        ids: Array,
        scores: Array,
        threads: int,
    ) -> int: ...

def schedule_size(n: int, serial: bool, /) -> int: ...
def schedule(
    users: Array,
    items: Array,
    n_users: int,
    n_items: int,
    seed: int,
    blocks: int,
    order: Array,
    bounds: Array,
    /,
) -> None: ...
def rating_sgd(*arguments: Any) -> float: ...
def spd_inverse(A: Array, threads: int, /) -> int: ...
def co_counts(rows: Any, out: Array, threads: int, /) -> int: ...
def gram(items: Array, weights: Array | None, out: Array, threads: int) -> None: ...
def pair_blocks(n: int, n_items: int, /) -> int: ...
def pair_ranges(likes: Any, blocks: int, people: Array, /) -> None: ...
def draw_pairs(*arguments: Any) -> None: ...
def bpr_sgd(*arguments: Any) -> tuple[int, int]: ...
def pair_taste(
    histories: Any,
    items: Array,
    bias: Array,
    panel: Array,
    panel_bias: Array,
    weights: Array,
    ridge: Array,
    out: Array,
    threads: int,
    /,
) -> int: ...
def slim_columns(
    x: Any,
    n_items: int,
    l1: float,
    l2: float,
    k: int,
    candidates: int,
    positive: bool,
    most: int,
    tolerance: float,
    threads: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...
def hits(lists: Array, held: Any, n_columns: int, out: Array, threads: int, /) -> None: ...
def gibbs_sweep(*arguments: Any) -> None: ...
def fold_draws(*arguments: Any) -> int: ...
def drift_likeness(*arguments: Any) -> None: ...
