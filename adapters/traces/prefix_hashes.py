"""Hashes of how a conversation begins, by which one that goes on from another is found without comparing all of it."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.budgets.message import Message

__all__ = ["prefix_hashes"]


def prefix_hashes(messages: Sequence[Message]) -> list[int]:
    """Of the first none, one, two ... messages; of this process only, as those of texts are."""
    found = [0]
    for message in messages:
        found.append(hash((found[-1], message)))
    return found
