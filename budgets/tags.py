"""Tags: who a task is for, by names that limits can be scoped by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from leanloop.budgets.fields import shown
from leanloop.errors import UsageError

__all__ = ["checked_tags"]


def checked_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags, where all names and values are text: they become parts of accounts and rows, and 7 is not "7" there.

    Raises:
        UsageError: one is not.
    """
    for pair in cast("Mapping[object, object]", tags).items():
        if not all(isinstance(part, str) for part in pair):
            name, value = map(shown, pair)
            raise UsageError(
                f'A tag is text, such as {{"user": "u1"}}; {name}: {value} is not. Write str(...) around it.'
            )
    return tags
