"""The text of a web page: headings, lists, tables and where links lead; no scripts, styles or navigation.

Its own scanner and no parser: what the standard says of unclosed tags and repeated attributes makes parsers quadratic.
A page of 1 MB that is one tag of many attributes, or tags that are never closed, took Lexbor 22 s and 48 s, and libxml2
11 s. Text needs no tree.
"""

from __future__ import annotations

import re
from html import unescape

__all__ = ["page_lines"]

# Linear, though the values of attributes may hold "<" and ">": a quote takes the three states of a tag (outside of
# quotes, inside of one sort, inside of the other) to three different states again, so that of all the places where
# tags may begin no more than three can be alive at any place behind them.
_ATTRIBUTES = r"(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+"
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)"
    rf"|<(?P<raw>script|style)\b{_ATTRIBUTES}>.*?(?:</(?P=raw)\b[^<>]*+>|\Z)"
    rf"|<(?P<end>/?)(?P<name>[a-z][\w:-]*+)(?P<rest>{_ATTRIBUTES})>"
    r"|<[!?/][^<>]*+>?"
    r"|(?P<text>[^<]++|<+(?=<)|<)",  # "<" that begin no tag, many in a row as one token
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"\b(href|alt|src)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))", re.IGNORECASE)
_LEFT_OUT = frozenset(("noscript", "template", "svg", "iframe", "object", "canvas", "nav", "footer", "aside"))
_LINES = frozenset((
    "address", "article", "blockquote", "body", "br", "caption", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "form", "header", "hr", "html", "legend", "main", "ol", "option", "p", "pre", "section",
    "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
))  # fmt: skip
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)} | {"title": "# "}
_NOWHERE = ("#", "javascript:", "data:")
_LONGEST_LINK = 200
_LONGEST_TAG = 4_000  # characters of a tag that are looked at


def page_lines(text: str) -> list[str]:
    """The text of a page, a block a line; never raises, whatever is wrong with the page."""
    page = _Page(_LEFT_OUT)
    page.read(text)
    if page.is_open or not page.lines:  # navigation that never ends would be all of the page
        whole = _Page(frozenset())
        whole.read(text)
        return whole.lines
    return page.lines


class _Page:
    def __init__(self, left_out: frozenset[str]) -> None:
        self.lines: list[str] = []
        self._left_out = left_out
        self._within: list[str] = []  # elements that are left out, open
        self._line: list[str] = []
        self._links: list[str] = []
        self._as_is = False

    @property
    def is_open(self) -> bool:
        return bool(self._within)

    def read(self, text: str) -> None:
        for token in _TOKEN.finditer(text):
            said = token["text"]
            if said is not None:
                if not self._within:
                    self._say(said)
            elif token["name"]:
                name = token["name"].lower()
                if name in self._left_out:
                    self._leave_out(name, end=bool(token["end"]))
                elif not self._within:
                    self._tag(name, token["rest"], end=bool(token["end"]))
        self._end_line()

    def _leave_out(self, name: str, *, end: bool) -> None:
        if not end:
            self._within.append(name)
        elif name in self._within:
            while self._within.pop() != name:
                pass

    def _say(self, said: str) -> None:
        if "&" in said:
            said = unescape(said)
        if self._as_is and "\n" in said:
            for line in said.split("\n"):
                self._line.append(line)
                self._end_line()
        else:
            self._line.append(said)

    def _tag(self, name: str, rest: str, *, end: bool) -> None:
        if name in _LINES:
            self._end_line()
            if name == "pre":
                self._as_is = not end
        elif name in _HEADINGS:
            self._begin_line("" if end else _HEADINGS[name])
        elif name == "li":
            self._begin_line("" if end else "- ")
        elif name in ("td", "th"):
            if not end:
                self._line.append(" | ")
        elif name == "a":
            self._link(rest, end=end)
        elif name == "img" and (alt := _attribute(rest, "alt")):
            self._line.append(f"[image: {alt}]")

    def _link(self, rest: str, *, end: bool) -> None:
        if not end:
            self._links.append(_attribute(rest, "href"))
        elif self._links:
            link = self._links.pop()
            if link and not link.lower().startswith(_NOWHERE):
                self._line.append(f" ({link[:_LONGEST_LINK]})")

    def _begin_line(self, mark: str) -> None:
        self._end_line()
        if mark:
            self._line.append(mark)

    def _end_line(self) -> None:
        if self._line:
            line = " ".join("".join(self._line).split()).removeprefix("| ")
            self._line.clear()
            if line.strip("#-| "):
                self.lines.append(line)


def _attribute(rest: str, name: str) -> str:
    for found in _ATTRIBUTE.finditer(rest[:_LONGEST_TAG]):
        if found[1].lower() == name:
            return " ".join(unescape(found[2] or found[3] or found[4] or "").split())
    return ""
