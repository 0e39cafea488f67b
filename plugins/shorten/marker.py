"""The one line above a shortened result: what is shown, of how much, and how to get the rest."""

from __future__ import annotations

import re

__all__ = ["handle_in", "marker"]

_MOST = 600  # characters of what is shown

_MARKER = re.compile(
    r"\[shortened: .{1,1000}; the rest: read_result\(\"(r[a-z2-7]{12})\", \.\.\.\) by lines, search or path\]"
)


def marker(what: str, tokens: int, handle: str | None) -> str:
    """The line, without its end.

    Args:
        what: what is shown, as the shortener says it.
        tokens: about how many the whole has.
        handle: what the whole is read back by; None where it was not kept.
    """
    rest = (
        "the rest was not kept"
        if handle is None
        else f'the rest: read_result("{handle}", ...) by lines, search or path'
    )
    said = " ".join(what.split())
    return f"[shortened: {said if len(said) <= _MOST else said[:_MOST] + '...'} (about {tokens:,} tokens); {rest}]"


def handle_in(text: str) -> str | None:
    """The handle in the line above a shortened result; None where the text begins with no such line."""
    found = _MARKER.match(text.partition("\n")[0][:2000])
    return found[1] if found else None
