"""What a recorded agent used and would not have seen any more, had its tool results been shortened or cleared.

A recording cannot react. But where its agent writes a value (see `leanloop.adapters.traces.used_values`) that one of
its tools had given, and that stands nowhere in what would have been sent to it, then it could not have written it: it
would have had to get it back first.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from leanloop.adapters.traces.used_values import said, stands_in, used
from leanloop.budgets.message import Message, ToolRequest
from leanloop.plugins.read_result import READ_RESULT
from leanloop.plugins.results.search import LONGEST_SEARCH

__all__ = ["Given", "Missing", "Sight", "asking"]

_SEARCHED = 5_000_000_000
"""Characters that are searched through for one run, so that it ends in seconds; ordinary runs need a small part of it.
Where they do not do, the rest of the run is taken to miss nothing."""

_PLACE = 500
"""Characters that are searched through in the time in which one place is looked at where a value might stand."""

_WITH_AROUND = 3 * LONGEST_SEARCH
"""Characters of a value that a search for its middle shows whole."""

_HANDLE = re.compile(rf'{READ_RESULT}\("(r[a-z2-7]{{12}})"')


class Given(NamedTuple):
    """A tool result as the tool gave it, and the call it answers: the how manieth of that id, from 0."""

    result: Message
    request: ToolRequest
    number: int = 0


class Missing(NamedTuple):
    """A value that an agent used and did not see, and the latest result that has it."""

    value: str
    given: Given


class Sight:
    """Follows one run: what was said in it, and what its tools gave.

    A value that a user, a system prompt or the agent itself said before was not had from a tool, and is never missed.
    """

    def __init__(self) -> None:
        self._given: list[Given] = []
        self._times: Counter[str] = Counter()
        self._told: list[Message] = []
        self._written: set[str] = set()
        self._texts: dict[int, tuple[Message, str]] = {}
        self._left = _SEARCHED

    def told(self, message: Message) -> None:
        """Take in what a system prompt, a user or the agent said."""
        self._told.append(message)

    def gave(self, result: Message, request: ToolRequest) -> None:
        """Take in what a tool gave, whole."""
        self._given.append(Given(result, request, self._times[request.id]))
        self._times[request.id] += 1

    def took(self, reply: Message) -> list[str]:
        """The values in a reply that the agent had from its tools, those it writes for the first time."""
        found: list[str] = []
        for value in used(reply):
            if self._left <= 0:
                break
            if value not in self._written:
                self._written.add(value)
                if any(self._has(one.result, value) for one in self._given) and not self.sees(value, self._told):
                    found.append(value)
        return found

    def missing(self, values: Sequence[str], sent: Sequence[Message]) -> Missing | None:
        """The first of these values that is out of sight in what is `sent`."""
        whole = {id(message) for message in sent}
        hidden = [one for one in reversed(self._given) if id(one.result) not in whole] if values else ()
        for value in values:
            if self._left <= 0:
                break
            given = next((one for one in hidden if self._has(one.result, value)), None)
            if given is not None and not self.sees(value, sent) and self._left > 0:
                return Missing(value, given)
        return None

    def sees(self, value: str, messages: Sequence[Message]) -> bool:
        """Whether a value stands anywhere in messages."""
        return any(self._has(message, value) for message in reversed(messages))

    def _has(self, message: Message, value: str) -> bool:
        known = self._texts.get(id(message))
        if known is None:
            text = (said(message) if message.tool_calls else message.text).lower()
            known = self._texts[id(message)] = message, text  # with the message, so that its id stays its own
        places = known[1].count(value) if self._left > 0 else 0
        self._left -= len(known[1]) + _PLACE * (1 + places)
        return self._left > 0 and places > 0 and stands_in(value, known[1])


def asking(name: str, missing: Missing, sent: Sequence[Message]) -> ToolRequest:
    """The call by which an agent gets back what it misses, with `name` as its id.

    `read_result` with a search for it, by the handle of the result or that of the batch it was cleared with, further
    up; the tool itself, again, where no handle is in sight. Of what is too long to be searched for, the middle is,
    which is shown with what stands around it; what is longer than that shows is read by its line.
    """
    value, given = missing
    asked = given.request.id
    places = [place for place, one in enumerate(sent) if one.role == "tool" and one.tool_call_id == asked]
    place = places[given.number] if given.number < len(places) else -1
    found = (_HANDLE.search(one.text) for one in reversed(sent[: place + 1]) if one.role == "tool")
    handle = next(filter(None, found), None)
    if handle is None:
        return ToolRequest(name, given.request.name, given.request.arguments)
    middle = max(0, len(value) - LONGEST_SEARCH) // 2
    wanted = {"search": value[middle : middle + LONGEST_SEARCH]}
    if len(value) > _WITH_AROUND:
        text = given.result.text.lower()
        line = text.count("\n", 0, max(0, text.find(value))) + 1
        wanted = {"lines": f"{line}-{line + 1}"}  # a batch has a line of its own above its first result
    return ToolRequest(name, READ_RESULT, json.dumps({"handle": handle[1], **wanted}))
