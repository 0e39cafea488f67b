"""A text cut into words, numbers, times, signs, and what is compared as it stands: quotes, code, addresses, ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from leanloop.plugins.cache.question.measures import time_of_day

__all__ = ["Token", "tokens"]


@dataclass(slots=True)
class Token:
    """A piece of a text. `said` is in lower case, but for quotes and code; a `target` is what a phrase became."""

    said: str
    kind: Literal["word", "literal", "number", "time", "ordinal", "mark", "sign", "target"]
    capital: bool = False


_TOKEN = re.compile(
    r"""
    (?P<literal>
        `[^`\n]{1,200}` | "[^"\n]{1,200}" | (?<!\w)'[^'\n]{2,200}'(?!\w)
      | (?:https?://|www\.)[^\s<>"]{1,300}
      | [\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}
      | (?:\.{0,2}/)?(?:[\w.-]{1,64}/){1,12}[\w.-]{0,64} | /[\w.-]{1,64}
      | [^\W\d_][\w-]{0,40}(?:\.[^\W\d_][\w-]{0,40}){1,4}(?!\.?\w)
      | \d{4}-\d{2}-\d{2} | \d{1,2}(?P<between>[/.])\d{1,2}(?P=between)\d{2,4}
      | v?\d{1,6}(?:\.\d{1,6}){2,4}[\w.-]{0,20} | v\d{1,6}(?:\.\d{1,6})?
      | \d{4}s\b
      | (?<![\w.])[^\W\d][\w.]{0,64}\(
      | (?<![\w-])--?[^\W\d_][\w-]{0,40}
      | (?<![^\W\d_])(?-i:[KMGTP]i?b(?:ps|/s|its?)?|m(?:[WVAJPM]|Hz|Wh|Ah|Pa))\b
      | [@\#][\w-]{1,64}
    )
  | (?P<time>(?P<hours>\d{1,2})(?:(?::|h)(?P<minutes>\d{2})(?::\d{2})?(?:\s?(?P<half>[ap])\.?m\b\.?)?
      |\s?(?P<half2>[ap])\.?m\b\.?|h\b|\sUhr\b))
  | (?P<ordinal>\d{1,9}(?:st|nd|rd|th|º|ª|ème|ère|er|e)\b)
  | (?P<number>(?<![\w.])[-+]?\d{1,3}(?:[ ']\d{3})+(?![\d\w]) | (?:(?<![\w)])-)?\d{1,30}(?:[.,]\d{1,30}){0,8}(?!\w)
      | \d{1,30}(?:[.,]\d{1,30})?(?=(?:km|cm|mm|mg|kg|g|ml|l|gb|mb|tb|kb|go|mo|mph|kmh|hz|ghz|mhz|kwh|kw|min|h|s|m
        |px|ft|lb|oz|c|f)\b))
  | (?P<id>[^\W_]{1,40}(?:[-_][^\W_]{1,40}){0,6})
  | (?P<mark>[,.;:?!()…\n])
  | (?P<sign>[^\s\w]|_)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HAS_DIGIT = re.compile(r"\d")
_DIFFERENCE = re.compile(r"[^\W\d_](?:-[^\W\d_])+")
_ACRONYMS = frozenset({"US", "IT", "WHO", "AIDS"})
"""Small words, were they written small."""
_INNER = re.compile(r"[^\W_]+")


def tokens(text: str) -> Iterator[Token]:
    """What a text is made of, from left to right."""
    shouted = text == text.upper()
    for found in _TOKEN.finditer(text):
        said = found[0]
        kind = found.lastgroup
        if found["time"]:
            moment = time_of_day(found["hours"], found["minutes"], found["half"] or found["half2"])
            yield Token(f"t{moment}" if moment else said, "time" if moment else "literal")
        elif found["literal"]:
            as_written = (
                said[0] in "`-./~" or said.count("/") > 1 or said[-1] == "(" or (len(said) < 6 and "." not in said)
            )
            yield Token(said[1:-1].strip() if said[0] in "\"'" else said if as_written else said.casefold(), "literal")
        elif found["ordinal"]:
            yield Token("#" + "".join(char for char in said if char.isdigit()), "ordinal")
        elif found["number"]:
            yield Token(said, "number")
        elif found["id"]:
            yield from _words(said, shouted=shouted)
        elif found["mark"]:
            yield Token(said, "mark")
        elif kind == "sign":
            yield Token(said, "sign")


def _words(said: str, *, shouted: bool) -> Iterator[Token]:
    """The parts of a hyphenated word; whole, where digits make it an id, or single letters a difference ("a-b")."""
    if _HAS_DIGIT.search(said) or _DIFFERENCE.fullmatch(said):
        yield Token(said.casefold(), "literal")
        return
    if said in _ACRONYMS and not shouted:
        yield Token(said, "literal")
        return
    for part in _INNER.findall(said):
        yield Token(part.casefold().replace("œ", "oe"), "word", part[0].isupper())
