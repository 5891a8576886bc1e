"""Types of the extension module; see native/bindings."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

def level() -> str: ...
def choose_level(name: str, /) -> bool: ...
def encode_numbers(ids: Array, codes: Array, threads: int, /) -> npt.NDArray[np.int64]: ...
def encode_texts(ids: object, codes: Array, threads: int, /) -> int | npt.NDArray[np.int64]: ...
def index_numbers(ids: Array, order: Array, threads: int, /) -> None: ...
def index_texts(blob: Array, offsets: Array, order: Array, threads: int, /) -> None: ...
def lookup_numbers(table: Array, order: Array, ids: Array, rows: Array, threads: int, /) -> int: ...
def lookup_texts(
    blob: Array, offsets: Array, order: Array, ids: object, rows: Array, threads: int, /
) -> int: ...
def divide(text: bytes, begin: int, delimiter: bytes, width: int, threads: int, /) -> Any: ...
def csr(
    rows: Array, n_rows: int, times: Array | None, indptr: Array, order: Array, threads: int
) -> None: ...
def transpose(
    rows: Any, n_columns: int, indptr: Array, indices: Array, values: Array | None, threads: int
) -> None: ...
def deciding(rows: Any, last: bool, mask: Array, threads: int, /) -> None: ...
def gather4(source: Array, places: Array, out: Array, threads: int, /) -> None: ...
def gather8(source: Array, places: Array, out: Array, threads: int, /) -> None: ...
def sound(rows: Any, n_columns: int, threads: int, /) -> bool: ...
def spread(
    history: Any, weights: Any, n_columns: int, out: Array, norm: Array | None, threads: int
) -> None: ...
def nearest(
    queries: Any,
    table: Any,
    n_columns: int,
    k: int,
    measure: int,
    shrink: float,
    itself: Array | None,
    positive: bool,
    threads: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...
def product(
    queries: Array, items: Array, bias: Array | None, scores: Array, threads: int
) -> None: ...
def top_k(
    queries: Array,
    items: Array,
    n: int,
    bias: Array | None,
    exclude: Any,
    allowed: Array | None,
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
    targets: Array,
    items: Array,
    ridge: Array,
    gram: Array | None,
    out: Array,
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
def gram(items: Array, weights: Array | None, out: Array, threads: int) -> None: ...
