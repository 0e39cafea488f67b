"""What one agent has sent in one task: its prompt as it grows, for the prefix plugin."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from leanloop.budgets.message import Message, ToolSpec
from leanloop.budgets.prefix_cache import common_prefix
from leanloop.plugins.call import ModelCall
from leanloop.plugins.notes import Notes
from leanloop.plugins.tool_order import ToolOrder
from leanloop.plugins.volatile import alike

__all__ = ["Conversation", "Conversations", "system_of"]

_MOST = 8
"""Conversations of one task that are remembered: agents that take turns in it."""


_LATEST = 3
"""Messages by which a history is known again whose beginning is gone."""


class Conversation:
    """One agent's prompt within a task.

    Attributes:
        calls: how many were made of it.
        given: the system prompt as the agent gave it last; None where it has none.
        system: the system message that is sent in its stead, the same in every call; None to send what is given.
        notes: what is sent behind the history instead of in the system prompt.
        sent: the messages of the latest call, as they were sent.
        tools: the tools of the latest call.
        written: the places in `sent` behind which the provider was told to keep what it read, ascending.
        marked: the user has told the provider where to cache.
        told: the places of what the agent was warned of.
        cut: the latest call went without some of what the one before began with.
    """

    def __init__(self, call: ModelCall) -> None:
        self.calls = 0
        self.given = system_of(call)
        self.system: Message | None = None
        self.notes = Notes()
        self.order = ToolOrder()
        self.sent: tuple[Message, ...] = ()
        self.tools: tuple[ToolSpec, ...] = ()
        self.written: list[int] = []
        self.marked = False
        self.told: set[Hashable] = set()
        self.cut = False
        self._opening = _opening_of(call)
        self._agent = call.agent
        self._names = frozenset(tool.name for tool in call.tools)

    def continues(self, call: ModelCall) -> bool:
        """Whether `call` goes on with this conversation, perhaps with another system prompt or other tools.

        Of calls outside an agent only those that send the first message again; of an agent's also those whose history
        was cut short or summed up. One that has nothing of this history is about another question.
        """
        given = system_of(call)
        if call.agent != self._agent or not (self.begins_as(call) or (call.agent and self._goes_on(call))):
            return False
        same_tools = self._names_of(call) == self._names if call.tools else self.begins_as(call)
        if given is None or self.given is None:
            return given is self.given and (same_tools or self.begins_as(call))
        return given.text == self.given.text or (same_tools and alike(given.text, self.given.text))

    def shared(self, messages: tuple[Message, ...]) -> int:
        """How many leading messages are the same as in the latest call; the usual case costs one comparison in C."""
        return common_prefix(self.sent, messages)

    def made(self, call: ModelCall, shared: int) -> None:
        """`call` was sent, of which `shared` messages had been sent before."""
        self.calls += 1
        self._names = self._names_of(call)
        self._opening = _opening_of(call)
        self.sent, self.tools = call.messages, call.tools
        while self.written and self.written[-1] >= shared:
            self.written.pop()
        if call.cache_marks and call.cache_marks[-1] >= (0 if system_of(call) is None else 1):
            self.written.append(call.cache_marks[-1])

    def begins_as(self, call: ModelCall) -> bool:
        """Whether the first message is the same."""
        opening, begun = _opening_of(call), self._opening
        return begun is not None and (opening is begun or opening == begun)

    def _names_of(self, call: ModelCall) -> frozenset[str]:
        """The names of its tools, which mostly are those of the latest call."""
        return self._names if call.tools is self.tools else frozenset(tool.name for tool in call.tools)

    def _goes_on(self, call: ModelCall) -> bool:
        opening, begun = _opening_of(call), self._opening
        if opening is None or begun is None or (opening.role == begun.role and alike(begun.text, opening.text)):
            return True
        return any(message in call.messages for message in self.sent[-_LATEST:] if message.role != "system")


class Conversations:
    """Those of one task, the latest first."""

    def __init__(self) -> None:
        self._known: deque[Conversation] = deque(maxlen=_MOST)

    def of(self, call: ModelCall) -> Conversation:
        """The one that `call` goes on with, or a new one; of several the one that begins with the same question."""
        found = [known for known in self._known if known.continues(call)]
        if not found:
            self._known.appendleft(new := Conversation(call))
            return new
        known = next((known for known in found if known.begins_as(call)), found[0])
        if known is not self._known[0]:
            self._known.remove(known)
            self._known.appendleft(known)
        return known


def system_of(call: ModelCall) -> Message | None:
    """The system prompt."""
    first = call.messages[0] if call.messages else None
    return first if first is not None and first.role == "system" else None


def _opening_of(call: ModelCall) -> Message | None:
    """The first message that is no system prompt."""
    start = 0 if system_of(call) is None else 1
    return call.messages[start] if len(call.messages) > start else None
