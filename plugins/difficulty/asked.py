"""The question that a turn is about, found without reading the whole history in each call."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from leanloop.budgets.message import Message

__all__ = ["Questions", "failures"]

_TASKS = 1_024
_LATEST = 40
"""Messages in which errors are looked for."""


class _Found(NamedTuple):
    """The message with the question, its place, and how many messages were looked at."""

    message: Message
    place: int
    read: int


class Questions:
    """The latest question of each task; of a history that has grown, only what is new is looked at."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, _Found] = OrderedDict()

    def of(self, task: str, messages: Sequence[Message]) -> str:
        """The text of the last message of the user that has one; empty where there is none."""
        known = self._found.get(task)
        start = 0
        if known is not None and known.read <= len(messages) and messages[known.place] is known.message:
            start = known.read
        else:
            known = None
        for place in range(len(messages) - 1, start - 1, -1):
            message = messages[place]
            if message.role == "user" and message.text:
                known = _Found(message, place, len(messages))
                break
        if known is None:
            return ""
        self._found[task] = known._replace(read=len(messages))
        while len(self._found) > _TASKS:
            self._found.popitem(last=False)
        return known.message.text


def failures(messages: Sequence[Message]) -> int:
    """How many of the latest results of tools were errors, since the user spoke last; counted no further than two."""
    found = 0
    for place in range(len(messages) - 1, max(-1, len(messages) - 1 - _LATEST), -1):
        message = messages[place]
        if message.role == "user" or found > 1:
            break
        found += message.is_error
    return found
