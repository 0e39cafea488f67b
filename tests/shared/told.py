"""What stands in the body of a request, in one form for all providers: the tools it offers, and what was said."""

# JSON is looked through:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["steps_in", "tools_in"]


def tools_in(body: dict[str, Any]) -> list[str]:
    """The names of the tools, in order."""
    found: list[str] = []
    for tool in body.get("tools") or ():
        several = tool.get("functionDeclarations") or tool.get("function_declarations")
        found += [one["name"] for one in several or [tool.get("function") or tool]]
    return found


def steps_in(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Calls of tools by name and their results by text, in order; what else is said is "user" or "assistant"."""
    messages = body.get("messages") or body.get("input") or body.get("contents") or ()
    return [step for message in messages for step in _steps(message) if step[0] != "system"]


def _steps(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    kind, role = message.get("type"), str(message.get("role", ""))
    if kind == "function_call":
        yield "call", message["name"]
    elif kind == "function_call_output":
        yield "result", _text(message["output"])
    elif role == "tool":
        yield "result", _text(message["content"])
    else:
        for part in _parts(message):
            yield from _part(part, {"model": "assistant", "developer": "system"}.get(role, role))
        for call in message.get("tool_calls") or ():
            yield "call", call["function"]["name"]


def _part(part: dict[str, Any], role: str) -> Iterator[tuple[str, str]]:
    if call := part.get("functionCall") or (part if part.get("type") == "tool_use" else None):
        yield "call", call["name"]
    elif answer := part.get("functionResponse"):
        yield "result", json.dumps(answer["response"])
    elif part.get("type") == "tool_result":
        yield "result", _text(part["content"])
    elif part.get("text"):
        yield role, part["text"]


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content: Any = message.get("content") or message.get("parts") or []
    return [{"text": content}] if isinstance(content, str) else content


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
