"""Any text by its lines: the first, the last, and those that answer the task's words."""

from __future__ import annotations

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import as_shown, split_lines
from leanloop.plugins.shorten.shown import Room, Shown

__all__ = ["shorten_prose"]


def shorten_prose(text: str, room: Room) -> Shown | None:
    """Head and tail of a text."""
    lines = split_lines(as_shown(text))
    size = len(lines)
    longest = max(80, room.tokens)
    parts = Parts(size, lambda at: clamp(lines[at], longest, room.words), lambda a, b: f"[... {a + 1}-{b + 1}]")
    groups = [Group(range(size), 0.5), Group(range(size - 1, -1, -1), 1.0)]
    shown, kept = fit(parts, groups, room)
    return Shown(shown, f"{len(kept):,} of {size:,} lines")
