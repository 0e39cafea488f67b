"""The words of a text that tell where they come from: paths, ids, numbers, names of code."""

from __future__ import annotations

import re

__all__ = ["values_of"]

_WORD = re.compile(r"[\w./:@#+-]+")
_ESCAPE = re.compile(r"\\.")
_AT_ENDS = "./:@#+-_"
_LOOKED_AT = 100_000
"""Characters of one text: what is shown of a result is hardly ever more."""

_SHORTEST = 3


def values_of(text: str) -> set[str]:
    """Words that a text hardly has by chance, in lower case: with a digit, a mark or a capital in their midst.

    Linear in the length of the text. JSON may be given as it is written: its escapes count as blanks.
    """
    words = (word.strip(_AT_ENDS) for word in set(_WORD.findall(_ESCAPE.sub(" ", text[:_LOOKED_AT]))))
    return {word.lower() for word in words if len(word) >= _SHORTEST and _telling(word)}


def _telling(word: str) -> bool:
    return not word.isalpha() or not (word.islower() or word[1:].islower() or word.isupper())
