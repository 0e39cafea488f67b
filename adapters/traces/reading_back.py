"""A recorded agent that can read on: what it would have used and not seen, it gets back by a call of its own.

Whenever it writes a value that one of its tools gave, and that stands nowhere in what is sent, a call is put in
between: the model call with its prompt and output, the tool call, and a result that stays in the history. What even
that does not show is counted, and the run goes on as recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leanloop.adapters.traces.out_of_sight import Sight, asking
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message, ToolRequest, ToolSpec
from leanloop.plugins.read_result import READ_DESCRIPTION, READ_RESULT, ReadArguments

__all__ = ["MOST_IN_BETWEEN", "Readback", "ReadingBack", "can_read_back", "tools_of"]

MOST_IN_BETWEEN = 20
"""Calls that are put in before one reply; what is missing beyond them counts as not found."""

_SPEC = ToolSpec(READ_RESULT, READ_DESCRIPTION, ReadArguments.model_json_schema())


def can_read_back(trace: Trace, budget: Budget) -> bool:
    """Whether the agent of a run would be offered `read_result`: it has tools, and none of that name.

    One that calls a tool of that name has its own, or the run was recorded with results shortened already.
    """
    names = tools_of(trace)
    return budget.results is not None and bool(names) and READ_RESULT not in names


def tools_of(trace: Trace) -> list[str]:
    """The names of the tools that a run calls, each once."""
    return list(dict.fromkeys(call.name for message in trace.messages for call in message.tool_calls))


class Readback(NamedTuple):
    """A call that is put in: the value it is to show, the reply that asks for it, and the whole result that has it."""

    value: str
    reply: Message
    source: Message

    @property
    def request(self) -> ToolRequest:
        """What is asked."""
        return self.reply.tool_calls[0]


class ReadingBack:
    """Follows one run of an agent that is offered `read_result`.

    Attributes:
        tools: what its model is offered: the tools it called, of which a recording has the names alone, and ours.
        readbacks: calls that were put in.
        used: values the agent had from its tools.
        missing: those of them that were out of its sight, and that reading back did not show.
    """

    def __init__(self, trace: Trace) -> None:
        self.tools = (*map(ToolSpec, tools_of(trace)), _SPEC)
        self.readbacks = self.used = self.missing = 0
        self._sight = Sight()
        self._values: list[str] = []
        self._asked = 0
        self._requests: dict[str, ToolRequest] = {}

    def saw(self, message: Message) -> None:
        """Take in what was said, or what a tool gave, whole."""
        if message.role != "tool":
            self._sight.told(message)
            if message.role == "assistant":
                self._requests = {request.id: request for request in message.tool_calls}
            return
        name = message.tool_call_id or ""
        self._sight.gave(message, self._requests.get(name) or ToolRequest(name, message.name or "tool", "{}"))

    def begin(self, reply: Message) -> None:
        """A recorded reply is asked for."""
        self._values = self._sight.took(reply)
        self._asked = 0
        self.used += len(self._values)

    def asks(self, sent: Sequence[Message]) -> Readback | None:
        """What has to be read back before the recorded reply can follow on what is sent; None where it can now."""
        missing = self._sight.missing(self._values, sent)
        while missing is not None and self._asked >= MOST_IN_BETWEEN:
            self.missing += 1
            self._values.remove(missing.value)
            missing = self._sight.missing(self._values, sent)
        if missing is None:
            return None
        request = asking(f"between_{self.readbacks + 1}", missing, sent)
        return Readback(missing.value, Message("assistant", "", (request,)), missing.given.result)

    def answered(self, readback: Readback, result: Message) -> None:
        """What a call that was put in gave."""
        self.readbacks += 1
        self._asked += 1
        self.missing += not self._sight.sees(readback.value, [result])
        # Seen or not, it is not asked for again: what is read behind it may take its place.
        self._values.remove(readback.value)
