"""XML as lines of names and texts, without a parser: nothing is expanded, nothing is fetched."""

from __future__ import annotations

import re
from html import unescape

__all__ = ["xml_lines"]

_PART = re.compile(
    r"<!\[CDATA\[(?P<data>.*?)(?:\]\]>|\Z)"
    r"|<!--.*?(?:-->|\Z)"
    r"|<(?P<end>/?)(?P<name>[^\W\d][\w:.-]*+)(?P<rest>[^<>]*+)>"
    r"|<[!?/][^<>]*+>"
    r"|(?P<text>[^<]++)|<+(?=<)|<",
    re.DOTALL,
)
_MARKUP = re.compile(r"<[^<>]{1,2000}+>")


def xml_lines(text: str) -> list[str]:
    """One line an element that says something: ``title: Some news``, ``link href="https://..."``."""
    lines: list[str] = []
    names: list[str] = []
    for part in _PART.finditer(text):
        name = part["name"]
        if name:
            if part["end"]:
                if names:
                    names.pop()
            else:
                rest = part["rest"].strip()
                if not rest.endswith("/"):
                    names.append(name)
                attributes = " ".join(rest.rstrip("/").split())
                if attributes and not attributes.startswith("xmlns"):
                    lines.append(f"{name} {unescape(attributes)}")
            continue
        said = part["data"] or part["text"]
        if said and not said.isspace():
            said = " ".join(_MARKUP.sub(" ", unescape(said)).split())
            lines.append(f"{names[-1]}: {said}" if names else said)
    return lines
