"""Items, histories and facts as people type them: an item by id, or by an unambiguous title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from penchant.errors import UnknownIdError, UsageError
from penchant.models import Model

_VALUE = re.compile(r"-?\d+(\.\d+)?")
_MOST = 8  # candidates listed


def find_item(model: Model, typed: str) -> Any:
    """The id that somebody typed: an id itself, else a whole title, else the only title like it.

    Raises:
        UsageError: several titles fit; the message lists them.
        UnknownIdError: none does.
    """
    items = model.fitted.items
    row = items.row(typed)
    if row >= 0:
        return items.id(row)
    found = model.find(typed, n=_MOST + 1)
    whole = [one for one, title in found if title.casefold() == typed.casefold().strip()]
    if len(whole) == 1 or len(found) == 1:
        return (whole or [found[0][0]])[0]
    if found:
        listed = "; ".join(
            title if title == str(one) else f"{one} {title}" for one, title in found[:_MOST]
        )
        more = " and more" if len(found) > _MOST else ""
        raise UsageError(
            f"several items are called like {typed!r}: {listed}{more}", do="Give the id"
        )
    raise UnknownIdError("no such item, by id or title", got=typed, do=items.near(typed) or None)


def find_user(model: Model, typed: str) -> Any:
    """The id of a person as the data have it; of somebody unknown, what was typed."""
    users = model.fitted.users
    row = -1 if users is None else users.row(typed)
    return typed if users is None or row < 0 else users.id(row)


def find_history(model: Model, typed: Sequence[str]) -> list[Any]:
    """A history as people type it: items, or ITEM=VALUE such as ``50=5``."""
    return [_entry(model, one) for one in typed]


def _entry(model: Model, typed: str) -> Any:
    item, equals, value = typed.rpartition("=")
    if not equals or model.fitted.items.row(typed) >= 0 or not _VALUE.fullmatch(value):
        return find_item(model, typed)
    return find_item(model, item), float(value)


def find_facts(typed: Sequence[str]) -> dict[str, str]:
    """Facts as people type them: ``COLUMN=VALUE``.

    Raises:
        UsageError: something is written otherwise.
    """
    parts = [one.partition("=") for one in typed]
    for one, (name, equals, _) in zip(typed, parts, strict=True):
        if not (name.strip() and equals):
            raise UsageError("facts are written COLUMN=VALUE", where="--facts", got=one)
    return {name.strip(): value for name, _, value in parts}


def find_items(model: Model, typed: Sequence[str]) -> list[Any]:
    """Several items; see `find_item`."""
    return [find_item(model, one) for one in typed]
