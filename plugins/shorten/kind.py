"""What a tool result is, found from its content alone."""

from __future__ import annotations

from leanloop.budgets.result_rules import Kind

__all__ = ["kind_of"]


def kind_of(text: str) -> Kind:
    """The kind of a text, from a look at its head and its tail; never slow, never raises."""
    head = text[:200].lstrip()
    if head[:1] in ("{", "["):
        return "json"
    return "prose"
