"""The one line that stands in the place of a result: what it was, and how to have it again."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.budgets.message import ToolRequest

__all__ = ["also_line", "batch_text", "cleared_line", "same_line"]

_NAME = 40
_ARGUMENTS = 48
_LONG = 400


def cleared_line(handle: str, *, others: int = 0, failed: bool = False) -> str:
    """In the place of a result that was cleared, or of the first of a batch: how to read it back.

    No more than that: the call with its arguments stands right above, and the line is paid in every later prompt.

    Args:
        handle: by which it is read back.
        others: how many results further down were cleared with it, whose lines say no more than that.
        failed: the result was an error.
    """
    also = f" with {others} below" if others else ""
    return f'[cleared{" error" if failed else ""}{also}: read_result("{handle}")]'


def also_line(*, failed: bool) -> str:
    """In the place of a result that was cleared with one further up, and is read back by that one's handle."""
    return "[cleared error]" if failed else "[cleared]"


def batch_text(results: Sequence[tuple[ToolRequest, str]]) -> str:
    """What is kept of results that were cleared together: a line with its call in front of each, one alone as it is."""
    if len(results) == 1:
        return results[0][1]
    return "\n".join(f"=== {_line(c.name, _NAME)}({_line(c.arguments, _LONG)}) ===\n{text}" for c, text in results)


def same_line(earlier: ToolRequest) -> str:
    """In the place of a result that says what the result of an `earlier` call, still in sight, says."""
    return f"[same result as {_line(earlier.name, _NAME)}({_line(earlier.arguments, _ARGUMENTS)}) above]"


def _line(text: str, length: int) -> str:
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else f"{line[:length]}…"
