"""Cognitive tools by a protocol in the text, for models that cannot call tools.

The model writes::

    @think examine_answer
    question: How many ...
    reasoning: First ...
    @end

A mark counts at the beginning of a line only, whatever list or quotation marks stand before it. What stands behind the
first call is not read: it is what the model imagines the answer to be.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leanloop.budgets.json_text import json_text
from leanloop.plugins.scaffold.tool import CognitiveTool

__all__ = ["Written", "instructions", "result_text", "without_protocol", "written"]

_BEGIN = re.compile(r"^[ \t>*#`-]{0,12}@think\b[ \t:`*(\"']{0,6}([A-Za-z0-9_-]{0,64})", re.IGNORECASE)
_END = re.compile(r"^[ \t>*#`-]{0,12}@end\b", re.IGNORECASE)
_INPUT = re.compile(r"^[ \t>*#`\"'-]{0,12}([A-Za-z][A-Za-z0-9_]{0,63})[\"'*`]{0,4}[ \t]{0,3}[:=][ \t]?(.*)$", re.DOTALL)
_RESULT = re.compile(r"^[ \t>*#`-]{0,12}@thought\b", re.IGNORECASE)

_MOST = 400_000
"""Characters of an answer that are looked through for a call; calls come early, and no answer is as long."""


class Written(NamedTuple):
    """A call in a text: the tool's name as written, its arguments in JSON, and the text up to its end."""

    name: str
    arguments: str
    upto: str


def instructions(tools: Sequence[CognitiveTool]) -> str:
    """How the model calls the tools: what stands in its system prompt."""
    lines = [f"- {tool.name}: {tool.description}" for tool in tools]
    example = tools[0]
    inputs = [f"{name}: ({what})" for name, what in example.inputs.items()]
    others = {tool.name: ", ".join(tool.inputs) for tool in tools[1:] if tool.inputs.keys() != example.inputs.keys()}
    takes = [f"{name} takes {what}." for name, what in others.items()]
    lines = [
        "You may stop at any point and have a thinking tool used. It sees nothing but what you write into it:",
        *lines,
        "To use one, write exactly this, and nothing behind it:",
        f"@think {example.name}",
        *inputs,
        "@end",
        *takes,
        "You are then given what it says, and go on. Use none where the question is plain.",
        "Your answer has none of these lines.",
    ]
    return "\n".join(lines)


def written(text: str, tools: Mapping[str, CognitiveTool]) -> Written | None:
    """The first call in a text; None where there is none. One step over each line, whatever the text."""
    lines = text[:_MOST].split("\n")
    start, found = next(((at, hit) for at, line in enumerate(lines) if (hit := _BEGIN.match(line))), (0, None))
    if found is None:
        return None
    end = start + 1
    while end < len(lines) and not (_END.match(lines[end]) or _BEGIN.match(lines[end]) or _RESULT.match(lines[end])):
        end += 1
    body = [lines[start][found.end() :].lstrip(" \t`*)\"':"), *lines[start + 1 : end]]
    closed = [*lines[start:end], "@end"]
    name = found[1].lower().replace("-", "_")
    tool = tools.get(name)
    arguments = json_text(_inputs(body, tool)) if tool is not None else "{}"
    return Written(name, arguments, "\n".join([*lines[:start], *closed]))


def _inputs(lines: Sequence[str], tool: CognitiveTool) -> dict[str, str]:
    """The inputs by name. What stands before the first of them is that of a tool that takes one."""
    parts: dict[str, list[str]] = {}
    current = next(iter(tool.inputs))
    for line in lines:
        found = _INPUT.match(line)
        name = found[1].lower() if found is not None else ""
        if found is not None and name in tool.inputs and name not in parts:
            current = name
            parts[current] = [found[2]]
        elif current in parts or line.strip():
            parts.setdefault(current, []).append(line)
    return {name: "\n".join(part).strip() for name, part in parts.items()}


def result_text(name: str, result: str) -> str:
    """What the model is given for its call."""
    return f"@thought {name}\n{result}\n@end"


def without_protocol(text: str) -> str:
    """A text without calls and what looks like their results, for whoever reads the answer.

    One that is not ended goes to the next empty line: what is behind it may be the answer. An end without a beginning
    stays, as it does in programs of Objective-C.
    """
    if "@" not in text:
        return text
    lines = text.split("\n")
    ends = [at for at, line in enumerate(lines) if _END.match(line)]
    kept: list[str] = []
    at = 0
    while at < len(lines):
        if _BEGIN.match(lines[at]) or _RESULT.match(lines[at]):
            at = _end_of(lines, at, ends)
        else:
            kept.append(lines[at])
        at += 1
    return text if len(kept) == len(lines) else "\n".join(kept).strip()


def _end_of(lines: Sequence[str], start: int, ends: Sequence[int]) -> int:
    """The last line of what begins at `start`."""
    found = bisect_right(ends, start)
    if found < len(ends):
        return ends[found]
    return next((at for at in range(start + 1, len(lines)) if not lines[at].strip()), len(lines))
