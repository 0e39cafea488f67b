"""What a model gives a cognitive tool: read, checked, and kept within bounds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from leanloop.budgets.json_text import json_text
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.shorten.shorten import shorten
from leanloop.plugins.shorten.shown import Room

__all__ = ["Inputs", "inputs_of", "rendered"]

_TOKENS = 4_000
"""Of all inputs of one use. A question and its reasoning take a fraction; more is a history or a paste."""

_LONGEST = 400_000
"""Characters of an input that are looked at."""


class Inputs(NamedTuple):
    """What is given to the tool by name; `missing` are those that are not there, `shortened` those that were cut."""

    given: Mapping[str, str]
    missing: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()


def inputs_of(tool: CognitiveTool, arguments: str, count: Callable[[str], int]) -> Inputs:
    """The inputs in the arguments of a call, JSON as the model wrote it; what the tool does not take is left out.

    A plain text is taken for the input of a tool that has one.
    """
    read = _read(arguments)
    if isinstance(read, dict):
        said = {str(name): value for name, value in cast("dict[object, object]", read).items()}
    else:
        said = {next(iter(tool.inputs)): read} if len(tool.inputs) == 1 else {}
    texts = {name: _text(said.get(name)) for name in tool.inputs}
    missing = tuple(name for name, text in texts.items() if not text)
    room = _TOKENS // len(texts)
    cut = {name: shorten(text, Room(room, count)).text for name, text in texts.items()}
    return Inputs(cut, missing, tuple(name for name, text in cut.items() if text != texts[name]))


def rendered(inputs: Mapping[str, str]) -> str:
    """The inputs as the separate call is given them, each within tags of its name, which none of them can close."""
    closing = re.compile(rf"</(?=\s{{0,8}}(?:{'|'.join(inputs)})\b)", re.IGNORECASE)
    return "\n\n".join(f"<{name}>\n{closing.sub('< /', text)}\n</{name}>" for name, text in inputs.items())


def _read(arguments: str) -> object:
    try:
        return cast("object", json.loads(arguments))
    except (ValueError, RecursionError):
        return arguments


def _text(value: object) -> str:
    if value is None or value in ({}, []):
        return ""
    return (value[:_LONGEST] if isinstance(value, str) else json_text(value)[:_LONGEST]).strip()
