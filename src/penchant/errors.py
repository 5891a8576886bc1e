"""Every complaint Penchant can make, as one tree; each says what, where, what was got, what to do.

::

    PenchantError
    ├── UsageError            a call that cannot be answered as it was put   (also a ValueError)
    │   ├── ParameterError    a hyperparameter or argument outside its range
    │   ├── UnknownIdError    a user, item or title that is not in the data  (also a KeyError)
    │   ├── NotFittedError    a model asked before it learned
    │   ├── LeakError         an evaluation in which a model knows what it is asked
    │   └── UntypableError    ids that one vocabulary cannot hold
    ├── DataError             something that was to be read and could not be (also a ValueError)
    ├── FetchError            a data set that could not be fetched           (also an OSError)
    ├── ModelError            a model folder that is damaged, foreign or too new
    ├── MemoryEstimateError   work that would not fit in this machine        (also a MemoryError)
    └── MissingExtraError     an optional part that is not installed         (also an ImportError)

    PenchantNotice            a decision made for the user that is worth a line (a UserWarning)
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

_NOTHING: Any = object()
_LONGEST = 120  # characters of a value shown in a message


class PenchantError(Exception):
    """Base of all complaints.

    Args:
        what: what is wrong, as a sentence without its full stop.
        where: file, line, column, parameter or verb it was met at.
        got: the offending value, shown shortened.
        do: what to do next, as a sentence without its full stop.

    >>> print(PenchantError("n must be at least 1", where="recommend", got=0, do="Ask for more"))
    recommend: n must be at least 1, got 0. Ask for more.

    """

    def __init__(
        self, what: str, *, where: str | None = None, got: Any = _NOTHING, do: str | None = None
    ) -> None:
        self.what, self.where, self.do = what, where, do
        sentence = f"{where}: {what}" if where else what
        if got is not _NOTHING:
            sentence += f", got {shown(got)}"
        super().__init__(f"{sentence}. {do}." if do else f"{sentence}.")

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the repr


class UsageError(PenchantError, ValueError):
    """A call that cannot be answered as it was put."""


class ParameterError(UsageError):
    """A hyperparameter or argument that is misspelt, of the wrong type or outside its range."""


class UnknownIdError(UsageError, KeyError):
    """A user, item or title that is not in the data."""


class NotFittedError(UsageError):
    """A model asked for an answer before it learned anything."""


class LeakError(UsageError):
    """An evaluation in which a model would know what it is asked."""


class UntypableError(UsageError):
    """Ids that one vocabulary cannot hold (neither whole numbers of 64 bits nor text)."""


class DataError(PenchantError, ValueError):
    """A file, frame or other source that could not be read."""


class FetchError(PenchantError, OSError):
    """A data set that none of its sources could deliver."""


class ModelError(PenchantError):
    """A model folder that is damaged, foreign, or written by a newer version."""


class MemoryEstimateError(PenchantError, MemoryError):
    """Work whose memory estimate exceeds what this machine has free."""


class MissingExtraError(PenchantError, ImportError):
    """An optional part of Penchant that is not installed."""

    def __init__(self, extra: str, need: str) -> None:
        super().__init__(
            f"{need} needs an optional part", do=f"Run: pip install 'penchant[{extra}]'"
        )


class PenchantNotice(UserWarning):
    """A decision Penchant made for the user that is worth one line."""


def shown(value: Any) -> str:
    """A value as messages show it: its repr, cut to a readable length.

    >>> shown("x" * 500).endswith("...")
    True
    """
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def hint(word: Any, known: Iterable[Any]) -> str:
    """``Did you mean 'k'`` for the nearest known word, else the empty string.

    >>> hint("facters", ["factors", "epochs"])
    "Did you mean 'factors'"
    >>> hint("ItemKNN", ["item_knn", "user_knn"])
    "Did you mean 'item_knn'"
    """
    plain = {_plain(other): str(other) for other in known}
    closeness = 0.6 if len(str(word)) < 4 else 0.75  # in a short word one letter is much
    near = get_close_matches(_plain(word)[:200], [*plain], n=1, cutoff=closeness)
    return f"Did you mean {plain[near[0]]!r}" if near else ""


def _plain(word: Any) -> str:
    return str(word).casefold().replace("_", "").replace("-", "")
