"""What LangChain asks its caches: a prompt as JSON or text, and a string for the model and its settings."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from langchain_core.messages import messages_from_dict

from leanloop.adapters.langchain.messages import from_langchain
from leanloop.budgets.message import Message
from leanloop.plugins.call import ModelCall

__all__ = ["asked_of"]

_TEMPERATURE = re.compile(r"\('temperature', ([^,()]{1,32})\)")


def asked_of(prompt: str, llm_string: str) -> ModelCall:
    """The neutral call.

    The messages of a chat model are read as what they are, so that ids, usage and metadata make no other call; no
    class is loaded by its name. Any other prompt is one text, which only the very same text equals: it is instructions
    and question in one, and texts that share their instructions are alike whatever they ask.
    """
    messages = _messages(prompt)
    temperature = _temperature(llm_string)
    return ModelCall(
        model="",
        messages=(Message("system", prompt),) if messages is None else messages,
        settings=lambda: {"of": llm_string, "chat": messages is not None, "temperature": temperature},
    )


def _messages(prompt: str) -> tuple[Message, ...] | None:
    """The messages in ``langchain_core.load.dumps`` of a list of them; None where it is no such list."""
    if not prompt.startswith("["):
        return None
    try:
        parts: object = json.loads(prompt)
        if not isinstance(parts, list) or not parts:
            return None
        told = [_fields(part) for part in cast("list[object]", parts)]
        return tuple(from_langchain(message) for message in messages_from_dict(told))
    except (ValueError, TypeError, KeyError, RecursionError):  # pydantic's ValidationError is a ValueError
        return None


def _fields(part: object) -> dict[str, Any]:
    match part:
        case {"lc": 1, "type": "constructor", "kwargs": {"type": str(kind)}}:
            fields = cast("dict[str, dict[str, object]]", part)["kwargs"]
            return {"type": kind, "data": {**fields, "id": None}}
        case _:
            raise ValueError


def _temperature(llm_string: str) -> float | None:
    """That of the call, else that of the model; None where none was set, or several are told."""
    try:
        said: tuple[object, int] = json.JSONDecoder().raw_decode(llm_string)
    except (ValueError, RecursionError):
        said = None, 0
    head, end = said
    told = set(_TEMPERATURE.findall(llm_string, end))
    match head:
        case {"kwargs": {"temperature": int() | float() as own}} if not told:
            told = {str(own)}
        case _:
            pass
    try:
        return float(told.pop()) if len(told) == 1 else None
    except ValueError:
        return None
