"""``penchant demo``: the main job on real data, from ratings to reasons and a map."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from penchant.cli import show
from penchant.data import datasets
from penchant.data.interactions import Interactions
from penchant.data.tables import Table
from penchant.embedding_map import embedding_map
from penchant.errors import FetchError, MissingExtraError, UsageError
from penchant.evaluation import compare, evaluate, protocol
from penchant.evaluation.metrics import mean_squared_error
from penchant.models import (
    BPR,
    SLIM,
    Baseline,
    Blend,
    ImplicitALS,
    ItemKNN,
    Model,
    RatingMF,
    RP3beta,
    UserKNN,
)

_PERSON, _FILM = 196, 50  # the first person of u.data, and Star Wars (1977)
# Of stars: what benchmarks/choose_settings.py finds on the validation part. Lists: the defaults.
_SGD: dict[str, Any] = {"solver": "sgd", "epochs": 40, "learning_rate": 0.04}
_ALS: dict[str, Any] = {"factors": 10}
_IDS: dict[str, Any] = {"drift": False, "facts": False}  # as the others: from ids and stars alone
_STRANGER = (50, 181)  # Star Wars (1977) and Return of the Jedi (1983)


@dataclass
class _Screen:
    """What the demo says, as it goes, and keeps for the JSON document."""

    quiet: bool
    steps: int = 0

    def say(self, text: str = "") -> None:
        if not self.quiet:
            typer.echo(text)

    def warn(self, text: str) -> None:
        """Say what must be known beside a JSON document too."""
        if self.quiet:
            show.notice(text.strip())
        else:
            self.say(text)

    def step(self, title: str) -> None:
        self.steps += 1
        self.say(f"\n {self.steps} {title}")

    def table(self, table: Table) -> None:
        if not self.quiet:
            show.table(table, False)


def run(out: Path, *, quiet: bool) -> dict[str, Any]:
    """The whole demo; what it found, for ``--json``."""
    started = time.monotonic()
    screen = _Screen(quiet)
    _make(out)  # before the work, not after it
    data, movies = _data(screen)
    found: dict[str, Any] = {"data": data.describe().splitlines()}
    if movies:
        found["stars"] = _stars(screen, data)
        found["lists"] = _lists(screen, data)
    found |= _advice(screen, data, movies)
    found["map"] = _map(screen, data, movies, out)
    found["seconds"] = round(time.monotonic() - started, 1)
    screen.say(f"\n done in {found['seconds']} s. Next: penchant train item_knn YOUR.csv")
    return found if quiet else {}


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot be made a folder ({error.strerror})", where=str(out)) from error


def _data(screen: _Screen) -> tuple[Interactions, bool]:
    """MovieLens 100k, or the bundled interests where there is no network."""
    screen.step("data")
    try:
        data = datasets.load("ml-100k")
    except FetchError as error:
        data = datasets.load("interests")
        screen.warn(f"   {error}")
        screen.warn(
            "   Using the bundled interests: 15 people, 36 interests; too few to measure by."
        )
        return data, False
    people, items, rows = len(data.users), len(data.items), len(data)
    sizes = f"{people:,} people · {items:,} movies · {rows:,} ratings, 1 to 5 stars"
    screen.say(f"   MovieLens 100k: {sizes}")
    screen.say(f"   {data.notes[-1]}; not ours to redistribute")
    return data, True


def _stars(screen: _Screen, data: Interactions) -> list[dict[str, Any]]:
    """Rating errors on the held-out 15 %; settings were chosen on the validation part."""
    screen.step("stars: mean squared error on the held-out 15 % of the notebook's split")
    split = protocol("notebook", data)
    mean = split.train.columns()["rating"].mean(dtype="float64")
    rows: list[dict[str, Any]] = [
        {
            "model": "mean of train",
            "test_mse": mean_squared_error(split.test.columns()["rating"], mean),
            "±": None,
            "seconds": 0.0,
        }
    ]
    for model in (
        Baseline(),
        UserKNN(),
        ItemKNN(),
        RatingMF(**_SGD),
        RatingMF(**_ALS),
        BayesianMF(**_IDS),
    ):
        found = evaluate(model, split, goal="stars")
        rows.append(
            {
                "model": _label(model),
                "test_mse": found["mse"],
                "±": found.errors["mse"],
                "seconds": round(found.seconds["fit"], 2),
            }
        )
    screen.table(Table({name: [row[name] for row in rows] for name in rows[0]}))
    return rows


def _lists(screen: _Screen, data: Interactions) -> list[dict[str, Any]]:
    """Ranking quality, worst first, and what may be concluded from it."""
    screen.step("lists: the ten best, a fifth of the ratings held out, each of them a like")
    split = protocol("topn-fold0", data)
    models = [one() for one in (RP3beta, BPR, UserKNN, ImplicitALS, SLIM, Blend)]
    found = compare(models, split, metrics=("ndcg@10", "recall@10"), seeds=(0,))
    rows = [
        {
            "model": one.label,
            "ndcg@10": one["ndcg@10"],
            "±": one.errors["ndcg@10"],
            "recall@10": one["recall@10"],
            "coverage@10": one.beyond["coverage@10"],
            "seconds": round(one.seconds["fit"], 2),
        }
        for one in reversed(found.evaluations)
    ]
    screen.table(Table({name: [row[name] for row in rows] for name in rows[0]}))
    for line in found.verdict:
        screen.say(f"   {line}")
    return rows


def _advice(screen: _Screen, data: Interactions, movies: bool) -> dict[str, Any]:
    """Lists with reasons for somebody of the data and for a stranger, and one item's neighbours."""
    likes = data.likes(at_least=4)
    model = ItemKNN() if movies else ItemKNN(k=None)
    _fit(model, likes, screen)
    person = _PERSON if movies else 0
    history = list(_STRANGER) if movies else ["Python", "R"]
    film = _FILM if movies else "Big Data"
    names = [data.title(data.items.row(one)) for one in history]
    found: dict[str, Any] = {}
    wish: dict[str, Any] = {"n": 5, "explain": True}
    liked = " and ".join(names)
    for key, title, answer in (
        ("person", f"for person {person} of the data", model.recommend(person, **wish)),
        ("stranger", f"for a stranger who likes {liked}", model.recommend(history=history, **wish)),
        (
            "neighbours",
            f"what goes with {data.title(data.items.row(film))}",
            model.similar(film, 5),
        ),
    ):
        screen.step(title)
        screen.table(answer.table)
        found[key] = answer.to_dicts()
    return found


def _map(screen: _Screen, data: Interactions, movies: bool, out: Path) -> dict[str, Any]:
    """The item vectors as a page, and as a picture where that can be drawn."""
    screen.step("map")
    model: Model = RatingMF() if movies else ItemKNN(k=None)
    _fit(model, data, screen)
    chart = embedding_map(model)
    written = [out / "map.html"]
    chart.to_html(written[0])
    try:
        chart.to_png(out / "map.png")
        written.append(out / "map.png")
    except MissingExtraError as error:
        screen.warn(f"   no picture: {error}")
    shares = " + ".join(f"{share:.0%}" for share in chart.explained)
    screen.say(f"   {' and '.join(map(str, written))} ({shares} of the variance)")
    return {"files": [str(path) for path in written], "explained_variance": list(chart.explained)}


def _fit(model: Model, data: Interactions, screen: _Screen) -> float:
    started = time.monotonic()
    with show.progress(not screen.quiet and model.name == "rating_mf") as report:
        model.fit(data, progress=report)
    return round(time.monotonic() - started, 2)


def _label(model: Model) -> str:
    return f"{model.name} {str(model).partition('(')[2].rstrip(')')}".strip()
