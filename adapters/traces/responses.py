"""Items of OpenAI's Responses API as messages of its chat (https://platform.openai.com/docs/api-reference/responses).

An answer is a list of items there: messages, calls of functions and thoughts, each on its own. What stands between two
messages of others is one message of the assistant here.
"""

from __future__ import annotations

from leanloop.adapters.traces.fields import at, listed
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["messages_in", "reply_in"]


def messages_in(inputs: object) -> list[object]:
    """What ``responses.create`` was told: ``instructions`` and ``input``, a text or items; empty where it was not."""
    given, instructions = at(inputs, "input"), at(inputs, "instructions")
    told: list[object] = [{"role": "system", "content": instructions}] if isinstance(instructions, str) else []
    if isinstance(given, str):
        return [*told, {"role": "user", "content": given}]
    return [*told, *_gathered(given)] if is_list(given) else []


def reply_in(outputs: object) -> object:
    """The answer, None where there is none: a message, with the calls of functions beside it."""
    return next(iter(_gathered(listed(at(outputs, "output")))), None)


def _gathered(items: list[object]) -> list[object]:
    found: list[object] = []
    answer: dict[str, object] | None = None
    calls: list[object] = []
    for item in items:
        kind, role = at(item, "type"), at(item, "role")
        if kind == "function_call" or role == "assistant":
            if answer is None:
                calls = []
                answer = {"role": "assistant", "content": "", "tool_calls": calls}
                found.append(answer)
            if kind == "function_call":
                calls.append({"id": at(item, "call_id"), "name": at(item, "name"), "arguments": at(item, "arguments")})
            else:
                answer["content"] = at(item, "content") or answer["content"]
        elif kind == "function_call_output":
            answer = None
            found.append({"role": "tool", "tool_call_id": at(item, "call_id"), "content": at(item, "output")})
        elif is_object(item) and isinstance(role, str):
            answer = None
            found.append(item)
    return found
