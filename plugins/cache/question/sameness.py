"""Whether two words say the same: written alike, an inflection, a spelling, a slip of the finger, a synonym."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from leanloop.plugins.cache.question.lexicon import Lexicon
from leanloop.plugins.cache.question.slip import is_slip
from leanloop.plugins.cache.question.word import Word

__all__ = ["opposite", "plain_forms", "same_meaning"]

_VOWEL = re.compile(r"[aeiouyäöüáéíóúàèêîôœ]")

# British and American spellings: https://en.wikipedia.org/wiki/American_and_British_English_spelling_differences
_SPELLINGS = (
    (re.compile(r"isation(?=s?$)"), "ization"),
    (re.compile(r"(?<=\w\w\w)is(?=(?:e|ed|es|ing)$)"), "iz"),
    (re.compile(r"(?<=\w\w)ys(?=(?:e|ed|es|ing)$)"), "yz"),
    (re.compile(r"(?<=\w\w\w)our(?=(?:s|ed|ing|ite|ites|able|hood|ful)?$)"), "or"),
    (re.compile(r"(?<=\w\w[tb])re(?=s?$)"), "er"),
    (re.compile(r"ogue(?=s?$)"), "og"),
    (re.compile(r"(?<=\w\w)ll(?=(?:ed|ing|er|ers)$)"), "l"),
    (re.compile(r"(?<=[a-z])ence$"), "ense"),
    (re.compile(r"^(program|gram)mes?$"), r"\1"),
    (re.compile(r"^cheque"), "check"),
    (re.compile(r"^grey"), "gray"),
    (re.compile(r"^tyre"), "tire"),
)


def same_meaning(one: Word, other: Word, lexicon: Lexicon, *, accents: bool) -> bool:
    """Whether two differently written words may stand for each other.

    A name is only itself, and what is quoted too.

    Args:
        one: a word of the first text.
        other: of the second.
        lexicon: of the language of both.
        accents: both texts are written with accents, so that a missing one means something.
    """
    if "literal" in {one.kind, other.kind}:
        return False
    first, second = one.key, other.key
    if _folded(first, lexicon.language) == _folded(second, lexicon.language):
        return _umlauts(first) == _umlauts(second) or not (accents or _last_accent(first, second))
    if "name" in {one.kind, other.kind}:
        return False
    forms, others = plain_forms(first, lexicon), plain_forms(second, lexicon)
    shared = forms & others
    if shared and (lexicon.language == "en" or first in shared or second in shared):  # niño and niña are not one verb
        return True
    if lexicon.language == "en" and _american(first) == _american(second):
        return True
    groups = {group for form in forms for group in lexicon.groups.get(form, ())}
    if any(not groups.isdisjoint(lexicon.groups.get(form, ())) for form in others):
        return True
    return lexicon.language == "en" and is_slip(first, second)


def opposite(one: str, other: str, lexicon: Lexicon) -> bool:
    """Whether two words are each other's opposite, by the list or by a prefix (safe, unsafe)."""
    forms, others = plain_forms(one, lexicon), plain_forms(other, lexicon)
    if any(frozenset((form, against)) in lexicon.opposites for form in forms for against in others):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) > 3 and any(long == prefix + short for prefix in _PREFIXES)


_PREFIXES = ("un", "in", "im", "il", "ir", "non", "dis", "de", "mis", "anti", "dés", "dé", "des", "mé")


@lru_cache(maxsize=16_384)
def plain_forms(word: str, lexicon: Lexicon) -> frozenset[str]:
    """What a word may be an inflection of, and itself: plurals, persons, participles, never another part of speech."""
    found = {word}
    if word in lexicon.forms:
        found.add(lexicon.forms[word])
    if word in lexicon.no_forms:
        return frozenset(found)
    for ending, plain in lexicon.endings:
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) > 2 and _VOWEL.search(rest):
            if ending == "s" and rest[-1] in "su":
                continue
            found.add(rest + plain)
            if not plain and lexicon.language == "en" and len(rest) > 3 and rest[-1] == rest[-2]:
                found.add(rest[:-1])  # stopped, stopping
    return frozenset(found)


@lru_cache(maxsize=16_384)
def _american(word: str) -> str:
    for british, american in _SPELLINGS:
        word = british.sub(american, word)
    return word


def _umlauts(word: str) -> str:
    return word.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")


@lru_cache(maxsize=16_384)
def _folded(word: str, language: str) -> str:
    """Without accents; ñ stays, and German umlauts become two letters."""
    if language == "de":
        return _umlauts(word)
    plain = unicodedata.normalize("NFD", word.replace("ñ", "\x00").replace("œ", "oe"))
    return "".join(char for char in plain if not unicodedata.combining(char)).replace("\x00", "ñ")


def _last_accent(one: str, other: str) -> bool:
    """Hablo and habló, marche and marché: there the accent is the tense."""
    return _folded(one[-1:], "fr") == _folded(other[-1:], "fr") and one[-1:] != other[-1:]
