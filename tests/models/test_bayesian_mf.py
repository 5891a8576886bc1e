"""What Bayesian matrix factorization promises beyond the contract of every model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import penchant as pt
from penchant.errors import ParameterError, UsageError
from penchant.evaluation.quality import rating_error
from penchant.models import bayesian_mf

QUICK = {"factors": 4, "sweeps": 80, "burn_in": 20, "samples": 24}


def _people(n=150, n_items=60, each=20, seed=0, drift=0.0, minutes=1.0) -> list[tuple]:
    """Ratings with taste in them; moods of some ten minutes if ``drift``."""
    rng = np.random.default_rng(seed)
    taste, item = rng.normal(0, 0.7, (n, 2)), rng.normal(0, 0.7, (n_items, 2))
    rows = []
    for u in range(n):
        mood, when = 0.0, 1_000_000_000 + 1_000_000 * u
        for i in rng.choice(n_items, each, replace=False):
            wait = minutes * 60 * rng.exponential()
            kept = np.exp(-wait / 600)
            mood = kept * mood + drift * np.sqrt(1 - kept**2) * rng.normal()
            when += wait
            star = 3.5 + taste[u] @ item[i] + mood + 0.4 * rng.normal()
            rows.append((u, int(i), float(np.clip(star, 0.5, 5)), int(when)))
    return rows


def _halves(rows: list[tuple], seed=1) -> tuple[pt.Interactions, pt.Interactions]:
    held = np.random.default_rng(seed).random(len(rows)) < 0.25
    train, test = ([r for r, h in zip(rows, held, strict=True) if h == side] for side in (0, 1))
    return pt.read(train, kind="ratings"), pt.read(test, kind="ratings")


@pytest.fixture(scope="module")
def moody() -> tuple[pt.BayesianMF, pt.Interactions]:
    """A model of people with moods, and what they rated beside."""
    train, test = _halves(_people(drift=0.6))
    return pt.BayesianMF(**QUICK).fit(train), test


def test_folded_in_answers_are_no_worse_than_trained_vectors(monkeypatch):
    """Paired over held-out ratings, within one standard error."""
    train, test = _halves(_people())
    held = test.columns()
    users = train.users.rows(held["user_id"].tolist())
    items = train.items.rows(held["item_id"].tolist())
    trained, draw = [], bayesian_mf._Run._draw

    def seen(run, chain):
        c, n_users = run.chains, run.plan.ratings.n_rows
        u, i = c.sums[chain][:, users], c.sums[chain][:, n_users + items]
        score = c.level[chain, 0] + u[0] + i[0] + (u[1:] * i[1:]).sum(axis=0)
        trained.append(run.mean + run.unit * score)
        return draw(run, chain)

    monkeypatch.setattr(bayesian_mf._Run, "_draw", seen)
    model = pt.BayesianMF(**QUICK, drift=False).fit(train)
    truth = held["rating"].astype(float)
    folded = model.predict(held["user_id"], held["item_id"])
    worse = (folded - truth) ** 2 - (np.clip(np.mean(trained, axis=0), 0.5, 5) - truth) ** 2
    assert worse.mean() <= worse.std() / np.sqrt(len(worse))


def test_moods_count_at_their_moment_and_fade(moody):
    """The moment asked about matters by what the person rated around it."""
    model, test = moody
    held = test.columns()
    with_time = rating_error(model, test)
    without = np.mean((model.predict(held["user_id"], held["item_id"]) - held["rating"]) ** 2)
    assert with_time < 0.9 * without
    user, item = held["user_id"][0], held["item_id"][0]
    last = model.fitted.histories.take([model.fitted.users.row(user)]).times[-1]
    far = [model.predict(user, item, at=int(last + days * 86_400e6)) for days in (30, 300)]
    assert far[0] == pytest.approx(far[1], abs=1e-6)
    assert model.predict(user, item, at=int(last)) != far[0]


def test_without_times_there_is_no_drift(moody):
    model, _ = moody
    rows = [row[:3] for row in _people(60, 30, 10)]
    plain = pt.BayesianMF(**QUICK).fit(pt.read(rows, kind="ratings"))
    assert plain.fitted.body.drift is None
    assert plain.predict(0, 1, at="2001-01-01") == plain.predict(0, 1)
    history = [(1, 4.0), (2, 2.0)]
    assert np.isfinite(model.predict(history=history, items=[3, 4], at="2001-01-01")).all()


def test_intervals_hold_as_many_ratings_as_they_say(moody):
    """Of held-out ratings, within the noise of counting."""
    model, test = moody
    held = test.columns()
    n = 200
    for level in (0.5, 0.9):
        low_high = model.predict(
            held["user_id"][:n], held["item_id"][:n], at=held["timestamp"][:n], interval=level
        )
        stars, low, high = low_high.T
        assert low_high.shape == (n, 3)
        assert ((low <= stars) & (stars <= high)).all()
        inside = np.mean((low <= held["rating"][:n]) & (held["rating"][:n] <= high))
        assert inside == pytest.approx(level, abs=0.09)
        plain = model.predict(held["user_id"][:n], held["item_id"][:n], at=held["timestamp"][:n])
        np.testing.assert_allclose(stars, plain, atol=1e-5)


def test_more_ratings_make_surer(moody):
    """A stranger's intervals narrow with their ratings, and are widest for unknown items."""
    model, _ = moody

    def width(history, items):
        _, low, high = model.predict(history=history, items=items, interval=0.5).T
        return np.mean(high - low)

    long, others = [(i, 2.0 + i % 3) for i in range(1, 25)], list(range(30, 50))
    assert width(long, others) < width(long[:1], others) < width(long[:1], ["nobody", "knows"])


def test_models_that_do_not_know_how_sure_they_are_say_so(ratings):
    model = pt.RatingMF(epochs=1).fit(ratings)
    with pytest.raises(UsageError, match=r"does not know how sure it is.*BayesianMF"):
        model.predict(100, 7, interval=0.9)
    for wrong in (0, 1.0, 90, "wide", True):
        with pytest.raises(ParameterError, match="interval must be a number between 0 and 1"):
            model.predict(100, 7, interval=wrong)


def test_draws_are_spread_evenly_over_chains(ratings):
    for samples, chains in ((7, 2), (3, 3), (1, 1), (9, 4)):
        model = pt.BayesianMF(factors=1, sweeps=9, burn_in=3, samples=samples, chains=chains)
        assert len(model.fit(ratings).fitted.body.tau) == samples
    with pytest.raises(ParameterError, match="burn_in must be less than sweeps"):
        pt.BayesianMF(sweeps=5, burn_in=5).fit(ratings)


def test_more_draws_than_sweeps_are_as_many_as_there_are(ratings):
    model = pt.BayesianMF(factors=1, sweeps=6, burn_in=2, samples=64, chains=2).fit(ratings)
    assert len(model.fitted.body.tau) == 8


def test_facts_speak_for_people_and_items_without_ratings():
    """Two kinds of people who like two kinds of items; newcomers are known by their kind alone."""
    rng, rows = np.random.default_rng(4), []
    for u in range(80):
        for i in rng.choice(40, 12, replace=False):
            liked = u % 2 == i % 2
            rows.append((u, int(i), float(np.clip(round(3 + (1.5 if liked else -1.5)), 1, 5))))
    data = pt.read(
        rows,
        kind="ratings",
        users=pd.DataFrame({"user_id": range(80), "kind": ["even", "odd"] * 40}),
        items=pd.DataFrame({"item_id": range(40), "sort": ["even", "odd"] * 20}),
    )
    model = pt.BayesianMF(**QUICK).fit(data)
    for kind, other in (("even", "odd"), ("odd", "even")):
        mine = model.predict("new", model.item_ids[0], facts={"kind": kind})
        theirs = model.predict("new", model.item_ids[0], facts={"kind": other})
        assert abs(mine - theirs) > 0.8
    deaf = pt.BayesianMF(**QUICK, facts=False).fit(data)
    assert deaf.fitted.body.facts is None


def test_a_draw_alone_is_a_model(moody):
    """The answer is the mean over draws: of each of them when there is one."""
    model, _ = moody
    body, h = model.fitted.body, model.fitted.histories.take([3])
    one = replace(
        body,
        vectors=np.ascontiguousarray(body.vectors[:, :1]),
        bias=np.ascontiguousarray(body.bias[:, :1]),
        noise=np.ascontiguousarray(body.noise[:, :1]),
        prior=body.prior[:1],
        ridge=body.ridge[:1],
        tau=body.tau[:1],
        nu=body.nu[:1],
        stranger=body.stranger[:1],
        strange=body.strange[:1],
        drift=body.drift[:1],
        bag=np.ascontiguousarray(body.bag[:, : body.prior.shape[1]]),
    )
    assert np.isfinite(one.score(h)[0]).all()
    spread = np.abs(one.score(h)[0] - body.score(h)[0]).mean()
    assert 0 < spread < 1


def test_the_scale_of_ratings_does_not_matter():
    """Ratings from 0 to 100 give the same answers as ratings from 0 to 5, twenty times as high."""
    rows = _people(60, 30, 12, drift=0.3)
    wide = [(u, i, 20 * star, t) for u, i, star, t in rows]
    low, high = (pt.BayesianMF(**QUICK).fit(pt.read(r, kind="ratings")) for r in (rows, wide))
    asked = {"at": rows[5][3] * 1_000_000, "interval": 0.8}
    low, high = (model.predict([0, 3], [4, 9], **asked) for model in (low, high))
    np.testing.assert_allclose(20 * low, high, rtol=0.01)


def test_the_notebooks_split(notebook):
    """Ids alone, a small sample: well below the 0.8039 of plain Bayesian factorization."""
    model = pt.BayesianMF(factors=8, sweeps=60, drift=False, facts=False).fit(notebook.train)
    assert rating_error(model, notebook.validation) < 0.785
