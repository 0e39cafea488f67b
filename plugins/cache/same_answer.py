"""Whether two answers to one question say the same, as far as that can be told without a model.

A wrong hit must not pass for a right one; that a right one sometimes counts as wrong only makes the cache serve less.
"""

from __future__ import annotations

import re

from leanloop.budgets.message import Message
from leanloop.plugins.cache.normalise import normalised
from leanloop.plugins.repeats import same_arguments

__all__ = ["says_the_same"]

_FACTS = re.compile(r"\d[\d.,:/-]*\d|\d|(?<![.!?:]\s)(?<!^)\b[A-Z][\w-]+")
_SAID_NO = re.compile(
    r"\b(?:no|not|never|none|cannot|without|n't|nicht|kein\w*|nie|ne|pas|jamais|sin|nunca)\b", re.IGNORECASE
)
_WORD = re.compile(r"\w{4,}")

_SHARE = 0.6
"""Of the longer words of both, so many must be in both; answers of one model to one question share 70 % and more."""


def says_the_same(known: Message, fresh: Message) -> bool:
    """The same tool calls; of texts, the same numbers and names, the same side of no, and mostly the same words."""
    if known.tool_calls or fresh.tool_calls:
        return [(call.name, same_arguments(call.arguments)) for call in known.tool_calls] == [
            (call.name, same_arguments(call.arguments)) for call in fresh.tool_calls
        ]
    one, other = known.text, fresh.text
    if one == other or (normalised(one) or one) == (normalised(other) or other):
        return True
    if set(_FACTS.findall(one)) != set(_FACTS.findall(other)) or bool(_SAID_NO.search(one)) != bool(
        _SAID_NO.search(other)
    ):
        return False
    words = {word.casefold() for word in _WORD.findall(one)}, {word.casefold() for word in _WORD.findall(other)}
    return len(words[0] & words[1]) >= _SHARE * len(words[0] | words[1])
