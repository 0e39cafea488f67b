"""Amounts of a resource, in words."""

from __future__ import annotations

from urllib.parse import unquote

from leanloop.budgets.money import format_usd

__all__ = ["format_amount", "format_number", "format_scope"]


def format_amount(resource: str, amount: int) -> str:
    """``$0.50``, ``12,000 tokens``, ``8 calls of search``, ``1 cycle``, ``300 seconds``.

    `amount` is in the ledger's unit: nano-dollars for usd, milliseconds for seconds.
    """
    number = format_number(resource, amount)
    if resource == "usd":
        return number
    noun, _, tool = resource.partition(":")
    noun = "calls" if tool else noun.replace("_", " ")
    noun = noun.removesuffix("s") if amount == 1 and resource != "seconds" else noun
    return f"{number} {noun} of {tool}" if tool else f"{number} {noun}"


def format_number(resource: str, amount: int) -> str:
    """The same without its noun: ``$0.50``, ``12,000``, ``0.3``."""
    if resource == "usd":
        return format_usd(amount)
    return f"{amount / 1000:,.10g}" if resource == "seconds" else f"{amount:,}"


def format_scope(account: str) -> str:
    """An account's name in words: ``this task``, ``user=u1 per day``."""
    owner, _, window = account.partition(":")
    if owner == "task":
        return "this task"
    return f"{' '.join(unquote(owner).split())} per {window.partition(':')[0]}"
