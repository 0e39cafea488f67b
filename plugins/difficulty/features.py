"""What can be seen of a question without understanding it: its length, numbers, code, structure, and what failed."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["MOST_CHARS", "Features", "cut", "features_of"]

MOST_CHARS = 2_000
"""Of a text this much is looked at: three quarters from its beginning, where the task stands, the rest from its end."""

_NUMBER = re.compile(r"\d+")
_CODE = re.compile(r"```|[;{}] *\n|\b(?:def|class|return|import|function|SELECT|var|const) ")
_LISTED = re.compile(r"^[ \t]{0,8}(?:[-*|•]|\d{1,3}[.)]) ", re.MULTILINE)
_WORKED_OUT = re.compile(
    r"\b(?:how (?:many|much|long|far|often)|calculat|comput|solve|prove|deriv|probabilit|why\b|wie ?viele?|berechn"
    r"|warum|beweis|combien|calcul|pourquoi|cu[áa]nt|por qué)|= *\?|[≤≥∑∫]",
    re.IGNORECASE,
)
"""Words of questions that are worked out rather than looked up, in four languages; and signs of formulas."""


class Features(NamedTuple):
    """What can be seen of a question.

    Attributes:
        length: 0 to 3: below 120, 400 or 1,200 characters, or more.
        numbers: 0 to 2: none, up to 7, or more.
        code: there is code in it.
        lists: it has several lines of a list or a table.
        foreign: its letters are mostly not Latin.
        worked_out: it asks for something to be calculated, proven or explained.
        failed: 0 to 2: that many tool calls of this turn ended in an error, or more.
    """

    length: int = 0
    numbers: int = 0
    code: bool = False
    lists: bool = False
    foreign: bool = False
    worked_out: bool = False
    failed: int = 0

    @property
    def bucket(self) -> str:
        """A name for questions that look alike, which says nothing else of them."""
        marks = {
            "code": self.code,
            "foreign": self.foreign,
            "failed": self.failed == 1,
            "failed-again": self.failed > 1,
        }
        words = (_LENGTHS[self.length], _NUMBERS[self.numbers], *(name for name, has in marks.items() if has))
        return ".".join(filter(None, words))

    @property
    def odds(self) -> float:
        """By how much the odds that more thinking pays differ before anything is known of questions like it.

        A small prior: what is worked out, calculated or programmed gains from thinking before what is recalled does
        (RouteLLM's MT-Bench data: sending coding, mathematics and reasoning to the dearer model first recovers 0.748
        of the gap, chance 0.5, prompt length 0.548), and what has failed before fails again.
        """
        odds = (1.0, 1.1, 1.25)[self.numbers] * (1.25 if self.code else 1.0) * (1.25 if self.worked_out else 1.0)
        return odds * (1.0, 1.5, 2.0)[self.failed]


_LENGTHS = ("short", "medium", "long", "very-long")
_NUMBERS = ("", "numbers", "many-numbers")


def features_of(text: str, failed: int = 0) -> Features:
    """Of a text that was cut; linear in it."""
    letters = sum(map(str.isalpha, text))
    latin = sum(map(_is_latin, text))
    numbers = sum(1 for _ in _NUMBER.finditer(text))
    return Features(
        length=sum(len(text) >= edge for edge in (120, 400, 1_200)),
        numbers=(numbers > 0) + (numbers > 7),
        code=_CODE.search(text) is not None,
        lists=sum(1 for _ in _LISTED.finditer(text)) >= 3,
        foreign=2 * latin < letters,
        worked_out=_WORKED_OUT.search(text) is not None,
        failed=min(failed, 2),
    )


def cut(text: str) -> str:
    """What is looked at of it."""
    if len(text) <= MOST_CHARS:
        return text
    return text[: MOST_CHARS * 3 // 4] + "\n" + text[-(MOST_CHARS // 4) :]


def _is_latin(char: str) -> bool:
    return char < "\u0250" and char.isalpha()
