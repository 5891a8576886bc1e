"""What every model can do, written once: fit, recommend, predict, similar, explain, save, load.

A model file declares its hyperparameters and writes ``_learn``: histories in, a body out.
"""

from __future__ import annotations

import copy
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, dataclass_transform, overload

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.features import matching
from penchant.data.histories import Float32, Histories, Kind
from penchant.data.interactions import Interactions
from penchant.data.moments import moments
from penchant.data.tables import Table
from penchant.data.vocabulary import Id
from penchant.errors import (
    MemoryEstimateError,
    ModelError,
    NotFittedError,
    ParameterError,
    UnknownIdError,
    UsageError,
    hint,
)
from penchant.explain import Cause, Explanation
from penchant.models import folder
from penchant.models.answers import (
    OnShortage,
    RankedList,
    Wish,
    as_table,
    explanation,
    float_scores,
    ranked_list,
    titles_of,
)
from penchant.models.bodies.body import Body, blocks
from penchant.models.fitted import Fitted
from penchant.models.job import Job, Known, training_data, validation_data
from penchant.models.params import Param, declared, param
from penchant.models.questions import (
    Facts,
    History,
    OnUnknown,
    Question,
    check_choice,
    check_facts,
    check_n,
    check_share,
    distinct_people,
    in_context,
    is_many,
    of_people,
    of_stranger,
)
from penchant.progress import Report, reporter
from penchant.version import __version__


@dataclass_transform(kw_only_default=True, field_specifiers=(param,))
class Model(ABC):
    """A function from histories to scores, learned from interactions.

    Subclasses declare hyperparameters with `param`, say in ``feedback`` what they learn from and in
    ``uses_facts`` whether from facts too, and write `_learn`. Everything a user calls is here and
    final.
    """

    feedback: ClassVar[tuple[Kind, ...]] = ("likes",)
    uses_facts: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Param]] = {}
    name: ClassVar[str]
    _fitted: Fitted | None = None

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        cls.params = declared(cls)

    def __init__(self, **hyperparameters: Any) -> None:
        for name, value in hyperparameters.items():
            if name not in self.params:
                known = ", ".join(self.params) or "none"
                raise ParameterError(
                    f"unknown hyperparameter {name!r}",
                    where=type(self).__name__,
                    do=hint(name, self.params) or f"It has: {known}",
                )
            setattr(self, name, value)

    @property
    def predicts_stars(self) -> bool:
        """Whether it predicts ratings where it learned from ratings; else it ranks alone."""
        return "ratings" in self.feedback

    # What a model file writes ----------------------------------------------------------------

    @abstractmethod
    def _learn(self, h: Histories, job: Job) -> Body:
        """Learn from merged histories (each item once per person) and return the body."""

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        """Bytes that `_learn` will need at most, and the way out when they are not there."""
        return 0.0, ""

    # Learning --------------------------------------------------------------------------------

    def fit(
        self,
        data: Any,
        *,
        validation: Interactions | None = None,
        progress: bool | Report | None = None,
    ) -> Self:
        """Learn from interactions; what was learned before is forgotten.

        Args:
            data: `Interactions`, or whatever `penchant.read` takes.
            validation: ratings held out, whose error is recorded after each epoch, answered
                through the history.
            progress: True for a bar on standard error, or a callable taking `Progress`. What it
                raises ends the fit, and the model stays as it was.

        Raises:
            UsageError: the data are of a kind this model does not learn from.
            MemoryEstimateError: the fit would not fit in this machine's free memory.

        """
        data = training_data(data, self.feedback, type(self).__name__)
        held = None if validation is None else validation_data(validation)
        known = Known.about(data) if self.uses_facts else Known()
        job = Job(data, held, reporter(progress), self.name, known)
        params = self._plain_params()
        job.as_model = lambda body: self._with(Fitted.of(body, job, params))
        self._fitted = Fitted.of(self._learn_from(job), job, params)
        return self

    def _learn_from(self, job: Job) -> Body:
        """What is learned, if there is memory for it."""
        need, way_out = self._memory(job.h, job)
        if need > kernels.available_memory():
            raise MemoryEstimateError(
                f"needs about {need / 1e9:,.1f} GB, {kernels.available_memory() / 1e9:,.1f} GB are"
                " free",
                where=f"{type(self).__name__}.fit",
                do=way_out,
            )
        return self._learn(job.h, job)

    def _plain_params(self) -> dict[str, Any]:
        """The hyperparameters as JSON can hold them; the constructor takes them back."""
        return {name: one.plain(getattr(self, name)) for name, one in self.params.items()}

    def _with(self, fitted: Fitted | None) -> Self:
        """A model with the same hyperparameters that learned something else."""
        one = copy.copy(self)
        one._fitted = fitted
        return one

    @property
    def fitted(self) -> Fitted:
        """What was learned.

        Raises:
            NotFittedError: nothing was.

        """
        if self._fitted is None:
            raise NotFittedError(
                f"{type(self).__name__} has not learned anything yet",
                do="Call fit(interactions) first, or load a saved model",
            )
        return self._fitted

    # Answering -------------------------------------------------------------------------------

    @overload
    def recommend(
        self,
        user: Id | None = ...,
        *,
        n: int = ...,
        history: History | None = ...,
        at: Any = ...,
        facts: Facts | None = ...,
        exclude_seen: bool = ...,
        items: Sequence[Id] | None = ...,
        exclude: Sequence[Id] | None = ...,
        on_unknown: OnUnknown = ...,
        on_shortage: OnShortage = ...,
        explain: bool = ...,
    ) -> RankedList: ...
    @overload
    def recommend(
        self,
        user: list[Any] | tuple[Any, ...] | npt.NDArray[Any],
        *,
        n: int = ...,
        history: History | None = ...,
        at: Any = ...,
        facts: Facts | None = ...,
        exclude_seen: bool = ...,
        items: Sequence[Id] | None = ...,
        exclude: Sequence[Id] | None = ...,
        on_unknown: OnUnknown = ...,
        on_shortage: OnShortage = ...,
        explain: bool = ...,
    ) -> Table: ...
    def recommend(
        self,
        user: Any = None,
        *,
        n: int = 10,
        history: History | None = None,
        at: Any = None,
        facts: Facts | None = None,
        exclude_seen: bool = True,
        items: Sequence[Id] | None = None,
        exclude: Sequence[Id] | None = None,
        on_unknown: OnUnknown = "popular",
        on_shortage: OnShortage = "fill",
        explain: bool = False,
    ) -> RankedList | Table:
        """The best items for one person, or for many as a table.

        Args:
            user: an id, or a sequence of ids.
            n: how many items, at least 1.
            history: instead of ``user``, what somebody liked: item ids, (item, value[, time])
                tuples or {item: value}. Unknown items are ignored and counted in the result.
            at: the moment asked about, or one per user: a datetime, NumPy datetime64, ISO text or a
                number in microseconds UTC (as every time here). For models that know of time.
            facts: {column: value} about the person, or one of these per user, replacing what the
                training data say. For models that learned from facts; unknown ones are noticed.
            exclude_seen: leave out what the person met. What they disliked is always left out.
            items: only these.
            exclude: not these.
            on_unknown: an unknown user gets ``"popular"`` items, labelled, or ``"raise"``.
            on_shortage: a list for which the model has too little evidence is ``"fill"``-ed with
                popular items, labelled and ranked below, or stays short (``"strict"``).
            explain: also say why.

        Raises:
            ParameterError: an argument outside its range.
            UnknownIdError: an unknown user, with ``on_unknown="raise"``.

        """
        check_choice("on_unknown", on_unknown, ("popular", "raise"))
        check_choice("on_shortage", on_shortage, ("fill", "strict"))
        check_n(n)
        many = is_many(user)
        user = list(user) if many else user
        question = self._question(user, history, on_unknown, at, facts)
        wish = Wish(n, exclude_seen, items, exclude, on_shortage, explain)
        if many:
            return as_table(self.fitted, self.name, user, question, wish)
        return ranked_list(self.fitted, self.name, question, wish)

    def predict(
        self,
        users: Any = None,
        items: Any = None,
        *,
        history: History | None = None,
        at: Any = None,
        facts: Mapping[str, Any] | None = None,
        interval: float | None = None,
    ) -> Any:
        """The stars that people would give items, on the scale of the training ratings.

        Args:
            users: ids, as long as ``items``; or one id.
            items: ids; or one id.
            history: instead of ``users``, one stranger's history.
            at: the moment asked about, or one per pair; see `recommend`.
            facts: {column: value} about everyone asked about; see `recommend`.
            interval: also where the rating would lie with this probability, between 0 and 1.

        Returns:
            float64 ``[n]``, or a float for one user and one item. Unknown people and items get
            what the rest of the pair is worth. With ``interval`` float64 ``[n, 3]``, or ``[3]`` for
            one pair: the stars, the lowest and the highest.

        Raises:
            UsageError: the model learned from likes and has no stars; or does not know how sure it
                is; or unequal lengths.
            ParameterError: an argument outside its range.

        """
        fitted = self.fitted
        if fitted.body.stars is None:
            raise UsageError(
                "learned from likes and has no stars to predict",
                where=type(self).__name__,
                do="Rank with recommend() or scores(), or fit on ratings",
            )
        if items is None or (users is None) == (history is None):
            raise UsageError("give items, and either users or a history", where="predict")
        asked = list(items) if is_many(items) else [items]
        users = list(users) if is_many(users) else users
        distinct, where = distinct_people(users, len(asked), history)
        when = moments(at, len(asked))
        one = None if is_many(at) else at
        check_facts(facts)
        h = fitted.opinions(self._question(distinct, history, "popular", one, facts).met)
        rows, many = fitted.items.rows(asked), is_many(items) or is_many(users)
        if interval is not None:
            level = check_share("interval", interval)
            bounds = fitted.body.clipped(fitted.body.intervals(h, where, rows, when, level))
            return bounds if many else bounds[0]
        stars = fitted.body.clipped(fitted.body.pairs(h, where, rows, when))
        return stars if many else float(stars[0])

    def scores(
        self,
        user: Any = None,
        *,
        history: History | None = None,
        at: Any = None,
        facts: Facts | None = None,
    ) -> Float32:
        """The raw score of every item, float32 ``[n_items]``, or ``[B, n_items]`` for many users.

        Columns are in the order of ``model.item_ids``. Scores are finite. ``at`` and ``facts`` are
        those of `recommend`.
        """
        user = list(user) if is_many(user) else user
        question = self._question(user, history, "popular", at, facts)
        h = self.fitted.opinions(question.met)
        parts = [np.asarray(self.fitted.body.score(part)[0]) for part in blocks(h)]
        scores = np.concatenate(parts) if parts else np.empty((0, h.n_items), np.float32)
        return scores if is_many(user) else scores[0]

    def similar(self, item: Id, n: int = 10) -> RankedList:
        """The items nearest to one, by what this model learned.

        Raises:
            UnknownIdError: no such item.

        """
        check_n(n)
        row = self._item(item)
        ids, scores = self.fitted.body.similar(row, min(n, len(self.fitted.items)))
        return RankedList(
            tuple(self.fitted.items.ids(ids)),
            float_scores(scores),
            titles_of(self.fitted, ids),
            (self.name,) * len(ids),
        )

    def similar_users(
        self, user: Any = None, n: int = 10, *, history: History | None = None
    ) -> RankedList:
        """The people of the training data most like one person.

        Raises:
            UnknownIdError: no such user.
            UsageError: the model was saved without histories.

        """
        check_n(n)
        fitted = self.fitted
        people = fitted.compared
        if fitted.users is None or people is None:
            raise UsageError("this model was saved without histories", where="similar_users")
        h = fitted.opinions(self._one("similar_users", user, history).met)
        ids, scores = fitted.body.similar_people(h, people, min(n, people.n_rows))
        return RankedList(tuple(fitted.users.ids(ids)), float_scores(scores), of="user")

    def explain(
        self,
        user: Any = None,
        item: Id | None = None,
        *,
        history: History | None = None,
        at: Any = None,
        facts: Facts | None = None,
        by: Cause = "item",
    ) -> Explanation:
        """Why an item has its score: shares that sum to it.

        Args:
            user: a person of the data.
            item: the item to explain.
            history: instead of ``user``, a stranger's history.
            at: the moment asked about; see `recommend`.
            facts: {column: value} about the person; see `recommend`.
            by: ``"item"`` for a share per past item; ``"person"`` (user-kNN) per similar person.

        Raises:
            UnknownIdError: no such item or user.

        """
        h = self.fitted.opinions(self._one("explain", user, history, at, facts).met)
        return explanation(self.fitted, h, self._item(item), by)

    def find(self, words: str, n: int = 10) -> list[tuple[Id, str]]:
        """Items whose title contains every word, in any case: (id, title), best match first."""
        fitted = self.fitted
        titles = [fitted.title(row) for row in range(len(fitted.items))]
        return [(fitted.items.id(row), titles[row]) for row in matching(str(words), titles, n)]

    @property
    def item_ids(self) -> list[Id]:
        """The catalogue, in order of first appearance."""
        return self.fitted.items.ids()

    # Keeping ---------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str], *, histories: bool = True) -> dict[str, int]:
        """Write the model to a folder: a manifest and array files, nothing executable.

        Args:
            path: the folder; an older model in it is replaced in one step.
            histories: also keep what people met, in a file of its own, so that the loaded model
                answers ``recommend(user)``.

        Returns:
            The size of each file in bytes.

        Raises:
            ModelError: the folder cannot be written or holds other things.
            UsageError: a model that consists of people's histories cannot leave them out.

        """
        fitted = self.fitted
        if not histories and fitted.body.holds_people:
            raise UsageError(
                f"{self.name} consists of people's histories and cannot leave them out",
                where="save(histories=False)",
                do="Choose another model if they must not travel",
            )
        about = {
            "library": f"penchant {__version__}",
            "model": self.name,
            "package": type(self).__module__.partition(".")[0],
            **fitted.about(),
        }
        return folder.write(path, about, fitted.files(histories))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The model that `save` wrote; answers are the same as before.

        Raises:
            ModelError: the folder is damaged, foreign, of a newer format, or another model's.

        """
        about, files = folder.read(path, optional=frozenset({"histories"}))
        if about["model"] != cls.name:
            raise ModelError(
                f"this folder holds a {about['model']}, not a {cls.name}",
                where=str(path),
                do="Use penchant.load(path)",
            )
        model = cls(**about["parameters"])
        model._fitted = Fitted.load(about, files, str(path))
        return model

    def __repr__(self) -> str:
        given = [
            f"{k}={getattr(self, k)!r}"
            for k, p in self.params.items()
            if getattr(self, k) != p.default
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    # Within ----------------------------------------------------------------------------------

    def _question(
        self,
        user: Any,
        history: History | None,
        on_unknown: OnUnknown,
        at: Any = None,
        facts: Facts | None = None,
    ) -> Question:
        if (user is None) == (history is None):
            raise UsageError("give a user or a history, one of the two", where=self.name)
        if history is not None:
            question = of_stranger(self.fitted, history)
        else:
            people = list(user) if is_many(user) else [user]
            question = of_people(self.fitted, people, on_unknown)
        return in_context(self.fitted, question, moments(at, len(question.met)), facts)

    def _one(
        self,
        verb: str,
        user: Any,
        history: History | None,
        at: Any = None,
        facts: Facts | None = None,
    ) -> Question:
        """The question about one person, who must be known."""
        if is_many(user):
            raise UsageError("is about one person at a time", where=verb, got=user)
        return self._question(user, history, "raise", at, facts)

    def _item(self, item: Any) -> int:
        row = self.fitted.items.row(item)
        if row < 0:
            raise UnknownIdError("no such item", got=item, do=self.fitted.items.near(item) or None)
        return row
