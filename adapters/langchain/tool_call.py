"""Between LangGraph's ToolCallRequest and the neutral tool call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard, cast

from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import BaseMessage, ToolMessage
from langgraph.types import Command

from leanloop.adapters.langchain.messages import Transcript, from_langchain
from leanloop.budgets.json_text import json_text
from leanloop.plugins.call import ToolCall, ToolResult

__all__ = ["Outcome", "call_of", "history_of", "outcome_of", "result_of"]

Outcome = ToolMessage | Command[Any]


def history_of(request: ToolCallRequest) -> Sequence[BaseMessage]:
    """The messages of the agent's state."""
    state: object = request.state
    if isinstance(state, dict):
        found: object = cast("dict[str, object]", state).get("messages")
    else:
        found = getattr(state, "messages", None)
    return cast("list[BaseMessage]", found) if isinstance(found, list) else ()


def call_of(request: ToolCallRequest, transcript: Transcript) -> ToolCall:
    """The neutral form of a tool call."""
    asked = request.tool_call
    return ToolCall(
        id=asked.get("id") or "",
        name=asked["name"],
        arguments=json_text(asked["args"]),
        known=request.tool is not None,
        history=transcript.of(history_of(request)),
        raw=request,
    )


def result_of(outcome: Outcome, transcript: Transcript) -> ToolResult:
    """The neutral result of what a tool gave; a Command's text is that of its messages."""
    if isinstance(outcome, ToolMessage):
        message = from_langchain(outcome)
        transcript.expect(message)
        return ToolResult(message.text, message.is_error, raw=outcome)
    update: object = outcome.update
    messages: object = cast("dict[str, object]", update).get("messages") if isinstance(update, dict) else None
    said = cast("list[object]", messages) if isinstance(messages, list) else []
    texts = [from_langchain(message).text for message in said if isinstance(message, BaseMessage)]
    return ToolResult("\n".join(texts), raw=outcome)


def outcome_of(result: ToolResult, call: ToolCall) -> Outcome:
    """LangGraph's own outcome where nothing was changed, else a new tool message."""
    raw = result.raw
    if isinstance(raw, ToolMessage):
        return raw
    if _is_command(raw):
        return raw
    return ToolMessage(
        result.text, tool_call_id=call.id, name=call.name, status="error" if result.is_error else "success"
    )


def _is_command(raw: object) -> TypeGuard[Command[Any]]:
    return isinstance(raw, Command)
