"""Amounts of a resource, in words."""

from __future__ import annotations

from functools import lru_cache

from leanloop.budgets.account import AccountName
from leanloop.budgets.money import format_usd

__all__ = ["format_amount", "format_number", "format_scope"]

_LONGEST = 80


def format_amount(resource: str, amount: int) -> str:
    """``$0.50``, ``12,000 tokens``, ``8 calls of search``, ``1 cycle``, ``300 seconds``.

    `amount` is in the ledger's unit: nano-dollars for usd, milliseconds for seconds.
    """
    number = format_number(resource, amount)
    if resource == "usd":
        return number
    noun, _, tool = resource.partition(":")
    noun = "calls" if tool else noun.replace("_", " ")
    noun = noun.removesuffix("s") if number == "1" else noun
    return f"{number} {noun} of {tool}" if tool else f"{number} {noun}"


def format_number(resource: str, amount: int) -> str:
    """The same without its noun: ``$0.50``, ``12,000``, ``0.3``."""
    if resource == "usd":
        return format_usd(amount)
    return f"{amount / 1000:,.10g}" if resource == "seconds" else f"{amount:,}"


@lru_cache(maxsize=1_024)
def format_scope(account: str) -> str:
    """An account's name in words: ``this task``, ``user=u1 per day``, ``global per rolling hour``.

    Names and tags come from strangers and the words go to models, terminals and logs: what cannot be printed is left
    out, and what is long is cut.
    """
    name = AccountName.read(account)
    if name.scope == "task":
        return "this task"
    printable = "".join(letter if letter.isprintable() else " " for letter in name.owner)
    owner = " ".join(printable.split())
    if len(owner) > _LONGEST:
        owner = f"{owner[: _LONGEST - 3]}..."
    return f"{f'{name.scope}={owner}' if owner else name.scope} per {'rolling ' if name.rolling else ''}{name.per}"
