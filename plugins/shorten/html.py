"""Web pages and XML as their text: its beginning, what answers the task, the headings of the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.error_lines import error_lines
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import lower_case, without_digits
from leanloop.plugins.shorten.odd import odd_lines
from leanloop.plugins.shorten.page import page_lines
from leanloop.plugins.shorten.shell_errors import shell_errors
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import part_starts, relevance
from leanloop.plugins.shorten.xml_text import xml_lines

__all__ = ["shorten_html"]

_ROOT = re.compile(r"\s*+(?:<[?!][^<>]*+>\s*+){0,9}<([A-Za-z_][\w:.-]*+)")
_OF_PAGES = frozenset(
    (
        *("html", "head", "body", "main", "div", "p", "span", "a", "table", "tbody", "thead", "tr", "td", "th", "ul"),
        *("ol", "li", "dl", "section", "article", "header", "footer", "nav", "aside", "form", "img", "br", "hr", "pre"),
        *("code", "h1", "h2", "h3", "h4", "h5", "h6", "b", "i", "em", "strong", "center", "blockquote", "script"),
        *("style", "link", "meta", "title", "noscript", "input", "button"),
    )
)
_ODDEST = 3


def shorten_html(text: str, room: Room) -> Shown | None:
    """A page, or XML such as a feed; None where no text is in it."""
    is_xml = _is_xml(text)
    lines = xml_lines(text) if is_xml else page_lines(text)
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
    failed = [one.line for one in error_lines(lines, without_digits(lines)) if one.certain] if is_xml else []
    headings = [number for number, line in enumerate(lines) if line.startswith("#")]
    longest = max(200, room.tokens)
    parts = Parts(
        len(lines), lambda at: clamp(lines[at], longest, room.words), lambda a, b: f"[... {b - a + 1:,} lines]"
    )
    groups = [
        Group(range(min(2, len(lines))), 0.2),
        Group([len(lines) - 1, *shell_errors(lines)], 0.3),
        Group(best, 0.6),
        Group(chain.from_iterable((at, at - 1) for at in failed if at), 0.75),
        Group(odd_lines(lines)[:_ODDEST], 0.8),
        Group(range(len(lines)), 0.85),
        Group(headings, 0.95),
        Group(range(len(lines) - 1, -1, -1), 1.0),
    ]
    shown, kept = fit(parts, groups, room)
    return Shown(shown, f"{len(kept):,} of {len(lines):,} lines of {noun}") if shown else None


def _is_xml(text: str) -> bool:
    start = _ROOT.match(text[:2000])
    return start is not None and start[1].lower() not in _OF_PAGES and "<html" not in text[:2000].lower()


def _near(number: int, lines: Sequence[str]) -> range:
    return range(number, min(number + 3, len(lines)))
