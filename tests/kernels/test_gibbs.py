"""The Gibbs sampler draws from the posterior, and a fold is the exact conditional expectation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from penchant import kernels
from penchant.errors import UsageError
from penchant.kernels import GibbsPlan, Rows
from tests.kernels import gibbs_twin


def _each(n: int) -> Rows:
    return Rows(np.arange(n + 1), np.arange(n, dtype=np.int32), np.ones(n, np.float32))


def _plan(drifts: bool, n_users=9, n_items=7, seed=0, bags=True) -> GibbsPlan:
    """Some people without a rating, an item nobody rated, gaps of 0 and infinite ones."""
    rng = np.random.default_rng(seed)
    counts = np.where(np.arange(n_users) == 4, 0, rng.integers(1, 6, n_users))
    items = [rng.choice(n_items - 1, n, replace=False) for n in counts]
    indptr, flat = np.cumsum([0, *counts]), np.concatenate(items).astype(np.int32)
    ratings = Rows(indptr, flat, rng.normal(0, 1, len(flat)).astype(np.float32))
    gaps = np.where(rng.random(len(flat)) < 0.2, 0, rng.exponential(30, len(flat)))
    gaps[indptr[:-1][counts > 0]] = np.inf
    share = Rows(indptr, flat, rng.uniform(0.3, 1, len(flat)).astype(np.float32))
    users, things = {"users": _each(n_users)}, {"items": _each(n_items)}
    if bags:
        users["bag"], things["bag"] = share.transpose(n_items), share
    return GibbsPlan.of(ratings, n_items, users, things, gaps if drifts else None)


@pytest.mark.parametrize("drifts", [False, True])
@pytest.mark.parametrize("sweep", [0, 3])
def test_one_sweep_is_that_of_the_twin(drifts, sweep):
    """Given the same random numbers, every weight, precision and drift comes out the same."""
    plan = _plan(drifts)
    chains = kernels.gibbs_start(plan, 2, 2, seed=5)
    for before in range(sweep):
        kernels.gibbs_sweep(plan, chains, sweep=before, seed=5)
    twin = gibbs_twin.Sweep(plan, chains, 5, sweep).run()
    kernels.gibbs_sweep(plan, chains, sweep=sweep, seed=5)
    for name in ("level", "means", "precisions", "weights", "noise", "drift"):
        got = getattr(chains, name)[0]
        np.testing.assert_allclose(got, getattr(twin, name), rtol=2e-3, atol=2e-4, err_msg=name)
    np.testing.assert_allclose(chains.errors[0], twin.errors(), atol=2e-4)


def test_errors_and_sums_follow_the_weights():
    """What steps leave behind is what the weights alone give."""
    plan = _plan(True, 40, 30)
    chains = kernels.gibbs_start(plan, 4, 1)
    for sweep in range(15):
        kernels.gibbs_sweep(plan, chains, sweep=sweep)
    afresh = gibbs_twin.Sweep(plan, chains, 0, 0)
    np.testing.assert_allclose(chains.errors[0], afresh.errors(), atol=1e-4)
    np.testing.assert_allclose(chains.sums[0], afresh.weights @ afresh.x.T, atol=1e-4)


def test_draws_have_the_exact_posterior_of_a_small_model():
    """Two people, one item, biases alone, at fixed precisions: a normal with known moments."""
    ratings = Rows(np.array([0, 1, 2]), np.array([0, 0], np.int32), np.array([1, -1], np.float32))
    plan = GibbsPlan.of(ratings, 1, {"users": _each(2)}, {"items": _each(1)})
    chains, kept = kernels.gibbs_start(plan, 0, 1, seed=2), []
    w = []
    for sweep in range(6000):
        kernels.gibbs_sweep(plan, chains, sweep=sweep, seed=2)
        w.append(chains.weights[0, 0].copy())
        kept.append(chains.level[0, 1])
    w = np.array(w)[500:]
    assert w[:, 0].mean() > 0 > w[:, 1].mean()
    # mirrored ratings: the posterior is its own mirror image
    assert w[:, 0].mean() == pytest.approx(-w[:, 1].mean(), abs=0.06)
    assert w[:, 2].mean() == pytest.approx(0, abs=0.06)
    assert min(kept) > 0


def test_the_noise_of_ratings_is_found():
    """Precision and drift of ratings made with both, within a few posterior deviations."""
    rng = np.random.default_rng(3)
    n_users, each = 300, 40
    indptr = np.arange(n_users + 1) * each
    items = np.concatenate([rng.permutation(60)[:each] for _ in range(n_users)]).astype(np.int32)
    gaps = np.where(np.arange(n_users * each) % each == 0, np.inf, rng.exponential(1.0, len(items)))
    drift = np.zeros(len(items))
    for n, gap in enumerate(gaps):
        kept = 0 if np.isinf(gap) else np.exp(-gap / 8)
        drift[n] = kept * drift[n - 1] + np.sqrt(0.3 * (1 - kept**2)) * rng.normal()
    person, thing = rng.normal(0, 0.5, n_users), rng.normal(0, 0.5, 60)
    y = np.repeat(person, each) + thing[items] + drift + rng.normal(0, 0.5, len(items))
    plan = GibbsPlan.of(
        Rows(indptr, items, (y - y.mean()).astype(np.float32)),
        60,
        {"users": _each(n_users)},
        {"items": _each(60)},
        gaps,
    )
    chains, seen = kernels.gibbs_start(plan, 1, 1), []
    for sweep in range(300):
        kernels.gibbs_sweep(plan, chains, sweep=sweep, adapt=sweep < 100)
        seen.append(chains.level[0, [1, 4, 5]].copy())
    tau, size, length = np.mean(seen[100:], axis=0)
    assert 1 / tau == pytest.approx(0.25, rel=0.15)
    assert size == pytest.approx(0.3, rel=0.2)
    assert length == pytest.approx(8, rel=0.3)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_chains_do_not_depend_on_threads_or_on_each_other(threads):
    plan = _plan(True)
    kernels.set_threads(threads)
    three, one = kernels.gibbs_start(plan, 3, 3), kernels.gibbs_start(plan, 3, 1)
    one.weights[:] = three.weights[:1]
    for sweep in range(4):
        kernels.gibbs_sweep(plan, three, sweep=sweep)
        kernels.gibbs_sweep(plan, one, sweep=sweep)
    assert three.weights[0].tobytes() == one.weights[0].tobytes()
    assert three.weights[0].tobytes() != three.weights[1].tobytes()


def _model(n_items=30, draws=10, d=5, seed=1):
    rng = np.random.default_rng(seed)
    return {
        "vectors": rng.normal(0, 0.5, (n_items, draws, d)).astype(np.float32),
        "ridge": rng.uniform(1, 20, (draws, d + 1)).astype(np.float32),
        "noise": rng.uniform(0.5, 2, (n_items, draws)).astype(np.float32),
        "tau": rng.uniform(1, 3, draws),
        "drift": np.stack([rng.uniform(0.05, 0.3, draws), rng.uniform(5, 50, draws)], axis=1),
    }


@pytest.mark.parametrize("d", [0, 5, 17])
@pytest.mark.parametrize("drifts", [False, True])
def test_fold_draws(drifts, d):
    """Each person's vector, duals and evidence, from the whole covariance matrix."""
    model, rng = _model(d=d), np.random.default_rng(4)
    drift = model.pop("drift")
    rows = Rows(np.array([0, 6, 6, 19]), rng.integers(0, 30, 19).astype(np.int32))
    gaps = rng.exponential(20, 19)
    gaps[[0, 3, 6]] = np.inf
    targets = rng.normal(0, 1, (19, 10)).astype(np.float32)
    alpha = np.array([0.5, 1, 2], np.float32)
    given = {"drift": drift, "gaps": gaps} if drifts else {}
    vectors, ridge = model.pop("vectors"), model.pop("ridge")
    got = kernels.fold_draws(rows, targets, vectors, ridge, alpha=alpha, **model, **given)
    for row, draw in np.ndindex(3, 10):
        entries = slice(*rows.indptr[row : row + 2])
        items = rows.indices[entries]
        noise = 1 / (model["tau"][draw] * alpha[row] * model["noise"][items, draw])
        x, duals, density = gibbs_twin.fold(
            vectors[items, draw].astype(float),
            targets[entries, draw].astype(float),
            ridge[draw].astype(float),
            noise,
            drift[draw],
            gaps[entries] if drifts else None,
        )
        np.testing.assert_allclose(got.taste[row, draw], x, atol=2e-5)
        np.testing.assert_allclose(got.duals[entries, draw], duals, rtol=1e-4, atol=2e-5)
        assert got.evidence[row, draw] == pytest.approx(density, abs=1e-3)


def test_drift_likeness():
    drift, rng = _model()["drift"], np.random.default_rng(6)
    rows = Rows(np.array([0, 5, 5, 12]), rng.integers(0, 9, 12).astype(np.int32))
    gaps = rng.exponential(20, 12)
    gaps[[0, 3, 5]] = np.inf
    got = kernels.drift_likeness(rows, gaps, drift)
    for row, draw in itertools.product((0, 2), range(10)):
        entries = slice(*rows.indptr[row : row + 2])
        cov = gibbs_twin.drift_covariance(gaps[entries], *drift[draw])
        np.testing.assert_allclose(got[entries, draw], cov.mean(axis=0), rtol=1e-5)


def test_what_cannot_be_meant_is_refused():
    plan = _plan(False)
    chains = kernels.gibbs_start(plan, 2, 1)
    other = kernels.gibbs_start(_plan(False, n_users=12), 2, 1)
    with pytest.raises(UsageError, match="chains must be of this plan"):
        kernels.gibbs_sweep(plan, other, sweep=0)
    with pytest.raises(UsageError, match="seed must be a whole number"):
        kernels.gibbs_sweep(plan, chains, sweep=0, seed=-1)
    with pytest.raises(UsageError, match="gaps must be at least 0"):
        GibbsPlan.of(plan.ratings, 7, {}, {}, np.full(len(plan.ratings.indices), -1.0))
    model = _model()
    drift, one = model.pop("drift"), Rows(np.array([0, 1]), np.array([0], np.int32))
    model["tau"][3] = 0
    targets, vectors, ridge = np.ones((1, 10)), model.pop("vectors"), model.pop("ridge")
    with pytest.raises(UsageError, match="tau must be above 0"):
        kernels.fold_draws(one, targets, vectors, ridge, alpha=[1], **model)
    model["tau"][3] = 1
    with pytest.raises(UsageError, match="drift and gaps come together"):
        kernels.fold_draws(one, targets, vectors, ridge, alpha=[1], drift=drift, **model)
