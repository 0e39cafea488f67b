"""Which language a short text is in, by its small words; unsure is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache

from leanloop.plugins.cache.question.lexicon import LANGUAGES, lexicon, read_words

__all__ = ["language_of"]

_SIGNS = {"¿": "es", "¡": "es", "ñ": "es", "ß": "de"}


def language_of(words: Iterable[str], text: str = "") -> str | None:
    """One of `LANGUAGES`, where more of the words are its own than any other language's; else None.

    Languages that are not checked have a vote too, so that Italian is not taken for Spanish.

    Args:
        words: in lower case.
        text: where they are from; some signs are of one language.
    """
    known_in = _profiles()
    votes = Counter(language for word in set(words) for language in known_in.get(word, ()))
    votes.update(language for sign, language in _SIGNS.items() if sign in text)
    ranked = votes.most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    best = ranked[0][0]
    return best if best in LANGUAGES else None


@cache
def _profiles() -> dict[str, list[str]]:
    """The languages each small word is known in."""
    profiles = {language: lexicon(language).profile for language in LANGUAGES}
    for line in read_words("others"):
        language, _, words = line.partition(": ")
        profiles[language] = frozenset(words.split())
    known_in: dict[str, list[str]] = {}
    for language, profile in profiles.items():
        for word in profile:
            known_in.setdefault(word, []).append(language)
    return known_in
