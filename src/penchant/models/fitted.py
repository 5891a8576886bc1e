"""What a model learned, as data: its body, the items, and the histories it may keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.encoder import FactEncoder
from penchant.data.features import Features
from penchant.data.histories import Histories, Int32, Int64, Kind
from penchant.data.interactions import Interactions, good
from penchant.data.vocabulary import Vocabulary
from penchant.errors import ModelError, PenchantError
from penchant.kernels import Rows
from penchant.models.bodies import BODIES, Body
from penchant.models.job import Figures, Job

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Fitted:
    """The outcome of one fit.

    Attributes:
        body: how histories become scores.
        items: the catalogue's ids.
        counts: int64 ``[n_items]``, how many people liked each item, or rated it as `good`.
        kind: the feedback the body scores.
        liked_from: the rating from which a like was counted, where ratings became likes.
        like_value: what a bare id in a history counts as.
        facts: titles and other facts, aligned with ``items``.
        users: the people's ids, or None where histories were left out.
        histories: everything each person met, merged, with what is known of them if the model uses
            facts; None where left out.
        encoder: how facts about people become features; None for a model that learned of none.
        origin: the frame library the data came in.
        params: the hyperparameters at the time of the fit.
        fingerprint: of the training data.
        epochs: the errors of each epoch, where the fit had epochs.
        notes: decisions made for the user.

    """

    body: Body
    items: Vocabulary
    counts: Int64
    kind: Kind
    liked_from: float | None
    like_value: float
    facts: Features | None
    users: Vocabulary | None
    histories: Histories | None
    encoder: FactEncoder | None
    origin: str | None
    params: Mapping[str, Any]
    fingerprint: str
    epochs: tuple[Figures, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: Body, job: Job, params: Mapping[str, Any]) -> Fitted:
        """The outcome of a fit."""
        data, liked = job.data, job.h
        met = data.histories.latest(data.kind) if body.ordered else data.merged
        return cls(
            body=body,
            items=data.items,
            counts=liked.where(good(liked.values, data.kind)).item_counts(),
            kind=data.kind,
            liked_from=data.liked_from,
            like_value=_like_value(data),
            facts=data.facts,
            users=data.users,
            histories=met.knowing(job.known.users),
            encoder=job.known.encoder,
            origin=data.origin,
            params=params,
            fingerprint=data.fingerprint(),
            epochs=tuple(job.epochs),
            notes=(*data.notes, *job.known.notes, *job.notes),
        )

    def title(self, row: int) -> str:
        """The title of an item, or its id as text."""
        return self.facts.title(row) if self.facts else str(self.items.id(row))

    @cached_property
    def by_popularity(self) -> Int32:
        """All item rows, the most liked first, equals in order of appearance."""
        return np.argsort(-self.counts, kind="stable").astype(np.int32)

    @cached_property
    def compared(self) -> kernels.Table | None:
        """The training people as the body compares them; None without their histories."""
        if self.histories is None:
            return None
        return self.body.compared(self.opinions(self.histories))

    def once(self, h: Histories) -> Histories:
        """Each item of a person once: where it was met last, if order counts."""
        return h.latest(self.kind) if self.body.ordered else h.merged(self.kind)

    def opinions(self, h: Histories) -> Histories:
        """What counts in a score: for likes, entries met without an opinion do not."""
        if self.kind == "ratings" or kernels.all_positive(h.values) or (h.values != 0).all():
            return h
        return h.where(h.values != 0)

    def features(self, facts: Features | None, n: int) -> Rows | None:
        """What facts say of ``n`` people, sparse ``[n, n_features]``; None if none are used."""
        if self.encoder is None:
            return None
        return self.encoder.encode(facts.columns if facts else {}, n)

    def about(self) -> dict[str, Any]:
        """The plain facts that go into a manifest."""
        return {
            "body": self.body.name,
            "numbers": numbers(self.body),
            "parameters": dict(self.params),
            "feedback": {
                "kind": self.kind,
                "liked_from": self.liked_from,
                "like_value": self.like_value,
            },
            "data": {"fingerprint": self.fingerprint, "items": len(self.items)},
            "epochs": list(self.epochs),
            "notes": list(self.notes),
            **({"user_facts": self.encoder.about()} if self.encoder else {}),
        }

    def files(self, histories: bool) -> dict[str, Arrays]:
        """The arrays by file: ``model``, and ``histories`` if wanted."""
        model = {
            **arrays(self.body, "body"),
            **self.items.arrays("items"),
            "counts": self.counts,
            **(self.facts.arrays("facts") if self.facts else {}),
            **(self.encoder.arrays("user_facts") if self.encoder else {}),
        }
        if not histories or self.users is None or self.histories is None:
            return {"model": model}
        h = self.histories
        kept: Arrays = {"indptr": h.indptr, "items": h.items, "values": h.values}
        if h.times is not None:
            kept["times"] = h.times
        if h.facts is not None:
            kept |= _row_arrays(h.facts, "facts")
        return {"model": model, "histories": {**kept, **self.users.arrays("users")}}

    @classmethod
    def load(cls, about: Mapping[str, Any], files: Mapping[str, Arrays], where: str) -> Fitted:
        """The fit that `about` and `files` describe.

        Raises:
            ModelError: parts are missing or do not fit together.

        """
        try:
            return cls._load(about, files)
        except (KeyError, ValueError, TypeError, IndexError, PenchantError) as error:
            raise ModelError(
                f"the parts of the model do not fit together ({error})", where=where
            ) from error

    @classmethod
    def _load(cls, about: Mapping[str, Any], files: Mapping[str, Arrays]) -> Fitted:
        model, kept, feedback = files["model"], files.get("histories"), about["feedback"]
        items = Vocabulary.from_arrays(model, "items")
        histories = None
        if kept is not None:
            histories = Histories(
                kept["indptr"], kept["items"], kept["values"], len(items), kept.get("times")
            ).knowing(_saved_rows(kept, "facts"))
        return cls(
            body=build(BODIES[about["body"]], model, about["numbers"], "body"),
            items=items,
            counts=model["counts"],
            kind=feedback["kind"],
            liked_from=feedback["liked_from"],
            like_value=feedback["like_value"],
            facts=Features.from_arrays(model, "facts", items),
            users=None if kept is None else Vocabulary.from_arrays(kept, "users"),
            histories=histories,
            encoder=_encoder(about, model),
            origin=None,
            params=about["parameters"],
            fingerprint=about["data"]["fingerprint"],
            epochs=tuple(about["epochs"]),
            notes=tuple(about["notes"]),
        )


def _like_value(data: Interactions) -> float:
    """What a bare id counts as: 1, or for ratings the mean of those of 4 and more."""
    if data.kind == "likes":
        return 1.0
    values = data.histories.values
    return float(values[good(values, data.kind)].mean(dtype=np.float64))


def _encoder(about: Mapping[str, Any], model: Arrays) -> FactEncoder | None:
    if "user_facts" not in about:
        return None
    return FactEncoder.from_arrays(about["user_facts"], model, "user_facts")


def _row_arrays(rows: Rows, name: str) -> Arrays:
    return {f"{name}.{part}": one for part, one in rows._asdict().items() if one is not None}


def _saved_rows(saved: Arrays, name: str) -> Rows | None:
    if f"{name}.indptr" not in saved:
        return None
    return Rows(saved[f"{name}.indptr"], saved[f"{name}.indices"], saved.get(f"{name}.values"))


def arrays(part: Any, prefix: str) -> Arrays:
    """The arrays of a body by dotted name, those of nested parts included."""
    found: Arrays = {}
    for one in fields(part):
        value, name = getattr(part, one.name), f"{prefix}.{one.name}"
        if isinstance(value, np.ndarray):
            found[name] = value
        elif isinstance(value, Rows):
            found |= _row_arrays(value, name)
        elif is_dataclass(value):
            found |= arrays(value, name)
        elif _members(value):
            for at, member in enumerate(value):
                found |= arrays(member, f"{name}.{at}")
    return found


def numbers(part: Any) -> dict[str, Any]:
    """The plain numbers and words of a body, those of nested parts as dicts."""
    found: dict[str, Any] = {}
    for one in fields(part):
        value = getattr(part, one.name)
        if is_dataclass(value):
            found[one.name] = numbers(value)
        elif _members(value):
            found[one.name] = [{"body": body.name, "numbers": numbers(body)} for body in value]
        elif not isinstance(value, np.ndarray | Rows):
            found[one.name] = value
    return found


def build(owner: type[Any], saved: Arrays, plain: Mapping[str, Any], prefix: str) -> Any:
    """The body or part that `arrays` and `numbers` took apart."""
    hints = get_type_hints(owner)
    made: dict[str, Any] = {}
    for one in fields(owner):
        name = f"{prefix}.{one.name}"
        nested: Any = next((kind for kind in _kinds(hints[one.name]) if is_dataclass(kind)), None)
        if name in saved:
            made[one.name] = saved[name]
        elif f"{name}.indptr" in saved:
            made[one.name] = _saved_rows(saved, name)
        elif nested is not None and plain.get(one.name) is not None:
            made[one.name] = build(nested, saved, plain[one.name], name)
        elif hints[one.name] == tuple[Body, ...]:
            made[one.name] = tuple(
                build(BODIES[member["body"]], saved, member["numbers"], f"{name}.{at}")
                for at, member in enumerate(plain[one.name])
            )
        else:
            value = plain[one.name]
            made[one.name] = tuple(value) if isinstance(value, list) else value
    return owner(**made)


def _members(value: Any) -> bool:
    """Whether a field is a tuple of bodies."""
    return isinstance(value, tuple) and any(isinstance(one, Body) for one in value)


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
