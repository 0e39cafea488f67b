"""Amounts of a resource, in words."""

from __future__ import annotations

from urllib.parse import unquote

from leanloop.budgets.money import format_usd

__all__ = ["format_amount", "format_scope"]


def format_amount(resource: str, amount: int) -> str:
    """``$0.50``, ``12,000 tokens``, ``8 calls of search``, ``1 cycle``, ``300 seconds``.

    `amount` is in the ledger's unit: nano-dollars for usd, milliseconds for seconds.
    """
    if resource == "usd":
        return format_usd(amount)
    if resource == "seconds":
        return f"{amount / 1000:,.10g} seconds"
    if resource.startswith("tool_calls:"):
        return f"{amount:,} {'call' if amount == 1 else 'calls'} of {resource.removeprefix('tool_calls:')}"
    noun = resource.replace("_", " ")
    return f"{amount:,} {noun.removesuffix('s') if amount == 1 else noun}"


def format_scope(account: str) -> str:
    """An account's name in words: ``this task``, ``user=u1 per day``."""
    owner, _, window = account.partition(":")
    if owner == "task":
        return "this task"
    return f"{' '.join(unquote(owner).split())} per {window.partition(':')[0]}"
