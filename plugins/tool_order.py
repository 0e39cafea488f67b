"""Tools in one order for a whole task: they stand at the very front of the prompt, before the system prompt."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from leanloop.budgets.message import ToolSpec

__all__ = ["ToolOrder", "in_order"]

Tool = TypeVar("Tool")


class ToolOrder:
    """Keeps tools in the order in which they were first seen; a new one comes last.

    An agent that hands its tools over in another order (from a set, by their relevance) would otherwise have nothing
    read from the provider's cache.
    """

    def __init__(self) -> None:
        self._ranks: dict[str, int] = {}
        self._latest: tuple[tuple[ToolSpec, ...], tuple[ToolSpec, ...]] = ((), ())

    def of(self, tools: tuple[ToolSpec, ...]) -> tuple[ToolSpec, ...]:
        """`tools` in that order: the very same tuple where it is in order already."""
        given, ordered = self._latest
        if tools is given:
            return ordered
        for tool in tools:
            self._ranks.setdefault(tool.name, len(self._ranks))
        ranks = [self._ranks[tool.name] for tool in tools]
        ordered = tools
        if any(after < before for before, after in pairwise(ranks)):
            ordered = tuple(sorted(tools, key=lambda tool: self._ranks[tool.name]))
            if ordered == given:  # one shuffled back: equal tools are the same tuple, by which their tokens are found
                ordered = given
        self._latest = (tools, ordered)
        return ordered


def in_order(tools: Sequence[Tool], specs: Sequence[ToolSpec]) -> Sequence[Tool]:
    """A framework's own tools in the order of the specs made of them; as they are where one has no spec."""
    ranks = {id(spec.raw): rank for rank, spec in enumerate(specs)}
    if any(id(tool) not in ranks for tool in tools):
        return tools
    return sorted(tools, key=lambda tool: ranks[id(tool)])
