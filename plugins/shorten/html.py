"""Web pages as their text: headings, lists, tables and where links lead; no scripts, styles or navigation."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import lower_case
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import part_starts, relevance
from leanloop.plugins.shorten.xml_text import xml_lines

__all__ = ["page_lines", "shorten_html"]

_NO_TEXT = (
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "iframe",
    "object",
    "canvas",
    "nav",
    "footer",
    "aside",
    "dialog",
)
_BLOCKS = (
    "p,div,section,article,main,header,form,fieldset,blockquote,pre,ul,ol,dl,dt,dd,table,caption,tr,figure,figcaption,"
    "details,summary,hr,br,option,address"
)
_BREAK = "\x02"  # our line breaks: those of the source are only blanks
_DEEPEST = 2_000_000  # characters beyond which a page is cut, at the end of a tag where there is one near
_LONGEST_LINK = 200
_MOST_LINKS = 20_000


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
        Group(best, 0.6),
        Group(range(len(lines)), 0.85),
        Group(headings, 0.95),
        Group(range(len(lines) - 1, -1, -1), 1.0),
    ]
    shown, kept = fit(parts, groups, room)
    return Shown(shown, f"{len(kept):,} of {len(lines):,} lines of {noun}") if shown else None


def _near(number: int, lines: Sequence[str]) -> range:
    return range(number, min(number + 3, len(lines)))


def page_lines(text: str) -> list[str]:
    """The text of a page, a block a line. Parsed by Lexbor (selectolax) as browsers do, whatever is wrong with it."""
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(text.encode("utf-8", "replace"))
    body = page.body
    if body is None:
        return []
    title = page.css_first("title")
    page.strip_tags(list(_NO_TEXT))
    for node in page.css("pre,textarea"):
        for inner in node.traverse(include_text=True):
            if inner.tag == "-text":
                inner.replace_with((inner.text_content or "").replace("\n", _BREAK))
    for node in page.css(_BLOCKS):
        node.insert_before(_BREAK)
        node.insert_after(_BREAK)
    for node in page.css("li"):
        node.insert_before(f"{_BREAK}- ")
    for node in page.css("td,th"):
        node.insert_before(" | ")
    for level in range(1, 7):
        for node in page.css(f"h{level}"):
            node.insert_before(f"{_BREAK}{'#' * level} ")
            node.insert_after(_BREAK)
    for node in page.css("a[href]")[:_MOST_LINKS]:
        href = (node.attributes.get("href") or "").strip()
        if href and not href.startswith(("#", "javascript:", "data:")):
            node.insert_after(f" ({href[:_LONGEST_LINK]})")
    for node in page.css("img[alt]"):
        if alt := (node.attributes.get("alt") or "").strip():
            node.insert_before(f"[image: {alt}]")
    lines = [line for part in body.text().split(_BREAK) if (line := " ".join(part.split()).removeprefix("| "))]
    lines = [line for line in lines if line not in ("-", "|")]
    name = " ".join(title.text().split()) if title is not None else ""
    return [f"# {name}", *lines] if name else lines
