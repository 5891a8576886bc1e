"""A liked item and another: `draw_pairs` and `bpr_sgd` learn from them, `pair_taste` answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.checks import array, count, finite
from penchant.kernels.factors import in_place
from penchant.kernels.machine import threads
from penchant.kernels.rows import Rows, checked

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PairPlan:
    """Likes, and the ranges of people whose pairs are drawn by `draw_pairs` on their own.

    Attributes:
        likes: what each person liked, without values.
        n_items: how many items.
        people: int64 ``[blocks + 1]``, the first person of each range.
        seed: of all that is drawn.
    """

    likes: Rows
    n_items: int
    people: Int64
    seed: int

    @property
    def n_users(self) -> int:
        """How many people."""
        return self.likes.n_rows

    @property
    def blocks(self) -> int:
        """Ranges of people, and bins of items: the side of the grid."""
        return len(self.people) - 1

    def native(self, verb: str) -> tuple[Rows, Int64, int, int]:
        """What the verbs take; the likes are the caller's, who may have changed them."""
        likes = checked(verb, "plan.likes", self.likes, self.n_items, self.people[-1])
        return likes, self.people, self.n_items, self.seed


@dataclass(frozen=True, eq=False)
class Pairs:
    """One epoch: every like once, with an item its person did not like, in blocks.

    Attributes:
        pairs: int32 ``[n, 3]``, (user, liked, other); other is -1 where none was found.
        bounds: int64 ``[blocks² + 1]``; block (b, c) is range b of the people, bin c of items.
        plan: what they were drawn from.
    """

    pairs: Int32
    bounds: Int64
    plan: PairPlan


def pair_plan(likes: Rows, n_items: int, seed: int = 0) -> PairPlan:
    """A plan that depends on data and seed alone, never on threads.

    Args:
        likes: what each person liked, ``[n_users, n_items]``; values are not looked at. The arrays
            are kept, not copied: they must stay as they are.
        n_items: size of the catalogue.
        seed: of all that is drawn.
    """
    n_items = count("pair_plan", "n_items", n_items)
    likes = checked("pair_plan", "likes", likes, n_items)._replace(values=None)
    seed = count("pair_plan", "seed", seed)
    blocks = _native.pair_blocks(len(likes.indices), n_items)
    people = np.empty(blocks + 1, np.int64)
    _native.pair_ranges(likes, blocks, people)
    people.setflags(write=False)
    return PairPlan(likes, n_items, people, seed)


def draw_pairs(plan: PairPlan, epoch: int) -> Pairs:
    """An item for every like to be compared with, drawn anew for every epoch.

    Items are dealt to bins by a random permutation, and each like gets an item of its own item's
    bin, drawn evenly and again while the person liked it, 8 times at most. So blocks that share
    neither people nor bins share nothing, while over epochs every item meets every other.

    Args:
        plan: what `pair_plan` made of the likes.
        epoch: which epoch, at least 0.

    >>> plan = pair_plan(Rows(np.array([0, 2]), np.array([0, 2])), 3)
    >>> sorted(draw_pairs(plan, 0).pairs.tolist())
    [[0, 0, 1], [0, 2, 1]]
    """
    epoch = count("draw_pairs", "epoch", epoch)
    pairs = np.empty((len(plan.likes.indices), 3), np.int32)
    bounds = np.empty(plan.blocks**2 + 1, np.int64)
    _native.draw_pairs(*plan.native("draw_pairs"), epoch, pairs, bounds, threads())
    for one in (pairs, bounds):
        one.setflags(write=False)
    return Pairs(pairs, bounds, plan)


def bpr_sgd(
    plan: PairPlan,
    epoch: int,
    P: Float32,
    Q: Float32,
    bias: Float32,
    *,
    rate: float,
    reg: float,
    reg_bias: float,
) -> float:
    """One epoch of BPR by stochastic gradient ascent, in place (Rendle et al., UAI 2009).

    It walks the pairs of `draw_pairs`, but draws a block only when its turn comes. For each
    (u, i, j): ``x = p_u · (q_i − q_j) + b_i − b_j`` and ``g = σ(−x)``; then, all from the old
    values, ``p += rate (g (q_i − q_j) − reg p)``, ``q_i += rate (g p − reg q_i)``,
    ``q_j += rate (−g p − reg q_j)``, ``b_i += rate (g − reg_bias b_i)`` and
    ``b_j += rate (−g − reg_bias b_j)``. Blocks of a step share neither people nor items, so bytes
    do not depend on threads.

    Args:
        plan: what `pair_plan` made of the likes.
        epoch: which epoch, at least 0.
        P: float32 ``[n_users, d]``, changed.
        Q: float32 ``[n_items, d]``, changed.
        bias: float32 ``[n_items]``, changed.
        rate: step size.
        reg: damping of vectors.
        reg_bias: damping of biases.

    Returns:
        The share of pairs that were in order (x > 0) before their step, 0 to 1.
    """
    in_place("bpr_sgd", P=P, Q=Q, bias=bias)
    epoch = count("bpr_sgd", "epoch", epoch)
    array("bpr_sgd", "P", P, np.float32, (plan.n_users, None))
    array("bpr_sgd", "Q", Q, np.float32, (plan.n_items, P.shape[1]))
    array("bpr_sgd", "bias", bias, np.float32, (plan.n_items,))
    ordered, all_pairs = _native.bpr_sgd(
        *plan.native("bpr_sgd"),
        epoch,
        P,
        Q,
        bias,
        float(rate),
        float(reg),
        float(reg_bias),
        threads(),
    )
    return float(ordered / max(all_pairs, 1))


def pair_taste(
    histories: Rows,
    items: npt.ArrayLike,
    bias: npt.ArrayLike,
    panel: npt.ArrayLike,
    panel_bias: npt.ArrayLike,
    weights: npt.ArrayLike,
    ridge: npt.ArrayLike,
) -> Float32:
    """The vector of each history under BPR: likes stand above a panel of items, dislikes below.

    Maximises ``Σ_i Σ_j a_j log σ(y_i (s_i − s_j)) − ½ Σ_k ridge_k p_k²`` over p, with
    ``s = p · q + b``, i over the history, j over the panel, ``a = weights / Σ weights`` and y_i the
    sign of the history's value; by reweighted least squares in float64.

    Args:
        histories: ``[B, I]``; a value below 0 is a dislike, anything else a like.
        items: q, ``[I, d]``.
        bias: b, ``[I]``.
        panel: vectors of typical items, ``[m, d]``.
        panel_bias: their biases, ``[m]``.
        weights: how many items each stands for, ``[m]``, above 0.
        ridge: ``[B, d]``, above 0.

    Returns:
        float32 ``[B, d]``; an empty history gets 0.

    Raises:
        UsageError: a row's matrix is not positive definite, or an answer is not finite.

    >>> one = Rows(np.array([0, 1]), np.array([0]))
    >>> taste = pair_taste(one, [[1.0], [0.0]], [0, 0], [[0.0]], [0], [1], [[1.0]])
    >>> taste.astype(float).round(4).tolist()  # p = σ(−p)
    [[0.4011]]
    """
    verb = "pair_taste"
    q = array(verb, "items", items, np.float32, (None, None))
    rows = checked(verb, "histories", histories, len(q))
    b = array(verb, "bias", bias, np.float32, (len(q),))
    typical = array(verb, "panel", panel, np.float32, (None, q.shape[1]))
    typical_bias = array(verb, "panel_bias", panel_bias, np.float32, (len(typical),))
    a = array(verb, "weights", weights, np.float32, (len(typical),))
    if not (a > 0).all():
        raise UsageError("weights must be above 0", where=verb)
    damping = array(verb, "ridge", ridge, np.float32, (rows.n_rows, q.shape[1]))
    out = np.empty((rows.n_rows, q.shape[1]), dtype=np.float32)
    singular = _native.pair_taste(rows, q, b, typical, typical_bias, a, damping, out, threads())
    if singular >= 0:
        raise UsageError(
            f"the matrix of row {singular} is not positive definite",
            where=verb,
            do="Raise the ridge, or look for values that are not finite",
        )
    finite(verb, "the answer to items, bias and ridge", out)
    return out
