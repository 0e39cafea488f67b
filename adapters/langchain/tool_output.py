"""What the body of a LangChain tool gives, as a neutral result, and a text that a plugin put in its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.messages.tool import ToolOutputMixin
from langchain_core.tools import BaseTool

from leanloop.adapters.langchain.changed import with_text
from leanloop.adapters.langchain.messages import Transcript, from_langchain
from leanloop.adapters.langchain.tool_call import Outcome, outcome_of, result_of
from leanloop.budgets.message import Changed
from leanloop.plugins.call import ToolCall, ToolResult

__all__ = ["output_of", "result_from"]

_NOTHING = object()
"""What a result has in `raw` whose tool gave None."""


def result_from(tool: BaseTool, output: object, call: ToolCall) -> ToolResult:
    """The neutral result: the text the model is going to be shown of it."""
    if _is_outcome(output):
        return result_of(cast("Outcome", output), call, Transcript())
    content, artifact = _parts(tool, output)
    message = _message(content)
    text = _plain(content) if message is None else from_langchain(message).text
    plain = isinstance(content, str) and artifact is None
    return ToolResult(text, plain=plain, raw=_NOTHING if output is None else output)


def output_of(tool: BaseTool, result: ToolResult, call: ToolCall) -> object:
    """The tool's own output where no plugin changed it, a copy with another text, or a plugin's text alone."""
    raw = result.raw
    if not isinstance(raw, Changed):
        if raw is None:
            return _whole(tool, result.text, None)
        return None if raw is _NOTHING else raw
    output = raw.raw
    if _is_outcome(output):
        return outcome_of(result, call)
    content, artifact = _parts(tool, output)
    message = _message(content)
    return _whole(tool, result.text if message is None else with_text(message, result.text).content, artifact)


def _parts(tool: BaseTool, output: object) -> tuple[object, object]:
    """Content and artifact."""
    whole: tuple[object, object] = (output, None)
    pair = cast("tuple[object, ...]", output) if isinstance(output, tuple) else ()
    return (pair[0], pair[1]) if tool.response_format == "content_and_artifact" and len(pair) == 2 else whole


def _whole(tool: BaseTool, content: object, artifact: object) -> object:
    return (content, artifact) if tool.response_format == "content_and_artifact" else content


def _message(content: object) -> BaseMessage | None:
    """Text or content blocks as a message; None for what LangChain will write down as JSON."""
    if isinstance(content, str):
        return ToolMessage(content, tool_call_id="")
    blocks = cast("Sequence[object]", content) if isinstance(content, list | tuple) else ()
    if blocks and all(isinstance(block, str) or (isinstance(block, dict) and "type" in block) for block in blocks):
        return ToolMessage(list(cast("Sequence[str | dict[object, object]]", blocks)), tool_call_id="")
    return None


def _plain(content: object) -> str:
    """As LangChain writes down what is no message content (``_stringify`` of its tools)."""
    try:
        return json.dumps(content, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(content)


def _is_outcome(output: object) -> bool:
    parts = cast("list[object]", output) if isinstance(output, list) else [output]
    return bool(parts) and all(isinstance(part, ToolOutputMixin) for part in parts)
