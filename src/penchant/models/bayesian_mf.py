"""BayesianMF: stars from a factorisation machine whose weights are drawn, not fitted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from penchant import kernels
from penchant.data.histories import Float32, Histories
from penchant.errors import ParameterError
from penchant.kernels import GibbsChains, GibbsPlan, Rows
from penchant.models.base import Model
from penchant.models.bodies import Body, Draws
from penchant.models.bodies.folded import gaps, in_bag
from penchant.models.job import Job
from penchant.models.params import param


class BayesianMF(Model):
    """Bayesian matrix factorisation with implicit feedback of both sides, by Gibbs sampling.

    ``r̂ = w_0 + p_u + p_i + q_u · q_i + drift_u(t)``. A person's p and q sum the weights of the
    person, of the bag of what they rated (SVD++) and of facts about them; an item's those of the
    item, of the bag of who rated it, and of facts. Each group of weights has a normal prior whose
    mean and precision are learned with it (Salakhutdinov and Mnih, *Bayesian probabilistic matrix
    factorization using MCMC*, ICML 2008; Rendle, Zhang and Koren, *On the difficulty of evaluating
    baselines*, 2019), as are how sure each person and item is rated and how a person's ratings
    drift in time: so there is little to tune.

    Answers average ``samples`` draws of the item side; a person is folded in under each.

    >>> import penchant as pt
    >>> town = pt.datasets.town(60, 40, 900, ratings=True)
    >>> model = pt.BayesianMF(factors=4, sweeps=40, burn_in=10).fit(town)
    >>> bool(1 <= model.predict(town.users.id(0), town.items.id(0)) <= 5)
    True
    """

    feedback = ("ratings",)
    uses_facts = True

    factors: int = param(
        default=16, low=0, high=256, search=(4, 64), log=True, help="latent size; more rarely hurts"
    )
    sweeps: int = param(default=300, low=2, help="passes of the sampler, per chain")
    burn_in: int = param(default=30, low=1, help="first passes, of which nothing is kept")
    chains: int = param(default=2, low=1, high=64, help="samplers side by side, one per thread")
    samples: int = param(default=64, low=1, high=4096, help="draws kept, over all chains")
    implicit_users: bool = param(default=True, help="people also by the bag of what they rated")
    implicit_items: bool = param(default=True, help="items also by the bag of who rated them")
    drift: bool = param(default=True, help="learn how a person's ratings drift in time")
    facts: bool = param(default=True, help="learn from facts about people and items, if there are")
    seed: int = param(default=0, low=0, high=2**63 - 1, help="of all draws")

    def _learn(self, h: Histories, job: Job) -> Body:
        if self.burn_in >= self.sweeps:
            raise ParameterError(
                "burn_in must be less than sweeps", where="BayesianMF", got=self.burn_in
            )
        run = _Run.start(self, h, job)
        for sweep in range(self.sweeps):
            run.sweep(sweep)
            if sweep + 1 < self.sweeps:
                job.step(sweep + 1, self.sweeps)
        body = run.body(job)
        job.epoch(self.sweeps, self.sweeps, lambda: body, train_mse=run.error())
        return body

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        draws = 4.0 * self.samples * h.n_items * (self.factors + 2) * (2 + self.implicit_users)
        state = 4.0 * self.chains * (self.factors + 1) * 2 * (len(h) + h.n_items)
        entries = len(h.items) * (30.0 + 8.0 * self.chains)
        return draws + state + entries, "Choose fewer samples or factors"


@dataclass
class _Run:
    """The chains on their way, and what was kept of them.

    Chains see ratings less their mean by their standard deviation, so that priors suit any scale;
    what is kept is in stars.
    """

    model: BayesianMF
    plan: GibbsPlan
    chains: GibbsChains
    mean: float
    unit: float
    names: list[str]  # of the groups of features
    kept: list[dict[str, Float32]] = field(default_factory=list)

    @classmethod
    def start(cls, model: BayesianMF, h: Histories, job: Job) -> _Run:
        users, items = _groups(model, h, job)
        mean, unit = float(h.values.mean(dtype=np.float64)), float(h.values.std()) or 1.0
        timed = model.drift and h.times is not None
        plan = GibbsPlan.of(
            Rows(h.indptr, h.items, (h.values - np.float32(mean)) / np.float32(unit)),
            h.n_items,
            users,
            items,
            gaps(h) if timed else None,
        )
        chains = kernels.gibbs_start(plan, model.factors, model.chains, model.seed)
        return cls(model, plan, chains, mean, unit, [*users, *items])

    def sweep(self, number: int) -> None:
        """One sweep of every chain; a draw is kept of those whose turn it is."""
        model = self.model
        adapt = number < model.burn_in
        kernels.gibbs_sweep(self.plan, self.chains, sweep=number, seed=model.seed, adapt=adapt)
        left = model.sweeps - model.burn_in
        for chain in range(model.chains):
            wanted = (model.samples + chain) // model.chains
            done = number + 1 - model.burn_in
            if not adapt and done * wanted // left > (done - 1) * wanted // left:
                self.kept.append(self._draw(chain))

    def error(self) -> float:
        """The mean squared error of the ratings under where the chains stand."""
        return self.unit**2 * float(np.mean(np.square(self.chains.errors, dtype=np.float64)))

    def body(self, job: Job) -> Draws:
        """What was kept, draw beside draw."""
        side = {name: np.stack([draw[name] for draw in self.kept]) for name in self.kept[0]}
        level = side["level"].astype(np.float64)
        n_items, timed = self.plan.n_items, self.plan.gaps is not None
        return Draws(
            vectors=_by_item(side["items"][:, 1:]),
            bias=np.ascontiguousarray(side["items"][:, 0].T),
            noise=np.ascontiguousarray(side["noise"].T),
            prior=_bias_last(side["prior"]),
            ridge=_bias_last(side["ridge"]),
            tau=np.ascontiguousarray(level[:, 1]),
            nu=np.ascontiguousarray(level[:, 2]),
            stranger=_bias_last(side["stranger"]),
            strange=_bias_last(side["strange"]),
            drift=np.ascontiguousarray(level[:, 4:6]) if timed else None,
            bag=_table(side.get("bag"), n_items),
            facts=_table(side.get("facts"), None),
            stars=job.stars,
        )

    def _draw(self, chain: int) -> dict[str, Float32]:
        """The item side of a chain as it stands, and what people are known by."""
        c, n_users, thing = self.chains, self.plan.ratings.n_rows, self.names.index("items")
        unit = np.float32(self.unit)
        draw = {
            "level": c.level[chain].copy(),
            "items": c.sums[chain, :, n_users:] * unit,
            "noise": c.noise[chain, n_users:].copy(),
            "prior": c.means[chain, :, 0].astype(np.float32),
            "ridge": c.precisions[chain, :, 0].astype(np.float32),
            "stranger": c.means[chain, :, thing].astype(np.float32) * unit,
            "strange": (1 / c.precisions[chain, :, thing]).astype(np.float32) * unit**2,
        }
        for name in {"bag", "facts"} & set(self.names):
            first, last = self.plan.first[self.names.index(name) :][:2]
            draw[name] = c.weights[chain, :, first:last].copy()
        for name in {"prior", "bag", "facts"} & set(draw):
            draw[name][0] *= unit  # of the linear part; factors meet items, which are in stars
        draw["ridge"][0] /= unit**2
        draw["level"][1] /= unit**2
        draw["level"][4] *= unit**2
        for name in ("items", "stranger"):
            draw[name][0] += np.float32(self.mean) + unit * np.float32(c.level[chain, 0])
        return draw


def _groups(model: BayesianMF, h: Histories, job: Job) -> tuple[dict[str, Rows], dict[str, Rows]]:
    """The features of people and of items by group, each feature with the rows that have it."""
    users, items = {"users": _each(len(h))}, {"items": _each(h.n_items)}
    if model.implicit_users:
        users["bag"] = in_bag(h).transpose(h.n_items)
    if model.implicit_items:
        share = 1 / np.sqrt(np.maximum(h.item_counts(), 1))
        items["item bag"] = Rows(h.indptr, h.items, share.astype(np.float32)[h.items])
    if model.facts and job.user_facts is not None:
        users["facts"] = _turned(job.user_facts)
    if model.facts and job.item_facts is not None:
        items["item facts"] = _turned(job.item_facts)
    return users, items


def _each(n: int) -> Rows:
    """One feature per row."""
    return Rows(np.arange(n + 1), np.arange(n, dtype=np.int32), np.ones(n, np.float32))


def _turned(facts: Rows) -> Rows:
    values = np.ones(len(facts.indices), np.float32) if facts.values is None else facts.values
    width = int(facts.indices.max(initial=-1)) + 1
    return facts._replace(values=values).transpose(width)


def _bias_last(part: Float32) -> Float32:
    """``[D, 1 + d]`` with the linear part at the end."""
    return np.ascontiguousarray(np.roll(part, -1, axis=1))


def _by_item(part: Float32) -> Float32:
    """``[D, d, n]`` as ``[n, D, d]``."""
    return np.ascontiguousarray(part.transpose(2, 0, 1))


def _table(part: Float32 | None, rows: int | None) -> Float32 | None:
    """``[D, 1 + d, n]`` as ``[n, D (d + 1)]`` with the linear part at the end."""
    if part is None:
        return None
    return _by_item(np.roll(part, -1, axis=1)).reshape(part.shape[2], -1)
