"""Whether the answer to one question may be given to another that is worded differently."""

from __future__ import annotations

import re

from leanloop.plugins.cache.checks import CHECKS
from leanloop.plugins.cache.normalise import LONGEST, normalised
from leanloop.plugins.cache.question.comparison import compare
from leanloop.plugins.cache.question.reading import Unreadable, read

__all__ = ["POLICY", "verify"]

_WORDS = re.compile(r"\w+")

POLICY = "3"
"""The version of what is checked: what was measured with another one says nothing about this one."""


def verify(asked: str, known: str) -> str | None:
    """Why the answer to `known` may not be given to `asked`; None where it may.

    An embedding finds the candidate; this decides, by the words alone, and what cannot be checked may not be given:
    a long text, a script or a language that is not known, a word that nothing in the other answers to. The reason is
    for logs and reports and quotes words of both texts. Never raises, whatever the texts.
    """
    if len(asked) > LONGEST or len(known) > LONGEST:
        return "it is too long to be checked"
    mine, theirs = normalised(asked), normalised(known)
    if mine is None or theirs is None:
        return "there is nothing to be checked"
    if mine == theirs:
        return None
    first, second = read(asked), read(known)
    if isinstance(first, Unreadable):
        return first.why
    if isinstance(second, Unreadable):
        return second.why
    if first.lexicon is not second.lexicon:
        return f"languages: {first.lexicon.language} and {second.lexicon.language}"
    both = compare(first, second)
    why = next((why for check in CHECKS if (why := check(both)) is not None), None)
    if why is None and _WORDS.findall(mine.lower()) == _WORDS.findall(theirs.lower()):
        return "signs or capitals that typing does not explain"  # .NET and NET, Polish and polish
    return why
