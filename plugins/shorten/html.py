"""Web pages and XML as their text: its beginning, what answers the task, the headings of the rest."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import lower_case
from leanloop.plugins.shorten.page import page_lines
from leanloop.plugins.shorten.shell_errors import shell_errors
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import part_starts, relevance
from leanloop.plugins.shorten.xml_text import xml_lines

__all__ = ["shorten_html"]


def shorten_html(text: str, room: Room) -> Shown | None:
    """A page, or XML such as a feed; None where no text is in it."""
    is_xml = text[:500].lstrip().startswith(("<?xml", "<rss", "<feed"))
    lines = xml_lines(text) if is_xml and "<html" not in text[:2000].lower() else page_lines(text)
    if not lines:
        return None
    noun = "the XML's text" if is_xml else "the page's text"
    whole = "\n".join(lines)
    if len(whole) <= room.tokens * 40 and room.count(whole) <= room.tokens:
        return Shown(whole, f"all of {noun}")
    starts = part_starts(lines)
    answers = relevance(lower_case(whole), starts, room.words)
    best = [
        near for number in sorted(answers, key=lambda one: (-answers[one], one))[:80] for near in _near(number, lines)
    ]
    headings = [number for number, line in enumerate(lines) if line.startswith("#")]
    longest = max(200, room.tokens)
    parts = Parts(
        len(lines), lambda at: clamp(lines[at], longest, room.words), lambda a, b: f"[... {b - a + 1:,} lines]"
    )
    groups = [
        Group(range(min(2, len(lines))), 0.2),
        Group([len(lines) - 1, *shell_errors(lines)], 0.3),
        Group(best, 0.6),
        Group(range(len(lines)), 0.85),
        Group(headings, 0.95),
        Group(range(len(lines) - 1, -1, -1), 1.0),
    ]
    shown, kept = fit(parts, groups, room)
    return Shown(shown, f"{len(kept):,} of {len(lines):,} lines of {noun}") if shown else None


def _near(number: int, lines: Sequence[str]) -> range:
    return range(number, min(number + 3, len(lines)))
