"""Learning and answering with vectors: `solve_rows`, `rating_sgd`, `gram`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.checks import array, count, finite, on_lines, within
from penchant.kernels.machine import threads
from penchant.kernels.rows import Rows, checked, gather

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
MOST_FACTORS = 1024
_SOME_ROWS = 1024  # drawn at once
_INFINITE = -3  # said by the native solve_rows
_SOLVERS = {"exact": 0, "cg": 1, "block": 2}


def solve_rows(
    rows: Rows,
    targets: npt.ArrayLike | None,
    items: npt.ArrayLike,
    ridge: npt.ArrayLike,
    *,
    scale: npt.ArrayLike | None = None,
    gram: npt.ArrayLike | None = None,
    solver: str = "exact",
    start: npt.ArrayLike | None = None,
    steps: int = 3,
    block: int = 64,
    objective: npt.NDArray[np.float64] | None = None,
) -> Float32:
    """One ridge regression per row: ``x_r = (G + Σ w v vᵀ + c_r diag ridge)⁻¹ Σ w t v``.

    The half-step of alternating least squares, and the fold-in of a history. ``exact`` factors
    each matrix; ``cg`` improves a start by conjugate gradient without forming it (Takács, Pilászy
    and Tikk, RecSys 2011); ``block`` solves blocks of coordinates in turn (Rendle, Krichene,
    Zhang and Koren, *iALS++*, 2021).

    Args:
        rows: which items belong to each row; values are weights w, None is all ones.
        targets: t, ``[nnz]``; None is all ones.
        items: v, ``[I, d]``, d at most 1,024.
        ridge: ``[d]``.
        scale: c, ``[R]``, at least 0; None is all ones.
        gram: G, ``[d, d]`` symmetric.
        solver: ``"exact"``, ``"cg"`` or ``"block"``.
        start: x before, ``[R, d]``, for ``cg`` and ``block``; None is all 0.
        steps: of ``cg``, or sweeps of ``block``; at least 1.
        block: coordinates of a block, a multiple of 16.
        objective: float64 ``[R]``, filled with ``Σ w (t − v·x)² + xᵀ(G + c ridge)x``.

    Returns:
        float32 ``[R, d]``; a row without entries gets 0.

    Raises:
        UsageError: a row's matrix is not positive definite, or an answer is not finite.

    >>> x = solve_rows(Rows(np.array([0, 1]), np.array([0])), [2.0], [[1.0]], [1.0])
    >>> x.round(6).tolist()
    [[1.0]]
    """
    verb = "solve_rows"
    v = array(verb, "items", items, np.float32, (None, None))
    rows = checked(verb, "rows", rows, len(v))
    n, d = rows.n_rows, narrow(verb, v)
    if solver not in _SOLVERS:
        raise UsageError(f"solver must be one of {', '.join(_SOLVERS)}", where=verb, got=solver)
    if count(verb, "block", block) % 16 or not block:
        raise UsageError("block must be a multiple of 16", where=verb, got=block)
    before = None
    if solver != "exact":
        zero = np.zeros((n, d), np.float32) if start is None else start
        before = array(verb, "start", zero, np.float32, (n, d))
    if objective is not None and (objective.dtype != np.float64 or objective.shape != (n,)):
        raise UsageError(f"objective must be float64 [{n}]", where=verb, got=objective.shape)
    out = on_lines((n, d))
    bad = _native.solve_rows(
        rows,
        None
        if targets is None
        else array(verb, "targets", targets, np.float32, rows.indices.shape),
        v,
        array(verb, "ridge", ridge, np.float32, (d,)),
        None if scale is None else array(verb, "scale", scale, np.float32, (n,)),
        None if gram is None else array(verb, "gram", gram, np.float32, (d, d)),
        _SOLVERS[solver],
        before,
        count(verb, "steps", steps),
        block,
        out,
        objective,
        threads(),
    )
    return solved(verb, bad, out)


def narrow(verb: str, items: Float32) -> int:
    """The number of components, unless there are too many to solve for."""
    d = int(items.shape[1])
    if d > MOST_FACTORS:
        raise UsageError(f"vectors have at most {MOST_FACTORS} components", where=verb, got=d)
    return d


def solved(verb: str, bad: int, out: Float32) -> Float32:
    """The answers of a native solve, or the complaint that its return value stands for."""
    if bad >= 0:
        raise UsageError(
            f"the matrix of row {bad} is not positive definite",
            where=verb,
            do="Raise the ridge, or look for values that are not finite",
        )
    if bad == _INFINITE:
        finite(verb, "the answer to targets, items and ridge", out)
    return out


def normal(rng: np.random.Generator, sd: float, shape: tuple[int, int]) -> Float32:
    """First factors: float32 from N(0, sd²), laid out as the descents read them fastest.

    >>> normal(np.random.default_rng(0), 0.1, (2, 3)).shape
    (2, 3)
    """
    out: Float32 = on_lines(shape)
    for start in range(0, len(out), _SOME_ROWS):  # float64 of a few rows at a time
        some = out[start : start + _SOME_ROWS]
        some[:] = rng.normal(0, sd, some.shape)
    return out


def gram(items: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Float32:
    """``Σ_i w_i v_i v_iᵀ``, float32 ``[d, d]``, the same bytes on any number of threads.

    >>> gram([[1.0, 2.0], [0.0, 1.0]]).tolist()
    [[1.0, 2.0], [2.0, 5.0]]
    """
    v = array("gram", "items", items, np.float32, (None, None))
    w = None if weights is None else array("gram", "weights", weights, np.float32, (len(v),))
    out = np.zeros((v.shape[1], v.shape[1]), dtype=np.float32)
    _native.gram(v, w, out, threads())
    return out


@dataclass(frozen=True, eq=False)
class Schedule:
    """Ratings in the order in which `rating_sgd` walks them: blocks that may run side by side.

    It carries its ratings, because for others blocks of a step could meet.

    Attributes:
        users: int32 ``[n]``, below ``n_users``.
        items: int32 ``[n]``, below ``n_items``.
        targets: float32 ``[n]``, the ratings.
        n_users: how many people.
        n_items: how many items.
        bounds: int64 ``[blocks² + 1]``, where each block begins.
        blocks: the grid's side; 1 walks ratings as they came.
    """

    users: Int32
    items: Int32
    targets: Float32
    n_users: int
    n_items: int
    bounds: Int64
    blocks: int


def sgd_schedule(
    users: npt.ArrayLike,
    items: npt.ArrayLike,
    targets: npt.ArrayLike,
    n_users: int,
    n_items: int,
    seed: int = 0,
    *,
    serial: bool = False,
) -> Schedule:
    """A schedule that depends on data and seed alone, never on threads.

    Args:
        users: ``[n]`` rows below ``n_users``.
        items: ``[n]`` rows below ``n_items``.
        targets: ``[n]``, the ratings.
        n_users: how many people.
        n_items: how many items.
        seed: of the order within blocks.
        serial: keep the order of the ratings.

    >>> sgd_schedule([1, 0], [0, 0], [5, 3], 2, 1, serial=True).targets.tolist()
    [5.0, 3.0]
    """
    verb = "sgd_schedule"
    u = array(verb, "users", users, np.int32, (None,))
    i = array(verb, "items", items, np.int32, (len(u),))
    t = array(verb, "targets", targets, np.float32, (len(u),))
    within(verb, "users", u, count(verb, "n_users", n_users))
    within(verb, "items", i, count(verb, "n_items", n_items))
    finite(verb, "targets", t)
    seed = count(verb, "seed", seed)
    blocks = _native.schedule_size(len(u), serial)
    order, bounds = np.empty(len(u), np.int64), np.empty(blocks * blocks + 1, np.int64)
    _native.schedule(u, i, n_users, n_items, seed, blocks, order, bounds)
    u, i, t = (gather(one, order) for one in (u, i, t))
    for one in (u, i, t, bounds):
        one.setflags(write=False)
    return Schedule(u, i, t, n_users, n_items, bounds, blocks)


def rating_sgd(
    schedule: Schedule,
    P: Float32,
    Q: Float32,
    user_bias: Float32,
    item_bias: Float32,
    *,
    rate: float,
    mean: float,
    reg_factors_user: npt.ArrayLike,
    reg_factors_item: npt.ArrayLike,
    reg_bias_user: npt.ArrayLike,
    reg_bias_item: npt.ArrayLike,
    train_factors: bool = True,
    train_biases: bool = True,
) -> float:
    """One epoch of stochastic gradient descent on ``r − μ − b_u − b_i − p_u · q_i``, in place.

    ``b += rate (e − reg b)``; ``p += rate (e q − reg p)`` and ``q`` likewise, both from the old
    values. Blocks of a step share neither people nor items, so bytes do not depend on threads.

    Args:
        schedule: what `sgd_schedule` made of the ratings r.
        P: float32 ``[U, d]``, changed.
        Q: float32 ``[I, d]``, changed.
        user_bias: float32 ``[U]``, changed.
        item_bias: float32 ``[I]``, changed.
        rate: step size.
        mean: μ.
        reg_factors_user: ``[U]``, damping of each p_u; likewise the other three.
        reg_factors_item: ``[I]``.
        reg_bias_user: ``[U]``.
        reg_bias_item: ``[I]``.
        train_factors: whether P and Q move.
        train_biases: whether the biases move.

    Returns:
        The sum of squared errors, each taken before its step.
    """
    verb = "rating_sgd"
    in_place(verb, P=P, Q=Q, user_bias=user_bias, item_bias=item_bias)
    n_users, n_items = schedule.n_users, schedule.n_items
    array(verb, "P", P, np.float32, (n_users, None))
    array(verb, "Q", Q, np.float32, (n_items, P.shape[1]))
    damping = [
        array(verb, name, value, np.float32, (size,))
        for name, value, size in (
            ("reg_factors_user", reg_factors_user, n_users),
            ("reg_factors_item", reg_factors_item, n_items),
            ("reg_bias_user", reg_bias_user, n_users),
            ("reg_bias_item", reg_bias_item, n_items),
        )
    ]
    array(verb, "user_bias", user_bias, np.float32, (n_users,))
    array(verb, "item_bias", item_bias, np.float32, (n_items,))
    return _native.rating_sgd(
        schedule.users,
        schedule.items,
        schedule.targets,
        schedule.bounds,
        schedule.blocks,
        P,
        Q,
        user_bias,
        item_bias,
        float(rate),
        float(mean),
        *damping,
        train_factors,
        train_biases,
        threads(),
    )


def in_place(verb: str, **arrays: Float32) -> None:
    """Complain unless all of these can be changed where they lie."""
    for name, one in arrays.items():
        ready = isinstance(one, np.ndarray) and one.dtype == np.float32
        if not (ready and one.flags.c_contiguous and one.flags.writeable):
            raise UsageError(
                f"{name} is changed in place: a writable C-ordered float32 array", where=verb
            )
