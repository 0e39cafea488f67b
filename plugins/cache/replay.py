"""Answers in the form in which they are kept, and back: what was said and which tools were asked for, nothing else.

An answer that is given again has ids of its own. With the ids it once had, LangGraph would take the new message for
the old one and put it in that one's place, and the thread would go without a reply.
"""

from __future__ import annotations

import json
import uuid
from typing import NamedTuple, cast

from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.usage import Usage
from leanloop.plugins.call import ModelReply, ToolResult

__all__ = ["Replayed", "kept_reply", "kept_result", "replayed_reply", "replayed_result"]


class Replayed(NamedTuple):
    """An answer that is given again, and what it cost when it was made."""

    reply: ModelReply
    spared: Usage


def kept_reply(reply: ModelReply, usage: Usage) -> str:
    """An answer and what it cost, as text."""
    calls = [[call.name, call.arguments] for call in reply.message.tool_calls]
    return json.dumps({"text": reply.message.text, "calls": calls, "used": [usage.input, usage.output]})


def replayed_reply(text: str) -> Replayed | None:
    """The answer with fresh ids; None where the text is not one that `kept_reply` wrote.

    Its usage is nothing, since nothing was asked of a model.
    """
    fields = _read(text)
    match fields:
        case {"text": str(said), "calls": list(), "used": [int(read), int(written)]}:
            asked = _requests(cast("dict[str, list[object]]", fields)["calls"])
            if asked is None:
                return None
            return Replayed(ModelReply(Message("assistant", said, asked), Usage()), Usage(read, written))
        case _:
            return None


def kept_result(result: ToolResult) -> str:
    """The result of a tool, as text."""
    return json.dumps({"result": result.text})


def replayed_result(text: str) -> ToolResult | None:
    """The result; None where the text is not one that `kept_result` wrote."""
    match _read(text):
        case {"result": str(said)}:
            return ToolResult(said)
        case _:
            return None


def _requests(calls: list[object]) -> tuple[ToolRequest, ...] | None:
    asked: list[ToolRequest] = []
    for call in calls:
        match call:
            case [str(name), str(arguments)]:
                asked.append(ToolRequest(f"call_{uuid.uuid4().hex[:24]}", name, arguments))
            case _:
                return None
    return tuple(asked)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
