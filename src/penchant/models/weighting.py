"""How much a meeting says, before rows are compared: TF-IDF and BM25."""

from __future__ import annotations

import numpy as np

from penchant.data.histories import Float32
from penchant.kernels import Rows

_K1, _B = 1.2, 0.75  # Robertson's usual values


def weighted(rows: Rows, n_columns: int, weighting: str | None) -> Rows:
    """Rows as documents whose columns are terms, reweighted.

    TF-IDF: ``√x · (ln(N/(1 + n_c)) + 1)``. BM25: ``x(K₁ + 1)/(K₁(1 − B + B·|r|/mean) + x) · idf_c``
    (Robertson and Zaragoza, *The probabilistic relevance framework*, 2009), with K₁ = 1.2,
    B = 0.75. A column that everybody has says little; a long row says less by each entry.
    """
    if weighting is None:
        return rows
    x = np.ones(len(rows.indices)) if rows.values is None else rows.values.astype(np.float64)
    idf = column_weights(rows, n_columns, weighting)[rows.indices]
    if weighting == "tfidf":
        return rows._replace(values=(np.sign(x) * np.sqrt(abs(x)) * idf).astype(np.float32))
    lengths = np.diff(rows.indptr)
    norm = np.repeat(1 - _B + _B * lengths / max(lengths.mean(), 1e-12), lengths)
    return rows._replace(values=(x * (_K1 + 1) / (_K1 * norm + abs(x)) * idf).astype(np.float32))


def column_weights(rows: Rows, n_columns: int, weighting: str | None) -> Float32:
    """The inverse document frequency of each column, float32 ``[n_columns]``, above 0."""
    if weighting is None:
        return np.ones(n_columns, dtype=np.float32)
    held = np.bincount(rows.indices, minlength=n_columns)
    n = max(rows.n_rows, 1)
    if weighting == "tfidf":
        idf = np.log(n / (1 + held)) + 1
    else:
        idf = np.log1p((n - held + 0.5) / (held + 0.5))
    return np.asarray(np.maximum(idf, 1e-3), dtype=np.float32)
