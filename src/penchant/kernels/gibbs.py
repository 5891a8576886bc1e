"""Bayesian factorisation of ratings: `gibbs_sweep` draws the weights, `fold_draws` the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.checks import array, count
from penchant.kernels.machine import threads
from penchant.kernels.rows import Rows, checked

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
_FIRST_SIZE = 0.05  # of a drift before anything is known
_FIRST_NU = 10.0
LEVEL = ("w0", "tau", "nu_users", "nu_items", "drift", "length", "step", "step", "usual")


@dataclass(frozen=True, eq=False)
class GibbsPlan:
    """Ratings, and the features of those who gave and those who got them.

    Attributes:
        ratings: ``[U, n_items]``, each person's in time order; values are the ratings less their
            mean.
        n_items: how many items.
        gaps: float64 ``[n]``, time since the person's last rating, infinite where a drift begins
            anew; None for no drift.
        features: ``[F, U + n_items]``: of each feature the rows that have it, and how much.
        first: int64 ``[G + 1]``, where each group of features begins.
        side: uint8 ``[G]``, 0 for features of people, 1 of items.
    """

    ratings: Rows
    n_items: int
    gaps: Float64 | None
    features: Rows
    first: Int64
    side: npt.NDArray[np.uint8]

    @classmethod
    def of(
        cls,
        ratings: Rows,
        n_items: int,
        users: dict[str, Rows],
        items: dict[str, Rows],
        gaps: npt.ArrayLike | None = None,
    ) -> GibbsPlan:
        """A plan from groups of features: of people ``[U, size]`` and of items ``[n_items, size]``.

        Each group is given feature by feature (transposed): ``[size, U]`` or ``[size, n_items]``.
        """
        verb = "GibbsPlan.of"
        ratings = checked(verb, "ratings", ratings, n_items)
        n_users = ratings.n_rows
        groups = [checked(verb, name, rows, n_users) for name, rows in users.items()]
        groups += [_moved(checked(verb, n, rows, n_items), n_users) for n, rows in items.items()]
        first = np.cumsum([0, *(rows.n_rows for rows in groups)]).astype(np.int64)
        side = np.array([0] * len(users) + [1] * len(items), dtype=np.uint8)
        if gaps is not None:
            gaps = array(verb, "gaps", gaps, np.float64, (len(ratings.indices),))
            if not (np.asarray(gaps) >= 0).all():
                raise UsageError("gaps must be at least 0", where=verb)
        if ratings.values is None:
            raise UsageError("ratings must have values", where=verb)
        return cls(ratings, n_items, gaps, Rows.stacked(groups), first, side)


@dataclass(frozen=True, eq=False)
class GibbsChains:
    """Where each of C chains stands; arrays are changed in place by `gibbs_sweep`.

    Attributes:
        level: float64 ``[C, 9]``, see ``LEVEL``.
        weights: float32 ``[C, 1 + d, F]``: linear first, then factor by factor.
        means: float64 ``[C, 1 + d, G]``, of each group.
        precisions: float64 ``[C, 1 + d, G]``.
        sums: float32 ``[C, 1 + d, U + n_items]``: p and q of each row.
        errors: float32 ``[C, n]``, f − y.
        drift: float32 ``[C, n]``.
        noise: float32 ``[C, U + n_items]``, factors of the noise's precision.
    """

    level: Float64
    weights: Float32
    means: Float64
    precisions: Float64
    sums: Float32
    errors: Float32
    drift: Float32
    noise: Float32


def gibbs_start(plan: GibbsPlan, factors: int, chains: int, seed: int = 0) -> GibbsChains:
    """Chains before their first sweep: weights from N(0, 0.1²)."""
    n, groups = len(plan.ratings.indices), len(plan.side)
    shape = (chains, 1 + count("gibbs_start", "factors", factors))
    rows = plan.ratings.n_rows + plan.n_items
    weights = np.random.default_rng(seed).normal(0, 0.1, (*shape, plan.features.n_rows))
    usual = _usual_length(plan.gaps)
    level = [0, 1, _FIRST_NU, _FIRST_NU, _FIRST_SIZE, usual, 0.3, 0.3, usual]
    return GibbsChains(
        np.tile(np.array(level, np.float64), (chains, 1)),
        weights.astype(np.float32),
        np.zeros((*shape, groups)),
        np.ones((*shape, groups)),
        np.zeros((*shape, rows), np.float32),
        np.zeros((chains, n), np.float32),
        np.zeros((chains, n), np.float32),
        np.ones((chains, rows), np.float32),
    )


def gibbs_sweep(
    plan: GibbsPlan, chains: GibbsChains, *, sweep: int, seed: int = 0, adapt: bool = False
) -> None:
    """One sweep of Gibbs sampling for each chain, in place.

    The model is a factorisation machine of two sides with a drift: ``y ~ N(f, 1/(τ α_u α_i))``,
    ``f = w0 + p_u + p_i + q_u · q_i + x_u(t)``. p and q sum the weights of a row's features;
    weights of a group share a normal prior per factor, whose mean and precision are drawn too
    (Freudenthaler, Schmidt-Thieme and Rendle, *Bayesian factorization machines*, 2011).
    α ~ Gamma(ν/2, ν/2) says how sure a row's ratings are (Lakshminarayanan, Bouchard and
    Archambeau, *Robust Bayesian matrix factorisation*, 2011), x is an Ornstein-Uhlenbeck process.

    Args:
        plan: ratings and features.
        chains: from `gibbs_start`, changed.
        sweep: its number; random numbers depend on seed, chain and sweep alone.
        seed: at least 0.
        adapt: widen or narrow the steps of the drift's size and length; only before draws are kept.
    """
    _of_plan(plan, chains)
    _native.gibbs_sweep(
        plan.ratings,
        plan.n_items,
        plan.gaps,
        plan.features,
        plan.first,
        plan.side,
        chains.level,
        chains.weights,
        chains.means,
        chains.precisions,
        chains.sums,
        chains.errors,
        chains.drift,
        chains.noise,
        count("gibbs_sweep", "seed", seed),
        count("gibbs_sweep", "sweep", sweep),
        bool(adapt),
        threads(),
    )


def _of_plan(plan: GibbsPlan, chains: GibbsChains) -> None:
    """Complain unless chains are those that `gibbs_start` makes for this plan."""
    n, rows = len(plan.ratings.indices), plan.ratings.n_rows + plan.n_items
    count, height = chains.weights.shape[:2]
    wanted: dict[str, tuple[tuple[int, ...], type]] = {
        "level": ((count, len(LEVEL)), np.float64),
        "weights": ((count, height, plan.features.n_rows), np.float32),
        "means": ((count, height, len(plan.side)), np.float64),
        "precisions": ((count, height, len(plan.side)), np.float64),
        "sums": ((count, height, rows), np.float32),
        "errors": ((count, n), np.float32),
        "drift": ((count, n), np.float32),
        "noise": ((count, rows), np.float32),
    }
    for name, (shape, dtype) in wanted.items():
        one = getattr(chains, name)
        if one.shape != shape or one.dtype != dtype or not one.flags.c_contiguous:
            raise UsageError(
                "chains must be of this plan", where="gibbs_sweep", got=(name, one.shape)
            )


def _above_0(name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not (values > 0).all() or not np.isfinite(values).all():
        raise UsageError(f"{name} must be above 0 and finite", where="fold_draws")
    return values


def _moved(rows: Rows, by: int) -> Rows:
    return rows._replace(indices=rows.indices + np.int32(by))


def _usual_length(gaps: Float64 | None) -> float:
    """Twenty usual gaps: where the search for a drift's length begins."""
    waits = np.empty(0) if gaps is None else gaps[(gaps > 0) & np.isfinite(gaps)]
    return 20.0 * float(np.median(waits)) if len(waits) else 1.0


class Fold(NamedTuple):
    """What histories say of people under each draw.

    Attributes:
        taste: float32 ``[B, D, d + 1]``, x.
        duals: float32 ``[nnz, D]``, ``Cov(t)⁻¹ t`` of each entry.
        evidence: float64 ``[B, D]``, the log density of the targets, up to a constant.
    """

    taste: Float32
    duals: Float32
    evidence: Float64


def fold_draws(
    histories: Rows,
    targets: npt.ArrayLike,
    vectors: npt.ArrayLike,
    ridge: npt.ArrayLike,
    *,
    noise: npt.ArrayLike,
    tau: npt.ArrayLike,
    alpha: npt.ArrayLike,
    drift: npt.ArrayLike | None = None,
    gaps: npt.ArrayLike | None = None,
) -> Fold:
    """A ridge regression with a drift, per history and draw.

    ``t_j = [v_j, 1] · x + drift(time_j) + noise_j``, ``x ~ N(0, 1/ridge)``, noise of precision
    ``τ α β_j``; the drift is an Ornstein-Uhlenbeck process that a Kalman filter takes out (Durbin
    and Koopman, *Time series analysis by state space methods*, 2012, chapter 4).

    Args:
        histories: ``[B, n_items]``, in time order; values are not looked at.
        targets: t, ``[nnz, D]``.
        vectors: v, ``[n_items, D, d]``.
        ridge: ``[D, d + 1]``, above 0; the last is of the 1.
        noise: β, ``[n_items, D]``, above 0 (not looked at).
        tau: ``[D]``, above 0.
        alpha: ``[B]``, above 0.
        drift: ``[D, 2]``, variance and length; None for none.
        gaps: ``[nnz]``, time since the last entry, infinite where the drift begins anew; given
            with ``drift``.

    Raises:
        UsageError: a matrix is not positive definite.

    >>> one = np.ones((1, 1), np.float32)
    >>> rows = Rows(np.array([0, 1]), np.array([0], np.int32))
    >>> fold = fold_draws(rows, one, np.zeros((1, 1, 1)), [[1, 1]], noise=one, tau=[1], alpha=[1])
    >>> fold.taste.tolist(), fold.duals.tolist()
    ([[[0.0, 0.5]]], [[0.5]])
    """
    verb = "fold_draws"
    v = array(verb, "vectors", vectors, np.float32, (None, None, None))
    n_items, draws, d = v.shape
    rows = checked(verb, "histories", histories, n_items)._replace(values=None)
    n, nnz = rows.n_rows, len(rows.indices)
    if (drift is None) != (gaps is None):
        raise UsageError("drift and gaps come together", where=verb)
    pace = np.zeros((draws, 2)) if drift is None else drift
    out = Fold(
        np.empty((n, draws, d + 1), np.float32),
        np.empty((nnz, draws), np.float32),
        np.empty((n, draws)),
    )
    singular = _native.fold_draws(
        rows,
        None if gaps is None else array(verb, "gaps", gaps, np.float64, (nnz,)),
        array(verb, "targets", targets, np.float32, (nnz, draws)),
        _above_0("alpha", array(verb, "alpha", alpha, np.float32, (n,))),
        v,
        _above_0("ridge", array(verb, "ridge", ridge, np.float32, (draws, d + 1))),
        array(verb, "noise", noise, np.float32, (n_items, draws)),
        _above_0("tau", array(verb, "tau", tau, np.float64, (draws,))),
        array(verb, "drift", pace, np.float64, (draws, 2)),
        *out,
        threads(),
    )
    if singular >= 0:
        raise UsageError(
            f"the matrix of row {singular} is not positive definite",
            where=verb,
            do="Look for values that are not finite, or not above 0",
        )
    return out


def drift_likeness(histories: Rows, gaps: npt.ArrayLike, drift: npt.ArrayLike) -> Float32:
    """The mean covariance of each entry's drift with the drifts of all entries of its row.

    Args:
        histories: ``[B, n_items]``, in time order.
        gaps: ``[nnz]``, see `fold_draws`.
        drift: ``[D, 2]``, variance and length.

    Returns:
        float32 ``[nnz, D]``: times the duals and summed, it is the mean drift of the history.

    >>> rows = Rows(np.array([0, 2]), np.array([0, 1], np.int32))
    >>> drift_likeness(rows, [np.inf, 0.0], [[0.5, 1.0]]).tolist()
    [[0.5], [0.5]]
    """
    verb = "drift_likeness"
    pace = array(verb, "drift", drift, np.float64, (None, 2))
    nnz = len(histories.indices)
    waits = array(verb, "gaps", gaps, np.float64, (nnz,))
    out = np.empty((nnz, len(pace)), np.float32)
    _native.drift_likeness(histories._replace(values=None), waits, pace, out, threads())
    return out
