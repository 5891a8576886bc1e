"""Puts a body's shares into words: why this item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Cause = Literal["item", "person", "popularity", "baseline", "average"]
_GENERAL = ("baseline", "average")  # what an item has whoever is asked about
_MOST = 3  # causes named in a sentence
_LEAST = 0.15  # of the whole that a cause must carry to be named
_LEAST_STARS = 0.05  # and of a rating, in stars


@dataclass(frozen=True)
class Share:
    """The part of a score that one cause carries.

    Attributes:
        cause: a past ``"item"``, a similar ``"person"``, ``"popularity"``, or the ``"baseline"``
            (what anyone would get: means and biases), or the ``"average"`` of a person's scores
            of all items, where a score is what is above it.
        amount: how much of the score, in the score's units; may be negative.
        id: the past item or the similar person.
        title: the past item's title.

    """

    cause: Cause
    amount: float
    id: int | str | None = None
    title: str | None = None


@dataclass(frozen=True)
class Explanation:
    """Why a model gives an item its score: shares that sum to the score.

    Attributes:
        item_id: the item explained.
        title: its title, or its id as text.
        score: the model's score, before clipping to the rating scale.
        shares: all causes, the weightiest first; there is no unnamed remainder.
        rates: whether the score is a rating.

    >>> shares = (Share("item", 0.6, 7, "Dune"), Share("item", 0.2, 9, "Up"))
    >>> print(Explanation(3, "Hyperion", 0.8, shares))
    Hyperion: because of Dune and Up

    """

    item_id: int | str
    title: str
    score: float
    shares: tuple[Share, ...]
    rates: bool = False

    def __str__(self) -> str:
        return f"{self.title}: {self.reason}"

    @property
    def reason(self) -> str:
        """One plain phrase: the causes that carry most of what sets this item apart."""
        return in_words(self.shares, rates=self.rates)

    def to_dicts(self) -> list[dict[str, Any]]:
        """The shares as dicts, the weightiest first."""
        return [
            {"cause": s.cause, "id": s.id, "title": s.title, "share": s.amount} for s in self.shares
        ]


def weightiest(shares: list[Share]) -> tuple[Share, ...]:
    """Shares in order of weight, general ones first; equal weights stay in their order."""
    return tuple(sorted(shares, key=lambda s: (s.cause not in _GENERAL, -abs(s.amount))))


def in_words(shares: tuple[Share, ...], *, rates: bool = False) -> str:
    """The reason that shares amount to: at most three causes, each of 15 % or more.

    Where no cause stands out the reason says so: a weak link named as a reason breaks trust.

    >>> in_words((Share("popularity", 4.0),))
    'popular: liked by 4'
    >>> in_words((Share("person", 0.5, 9), Share("person", 0.4, 1)))
    'people like you liked it: 9 and 1'
    >>> in_words((Share("baseline", 4.2), Share("item", -0.3, 5, "Heat")), rates=True)
    'rated 4.2 in general, less because of Heat'
    """
    liking = [share for share in shares if share.cause not in _GENERAL]
    whole = sum(abs(share.amount) for share in liking)
    least = max(_LEAST * whole, _LEAST_STARS if rates else 0)
    named = [share for share in liking if 0 < share.amount >= least][:_MOST]
    against = [share for share in liking if share.amount < 0 and -share.amount >= least][:1]
    phrase = _phrase(named) or (f"less because of {_names(against)}" if against else "")
    if rates:
        base = sum(share.amount for share in shares if share.cause == "baseline")
        return f"rated {base:.1f} in general" + (f", {phrase}" if phrase else "")
    return phrase or "popular with people like you"


def _phrase(named: list[Share]) -> str:
    if not named:
        return ""
    named = [share for share in named if share.cause != "popularity"] or named
    if named[0].cause == "popularity":
        people = named[0].amount
        return f"popular: liked by {people:g}" if float(people).is_integer() else "popular lately"
    if named[0].cause == "person":
        return f"people like you liked it: {_names(named)}"
    return f"because of {_names(named)}"


def _names(shares: list[Share]) -> str:
    names = [share.title or str(share.id) for share in shares]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
