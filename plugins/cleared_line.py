"""The one line that stands in the place of a result: what it was, and how to have it again."""

from __future__ import annotations

from leanloop.budgets.message import Message, ToolRequest

__all__ = ["cleared_line", "same_line"]

_NAME = 40
_ARGUMENTS = 48


def cleared_line(message: Message, tokens: int, handle: str) -> str:
    """In the place of a result that was cleared, `tokens` long.

    Tool and arguments are left out: the call stands right above it, and the line is paid in every later prompt.
    """
    failed = "error, " if message.is_error else ""
    return f'[cleared: {failed}{tokens:,} tokens; read_result("{handle}")]'


def same_line(earlier: ToolRequest) -> str:
    """In the place of a result that says what the result of an `earlier` call, still in sight, says."""
    return f"[same result as {_line(earlier.name, _NAME)}({_line(earlier.arguments, _ARGUMENTS)}) above]"


def _line(text: str, length: int) -> str:
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else f"{line[:length]}…"
