"""Tokens the tools of a call add to its prompt.

OpenAI's cookbook gives a formula for flat schemas ("How to count tokens with tiktoken", section 7,
https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken); how nested schemas are
written into the prompt is published by nobody. So a tool counts as the larger of the formula and the
tokens of its definition as compact JSON, which holds every word a provider could put in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from leanloop.budgets.message import ToolSpec
from leanloop.errors import UsageError

__all__ = ["tool_tokens"]

_EACH_TOOL = 10  # the cookbook: 7 for gpt-4o, 10 for gpt-4 and gpt-3.5
_ALL_TOOLS = 12
_PROPERTIES, _PROPERTY = 3, 3
_ENUM, _ENUM_ITEM = -3, 3
# Anthropic puts a system prompt of its own before the tools: 346 tokens for Claude 4 models, 530 for Claude 3 Opus.
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview ("Pricing")
_CLAUDE, _CLAUDE_3_OPUS = 346, 530


def tool_tokens(tools: Sequence[ToolSpec], model: str, count: Callable[[str], int]) -> int:
    """Tokens of all tools of a call; 0 without tools.

    Args:
        tools: the tools of the call.
        model: the model's name; some providers add instructions of their own.
        count: gives the tokens of a text.

    Raises:
        UsageError: where a tool's parameters cannot be written as JSON, so that no call could carry them.
    """
    if not tools:
        return 0
    name = model.lower()
    overhead = 0
    if "claude" in name:
        overhead = _CLAUDE_3_OPUS if "claude-3-opus" in name else _CLAUDE
    return overhead + _ALL_TOOLS + sum(_one(tool, count) for tool in tools)


def _one(tool: ToolSpec, count: Callable[[str], int]) -> int:
    definition = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    try:
        written = json.dumps(definition, ensure_ascii=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        problem = f"The parameters of the tool {tool.name!r} cannot be written as JSON, so its tokens cannot be counted"
        raise UsageError(
            f"{problem}: {type(error).__name__}. Give a plain JSON Schema of dicts, lists and text."
        ) from error
    return max(_by_formula(tool, count), _EACH_TOOL + count(written))


def _by_formula(tool: ToolSpec, count: Callable[[str], int]) -> int:
    tokens = _EACH_TOOL + count(f"{tool.name}:{tool.description.removesuffix('.')}")
    properties = _mapping(tool.parameters.get("properties"))
    if properties:
        tokens += _PROPERTIES
    for key, value in properties.items():
        schema = _mapping(value)
        description = str(schema.get("description", "")).removesuffix(".")
        tokens += _PROPERTY + count(f"{key}:{schema.get('type', '')}:{description}")
        choices = schema.get("enum")
        if isinstance(choices, list | tuple):
            tokens += _ENUM + sum(_ENUM_ITEM + count(str(item)) for item in cast("Iterable[object]", choices))
    return tokens


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _plain(value: object) -> object:
    """What json cannot write by itself: other mappings as objects, the rest as text."""
    return dict(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else str(value)
