"""What of a task's tool results is no longer sent, and what is sent in its place."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from leanloop.budgets.message import Message, ToolRequest

__all__ = ["Answer", "Cleared", "Stand"]

_HANDLE = re.compile(r"\br[a-z2-7]{12}\b")


class Answer(NamedTuple):
    """Which result: that of the call with this id, and the how manieth of that id in the history, from 0.

    Some models use their ids again.
    """

    id: str
    number: int = 0


class Stand(NamedTuple):
    """What stands in the place of a result.

    Attributes:
        original: the result as the history has it.
        line: the message sent in its place, always this very object.
        behind: the result further up that `line` points at; None where it stands for itself.
        alone: the line where that one is gone; None for a result that is not cleared but said there already.
    """

    original: Message
    line: Message
    behind: Answer | None = None
    alone: Message | None = None


class Cleared:
    """The decisions of one task, which are never taken back: a prompt that was sent is sent again byte for byte.

    They are bound to a call's id and to what its result said, not to a place: a history that others have edited keeps
    those of them that still have their message. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stands: dict[Answer, Stand] = {}
        self._times: Counter[str] = Counter()
        self._ids: set[str] = set()
        self._handles: dict[str, Answer] = {}

    def __contains__(self, tool_call_id: object) -> bool:
        """Whether the result of that call was cleared, so that what it said is in front of the model no more."""
        return tool_call_id in self._ids

    def __len__(self) -> int:
        """How many results are not sent as they came."""
        return len(self._stands)

    def read(self, request: ToolRequest) -> Answer | None:
        """The result that a call asks for again: it names the handle that stands in its line."""
        found = _HANDLE.search(request.arguments)
        return None if found is None else self._handles.get(found[0])

    def add(
        self,
        original: Message,
        line: Message,
        number: int = 0,
        *,
        behind: Answer | None = None,
        alone: Message | None = None,
    ) -> None:
        """Send `line` in the place of `original`, the result number `number` of its id, from now on; see `Stand`."""
        name = original.tool_call_id
        if name is None:
            return
        with self._lock:
            self._stands[Answer(name, number)] = Stand(original, line, behind, alone)
            self._times[name] = max(number + 1, self._times[name])
            if behind is None or alone is not None:
                self._ids.add(name)
                for handle in _HANDLE.findall(line.text.partition("\n")[0]):
                    self._handles[handle] = Answer(name, number)

    def put(self, line: Message, original: Message) -> bool:
        """Whether `line` is what we send in the place of `original`."""
        name = original.tool_call_id or ""
        stands = (self._stands.get(Answer(name, number)) for number in range(self._times[name]))
        return any(s is not None and line in (s.line, s.alone) and s.original == original for s in stands)

    def of(self, message: Message, number: int, earlier: Collection[Answer]) -> Stand | None:
        """What stands in the place of a message, behind the results `earlier`; None where it is sent itself."""
        stand = self._stands.get(Answer(message.tool_call_id or "", number))
        if stand is None or (stand.original is not message and stand.original != message):
            return None
        if stand.behind is None or stand.behind in earlier:
            return stand
        return None if stand.alone is None else Stand(message, stand.alone)
