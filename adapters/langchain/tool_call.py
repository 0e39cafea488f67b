"""Between LangGraph's ToolCallRequest and the neutral tool call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard, cast

from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.types import Command

from leanloop.adapters.langchain.changed import with_receipt, with_text
from leanloop.adapters.langchain.ending import is_plain
from leanloop.adapters.langchain.messages import Transcript, from_langchain
from leanloop.budgets.json_text import json_text
from leanloop.budgets.message import Changed
from leanloop.plugins.call import ToolCall, ToolResult

__all__ = ["Outcome", "call_of", "final_outcome", "hints_of", "history_of", "is_last", "outcome_of", "result_of"]

_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint", "ttlMs", "cacheScope")

Outcome = ToolMessage | Command[Any]
"""What a tool gives LangGraph: a message or an update of the state; or a list of them, which its annotations omit."""


def history_of(request: ToolCallRequest) -> Sequence[BaseMessage]:
    """The messages of the agent's state."""
    state: object = request.state
    if isinstance(state, dict):
        found: object = cast("dict[str, object]", state).get("messages")
    else:
        found = getattr(state, "messages", None)
    return cast("list[BaseMessage]", found) if isinstance(found, list) else ()


def call_of(request: ToolCallRequest, transcript: Transcript, *, readable: bool = False) -> ToolCall:
    """The neutral form of a tool call; `readable` says that the agent may read a shortened result back."""
    asked = request.tool_call
    tool = request.tool
    return ToolCall(
        id=asked.get("id") or "",
        name=asked["name"],
        arguments=json_text(asked["args"]),
        known=tool is not None,
        history=transcript.of(history_of(request)),
        readable=readable,
        direct=tool is not None and tool.return_direct,
        hints=hints_of(tool) if tool is not None and tool.metadata else {},
        raw=request,
    )


def hints_of(tool: BaseTool) -> Mapping[str, object]:
    """What a tool of an MCP server says of itself; langchain-mcp-adapters puts it into `metadata`."""
    given = cast("Mapping[str, object]", tool.metadata or {})
    places = [given, *(given[name] for name in ("annotations", "_meta") if isinstance(given.get(name), Mapping))]
    found: dict[str, object] = {}
    for place in cast("list[Mapping[str, object]]", places):
        found |= {name: place[name] for name in _HINTS if name in place and name not in found}
    return found


def result_of(outcome: Outcome, call: ToolCall, transcript: Transcript) -> ToolResult:
    """The neutral result of what a tool gave.

    Of Commands and lists it is the message that answers the call; where none does, the text is that of all messages.
    """
    if isinstance(outcome, ToolMessage):
        message = from_langchain(outcome)
        transcript.expect(message)
        plain = is_plain(outcome) and outcome.artifact is None
        return ToolResult(message.text, message.is_error, plain, raw=outcome)
    said = _messages_in(outcome)
    answer = _answer(said, call)
    if answer is not None:
        message = from_langchain(answer)
        return ToolResult(message.text, message.is_error, plain=False, raw=outcome)
    return ToolResult("\n".join(from_langchain(message).text for message in said), plain=False, raw=outcome)


def outcome_of(result: ToolResult, call: ToolCall) -> Outcome:
    """LangGraph's own outcome where nothing was changed, a copy where only its text was, else a new tool message."""
    raw = result.raw
    if isinstance(raw, Changed) and _is_outcome(raw.raw):  # else it is of the cache, and shortened
        return _changed(raw.raw, result, call)
    if _is_outcome(raw):
        return raw
    return ToolMessage(
        result.text, tool_call_id=call.id, name=call.name, status="error" if result.is_error else "success"
    )


def is_last(request: ToolCallRequest) -> bool:
    """Whether create_agent ends after the step of this call: the results of all that were asked for in it are the
    user's (``return_direct``).
    """
    if request.tool is None or not request.tool.return_direct:
        return False
    said = next((message for message in reversed(history_of(request)) if isinstance(message, AIMessage)), None)
    tools = {tool.name: tool for tool in cast("Sequence[BaseTool]", getattr(cast("Any", request).runtime, "tools", ()))}
    asked = [tools.get(call["name"]) for call in said.tool_calls] if said is not None else []
    return all(tool.return_direct for tool in asked if tool is not None)


def final_outcome(outcome: Outcome, call: ToolCall, receipt: dict[str, object]) -> Outcome:
    """The outcome that ends a run; the message that answers the call carries the receipt."""
    answer = _answer(_messages_in(outcome), call)
    return outcome if answer is None else cast("Outcome", _with(outcome, answer, with_receipt(answer, receipt)))


def _is_outcome(raw: object) -> TypeGuard[Outcome]:
    return isinstance(raw, ToolMessage | Command | list)


def _messages_in(outcome: object) -> list[BaseMessage]:
    """The messages of a Command's update, or of a list of messages and Commands, in their order."""
    if isinstance(outcome, BaseMessage):
        return [outcome]
    if isinstance(outcome, list):
        return [message for part in cast("list[object]", outcome) for message in _messages_in(part)]
    update: object = outcome.update if isinstance(outcome, Command) else None
    return _messages_in(cast("dict[str, object]", update).get("messages")) if isinstance(update, dict) else []


def _answer(said: Sequence[BaseMessage], call: ToolCall) -> ToolMessage | None:
    """The message that answers the call; one that stands alone does, whatever its id."""
    answers = [one for one in said if isinstance(one, ToolMessage)]
    own = [one for one in answers if one.tool_call_id == call.id]
    return own[0] if own else answers[0] if len(answers) == 1 else None


def _changed(outcome: Outcome, result: ToolResult, call: ToolCall) -> Outcome:
    """The outcome with the result's text in the message that answers the call."""
    answer = _answer(_messages_in(outcome), call)
    if answer is None:
        return outcome
    said = with_text(answer, result.text)
    said.status = "error" if result.is_error else "success"
    return cast("Outcome", _with(outcome, answer, said))


def _with(outcome: object, answer: ToolMessage, said: ToolMessage) -> object:
    """`outcome`, or a copy of it that holds `said` in the place of `answer`."""
    if not any(message is answer for message in _messages_in(outcome)):
        return outcome
    if outcome is answer:
        return said
    if isinstance(outcome, list):
        return [_with(part, answer, said) for part in cast("list[object]", outcome)]
    command = cast("Command[Any]", outcome)
    given = cast("dict[str, object]", command.update)
    return replace(command, update={**given, "messages": _with(given["messages"], answer, said)})
