"""A row of the ledger's history: what was booked, for whom, on which model, at which price."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, cast, get_args
from urllib.parse import quote, unquote

from leanloop.errors import StoreError

__all__ = ["Entry", "Kind", "expiry"]

Kind = Literal["call", "unknown", "expired", "raised", "reset"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One booking. What was not told is empty.

    Attributes:
        kind: ``call`` (as reported by the provider, or counted), ``unknown`` (nobody knows: booked at the worst case),
            ``expired`` (a lease ended; with amounts below zero: taken back, the call having been settled or released
            after all), ``raised`` and ``reset`` (by a person).
        at: seconds since the epoch, by the store's clock.
        price: where the price came from, and of when.
        amounts: what was booked, by resource; usd in nano-dollars. Cached and reasoning tokens, which no limit is
            about, stand beside them as ``cached_input``, ``cache_write`` and ``reasoning``.
        value: what the task is worth, or else the nearest it is a part of that has a value, in nano-dollars.
        account: whose limit was changed, of ``raised`` and ``reset``.
        note: why, in the words of whoever did it; of ``expired`` the reservation.
        within: the tasks this one is a part of, nearest first, each with its agent.
        valued: whose the value is, of these; empty where it is the task's own.
    """

    kind: Kind = "call"
    at: float = 0.0
    task: str = ""
    agent: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    model: str = ""
    price: str = ""
    amounts: Mapping[str, int] = field(default_factory=dict[str, int])
    value: int | None = None
    account: str = ""
    note: str = ""
    within: Mapping[str, str] = field(default_factory=dict[str, str])
    valued: str = ""

    def to_json(self) -> str:
        """What is told as one line of JSON, without the time, which the store keeps. ASCII, so no text fails one."""
        told = {name: value for name in _NAMES if (value := getattr(self, name)) not in ("", None, {})}
        if self.kind == "expired" and self.task:  # as a store knows it that has nothing but the account's name
            told["task"] = quote(self.task, safe="", errors="surrogatepass")
        return _write(told)

    @classmethod
    def from_json(cls, text: str | bytes, at: float) -> Entry:
        """Read what `to_json` wrote; keys it does not know, of a later version, are passed over.

        Raises:
            StoreError: it is damaged.
        """
        try:
            told: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _damaged(f"{error}") from error
        if not isinstance(told, dict):
            raise _damaged("it is no JSON object")
        known = {name: value for name, value in cast("dict[str, Any]", told).items() if name in _NAMES}
        for name, value in known.items():
            if not _fits(name, value):
                raise _damaged(f"its {name} is {str(value)[:40]!r}")
        if known.get("kind") == "expired" and "task" in known:
            known["task"] = _unquoted(known["task"])
        return cls(at=at, **known)


def _damaged(how: str) -> StoreError:
    return StoreError(
        f"A row of the ledger's history is damaged: {how}. Limits hold without it; restore a copy of the "
        "store to read it."
    )


_write = json.JSONEncoder(separators=(",", ":")).encode
_NAMES = tuple(one.name for one in fields(Entry) if one.name != "at")


def _fits(name: str, value: object) -> bool:
    """Whether a field read from JSON is of its type."""
    match name:
        case "kind":
            return value in get_args(Kind)
        case "value":
            return type(value) is int
        case "tags" | "within" | "amounts":
            kept = int if name == "amounts" else str
            return isinstance(value, dict) and all(
                type(one) is kept for one in cast("dict[str, object]", value).values()
            )
        case _:
            return isinstance(value, str)


def _unquoted(task: str) -> str:
    """A task's id as it was before it became a part of an account's name (`leanloop.budgets.account`)."""
    try:
        return unquote(task, errors="surrogatepass")
    except UnicodeDecodeError:  # no name of ours
        return task


def expiry(reservation: str, lines: Iterable[tuple[str, str, int]], *, taken_back: bool = False) -> Entry:
    """The row of a lease that ended, or of its being taken back; `lines` are (account, resource, amount).

    A resource is booked at the largest of its amounts: its accounts are levels of one hierarchy, not shares.
    """
    task, amounts = "", dict[str, int]()
    for account, resource, amount in lines:
        if not task and account.startswith("task:"):
            task = _unquoted(account.removeprefix("task:"))
        amounts[resource] = max(amounts.get(resource, 0), amount)
    if taken_back:
        amounts = {resource: -amount for resource, amount in amounts.items()}
    return Entry("expired", task=task, amounts=amounts, note=reservation)
