"""Which results of one history its agent draws on: it writes a value that stands in one of them only."""

from __future__ import annotations

from collections.abc import Iterable

from leanloop.budgets.message import Message
from leanloop.plugins.needs import Seen
from leanloop.plugins.values import values_of

__all__ = ["ResultUses"]


class ResultUses:
    """Follows a history message by message, and tells of each model call which results it used.

    A value counts for the latest result that has it, and for none where a message that always stays has it too: what
    a user, a system prompt or the agent itself said is in sight whatever is cleared.
    """

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._latest: dict[str, int] = {}
        self._calls = 0
        self._used: dict[int, tuple[int, bool]] = {}

    def add(self, place: int, message: Message, read: Iterable[int] = ()) -> list[Seen]:
        """Take in the message at a place; `read` are the places of results that it asks for by their handle."""
        values = values_of(message.text)
        if message.role == "tool":
            self._used[place] = self._calls, False
            self._latest.update(dict.fromkeys(values - self._said, place))
            return []
        for request in message.tool_calls:
            values |= values_of(request.arguments)
        if message.role != "assistant":
            self._said |= values
            return []
        self._calls += 1
        used = {self._latest[value] for value in values - self._said if value in self._latest} | set(read)
        self._said |= values
        seen = [Seen(self._calls - at, before, old in used) for old, (at, before) in self._used.items()]
        self._used.update({old: (self._calls, True) for old in used if old in self._used})
        return seen

    def idle(self, place: int) -> int:
        """Calls since the result at a place came or was last used."""
        return self._calls - self._used[place][0]

    def used(self, place: int) -> bool:
        """Whether it was used at all."""
        return self._used[place][1]

    def cut(self, known: int) -> None:
        """Forget the results from a place on; what they said is found again as the history goes on."""
        self._used = {place: one for place, one in self._used.items() if place < known}
