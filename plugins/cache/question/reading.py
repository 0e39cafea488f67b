"""A question as the checks see it: its language, its kind, its tense, and the words that carry its meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from leanloop.plugins.cache.normalise import folded, has_code, opened, without_courtesy
from leanloop.plugins.cache.question.grammar import Grammar
from leanloop.plugins.cache.question.language import language_of
from leanloop.plugins.cache.question.lexicon import Lexicon, lexicon
from leanloop.plugins.cache.question.tokens import Token, tokens
from leanloop.plugins.cache.question.word import Kind, Word

__all__ = ["Reading", "Unreadable", "read"]

_MOST_TOKENS = 80
_OTHER_SCRIPT = re.compile(r"[^\W\d_\u0041-\u024F\u1E00-\u1EFF\u00AA\u00BA\u00B5]")
_ACCENT = re.compile(r"[à-öø-ÿœ]", re.IGNORECASE)

_PARTICIPLE = re.compile(r"\w{0,6}ge\w{2,}(?:t|en)|(?:be|ver|er|ent|zer|miss)\w{2,}t")


@dataclass(frozen=True, slots=True)
class Reading:
    """One question, read.

    Attributes:
        lexicon: of its language.
        question: ``?how``, ``?what`` ..., ``yesno`` or ``plain`` (a request, or a question its words do not show).
        tense: past, future or present, by its auxiliaries.
        words: what carries meaning.
        cased: capital letters mean something in it.
        accented: it has a letter with an accent.
        keys: of the words of each kind, sorted.
    """

    lexicon: Lexicon
    question: str
    tense: str
    words: tuple[Word, ...]
    cased: bool
    accented: bool
    keys: Mapping[Kind, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text that cannot be checked, and why."""

    why: str


@lru_cache(maxsize=2048)
def read(text: str) -> Reading | Unreadable:
    """What there is to check in a text, or why it cannot be checked. Never raises, whatever the text."""
    plain = folded(text)
    if plain is None:
        return Unreadable("it is too long to be checked")
    if has_code(text):
        return Unreadable("it has lines of code in it")
    if _OTHER_SCRIPT.search(plain):
        return Unreadable("its script is not one that can be checked")
    found = list(islice(tokens(without_courtesy(opened(plain))), _MOST_TOKENS + 1))
    if len(found) > _MOST_TOKENS:
        return Unreadable("it has too many words to be checked")
    said = [token.said for token in found if token.kind == "word"]
    language = language_of(said, plain)
    if language is None:
        return Unreadable("its language is not one that can be checked")
    spoken = lexicon(language)
    cased = _cased(found)
    grammar = Grammar(spoken, found, cased=cased)
    keys: dict[Kind, list[str]] = {}
    for word in sorted(grammar.words, key=lambda word: word.key):
        keys.setdefault(word.kind, []).append(word.key)
    return Reading(
        lexicon=spoken,
        question=grammar.question,
        tense=_tense(said, spoken),
        words=tuple(grammar.words),
        cased=cased,
        accented=_ACCENT.search(plain) is not None,
        keys=keys,
    )


def _cased(found: Sequence[Token]) -> bool:
    """Whether some words, but not nearly all of them, begin with a capital."""
    words = [token for token in found if token.kind == "word" and len(token.said) > 1]
    return 0 < sum(token.capital for token in words) <= max(len(words) * 0.7, 1)


def _tense(said: Sequence[str], spoken: Lexicon) -> str:
    if not spoken.future.isdisjoint(said):
        return "future"
    if not spoken.past.isdisjoint(said):
        return "past"
    if spoken.language == "de":  # the participle may stand anywhere: hat ... gesagt
        done = any(_PARTICIPLE.fullmatch(word) for word in said)
        return "past" if done and not spoken.perfect.isdisjoint(said) else "present"
    for place, word in enumerate(said):  # "has ... raised": a perfect, where a participle follows soon
        if word in spoken.perfect and any(
            after in spoken.past_forms or after.endswith(spoken.tense_endings["participle"])
            for after in said[place + 1 : place + 5]
        ):
            return "past"
    return "present"
