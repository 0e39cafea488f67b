"""The two ways in which a model calls cognitive tools: as tools of its provider, and by a protocol in the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from leanloop.budgets.message import Changed, Message, ToolRequest, ToolSpec
from leanloop.plugins.call import ModelCall, ModelReply, ToolResult
from leanloop.plugins.scaffold import protocol
from leanloop.plugins.scaffold.think_tool import THINK
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.scaffold.use_code import USE_CODE

__all__ = ["AsText", "AsTools", "Asked", "Form"]


_SEPARATE = (
    "Each is a separate look by somebody who sees nothing but what you write into it, so give it the question whole. "
)


class Asked(NamedTuple):
    """What a reply asks for.

    Attributes:
        wanted: calls of cognitive tools.
        said: the reply as it is sent again, before their results.
        rest: the reply as the framework is to see it, where it asks for other things as well.
    """

    wanted: tuple[ToolRequest, ...]
    said: Message
    rest: Message | None = None


class Form(Protocol):
    """How tools are offered, called, answered and taken away."""

    def offered(self, call: ModelCall, messages: tuple[Message, ...]) -> ModelCall:
        """`call` with the tools offered, sent with `messages`, its stream held back."""
        ...

    def withdrawn(self, call: ModelCall, messages: tuple[Message, ...]) -> ModelCall:
        """`call` with the tools taken away, behind an exchange in which they were used; its stream is held back too,
        for what is called all the same is left out.
        """
        ...

    def read(self, reply: ModelReply, call: ModelCall) -> Asked:
        """What the reply asks for."""
        ...

    def answer(self, request: ToolRequest, result: ToolResult) -> Message:
        """What the model is given for a call."""
        ...

    def cleaned(self, reply: ModelReply) -> ModelReply:
        """The reply without calls that nobody answers: the very same where there are none."""
        ...


class AsTools:
    """Tools of the provider, behind the agent's own."""

    def __init__(self, tools: Mapping[str, CognitiveTool]) -> None:
        self._tools = tools
        self._specs = tuple(tool.spec for tool in tools.values())
        asking = any(tool is not THINK and tool is not USE_CODE for tool in tools.values())
        self._system = _System(
            f"You have tools to think with: {', '.join(tools)}. {_SEPARATE if asking else ''}Call one where it helps "
            "you to be right, and none where the question is plain. They act on nothing. Then answer as asked."
        )
        self._latest: tuple[tuple[ToolSpec, ...], tuple[ToolSpec, ...]] = ((), self._specs)

    def offered(self, call: ModelCall, messages: tuple[Message, ...]) -> ModelCall:
        """With the tools' specs and a short text behind the system prompt."""
        given, tools = self._latest
        if call.tools is not given:  # the same tuple in every call, by which its tokens are found
            tools = (*call.tools, *self._specs)
            self._latest = (call.tools, tools)
        return replace(call, messages=self._system.behind(messages), tools=tools, hold_stream=True)

    def withdrawn(self, call: ModelCall, messages: tuple[Message, ...]) -> ModelCall:
        """Taken out; where the agent has no other, forbidden: providers refuse a history of calls without any tool."""
        if call.tools:
            return replace(call, messages=self._system.behind(messages), hold_stream=True)
        return replace(self.offered(call, messages), forbid_tools=True)

    def read(self, reply: ModelReply, call: ModelCall) -> Asked:
        """Calls by name. Beside a structured answer they are of no use any more."""
        requests = reply.message.tool_calls
        wanted = tuple(request for request in requests if request.name in self._tools)
        others = tuple(request for request in requests if request.name not in self._tools)
        if any(request.name in call.answer_tools for request in others):
            return Asked((), reply.message)
        rest = replace(reply.message, tool_calls=others, raw=None) if others else None
        return Asked(wanted, reply.message, rest)

    def answer(self, request: ToolRequest, result: ToolResult) -> Message:
        """A tool's result."""
        return Message("tool", result.text, tool_call_id=request.id, name=request.name, is_error=result.is_error)

    def cleaned(self, reply: ModelReply) -> ModelReply:
        """Without calls of the tools."""
        kept = tuple(request for request in reply.message.tool_calls if request.name not in self._tools)
        if len(kept) == len(reply.message.tool_calls):
            return reply
        return ModelReply(replace(reply.message, tool_calls=kept, raw=None), reply.usage, reply.finish)


class AsText:
    """The protocol, told in the system prompt."""

    def __init__(self, tools: Mapping[str, CognitiveTool]) -> None:
        self._tools = tools
        self._system = _System(protocol.instructions(list(tools.values())))

    def offered(self, call: ModelCall, messages: tuple[Message, ...]) -> ModelCall:
        """With the protocol behind the system prompt."""
        return replace(call, messages=self._system.behind(messages), hold_stream=True)

    def withdrawn(self, call: ModelCall, messages: tuple[Message, ...]) -> ModelCall:
        """The prompt stays as it was sent; what is written all the same is only text."""
        return self.offered(call, messages)

    def read(self, reply: ModelReply, call: ModelCall) -> Asked:
        """The first call in the text; a reply that calls a tool of the provider has none."""
        message = reply.message
        found = None if message.tool_calls else protocol.written(message.text, self._tools)
        if found is None:
            return Asked((), message)
        said = replace(message, text=found.upto, raw=None)
        return Asked((ToolRequest("", found.name, found.arguments),), said)

    def answer(self, request: ToolRequest, result: ToolResult) -> Message:
        """A message of the user's."""
        return Message("user", protocol.result_text(request.name, result.text))

    def cleaned(self, reply: ModelReply) -> ModelReply:
        """Without lines of the protocol."""
        text = protocol.without_protocol(reply.message.text)
        if text == reply.message.text:
            return reply
        return ModelReply(
            replace(reply.message, text=text, raw=Changed.of(reply.message.raw)), reply.usage, reply.finish
        )


class _System:
    """A text that is sent behind the system prompt, the same in every call."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._latest: tuple[Message, Message] | None = None

    def behind(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """At the end of the system prompt; where that has parts that are not to be touched, in a message behind it."""
        first = messages[0] if messages else None
        if first is None or first.role != "system":
            return (Message("system", self._text), *messages)
        if first.marked or first.images or first.other_tokens:
            return (first, Message("user", self._text), *messages[1:])
        latest = self._latest  # read once: another thread may put that of its own prompt there
        if latest is None or latest[0] is not first:
            text = f"{first.text}\n\n{self._text}"
            latest = self._latest = (first, replace(first, text=text, raw=Changed.of(first.raw)))
        return (latest[1], *messages[1:])
