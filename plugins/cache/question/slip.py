"""Typing errors: a word nobody writes, one slip away from a common one."""

from __future__ import annotations

from functools import cache, lru_cache

import tiktoken

from leanloop.budgets.vocabulary import find_encoding

__all__ = ["is_slip"]

# Ranks in o200k_base, whose tokens were merged by frequency. A common word is among the first, and a slip so common
# that it has a token of its own ("recieve") among the last.
_KNOWN = 100_000
_VERY_COMMON = 20_000
_RARE = 140_000
_NO_WORD = 1_000_000


@lru_cache(maxsize=4096)
def is_slip(one: str, other: str) -> bool:
    """Whether one of two English words is a slip of the other: letters swapped, one lost, doubled or wrong.

    One of them must be a common word and the other none at all, so that nothing that is a word ("form", "from";
    "desert", "dessert") is taken for another. Where the vocabulary is not on this machine, nothing is a slip.
    """
    if min(len(one), len(other)) < 4 or abs(len(one) - len(other)) > 1 or one[0] != other[0]:
        return False
    if not (one.isalpha() and other.isalpha() and _one_step(one, other)):
        return False
    common, odd = sorted((_rank(one), _rank(other)))
    return (common < _KNOWN and odd == _NO_WORD) or (common < _VERY_COMMON and odd > _RARE)


def _one_step(one: str, other: str) -> bool:
    """One swap of neighbours, one letter more or less, or one vowel for another."""
    if len(one) == len(other):
        wrong = [place for place in range(len(one)) if one[place] != other[place]]
        if len(wrong) == 1:
            return one[wrong[0]] in "aeiou" and other[wrong[0]] in "aeiou"
        return (
            len(wrong) == 2
            and wrong[1] == wrong[0] + 1
            and {*one[wrong[0] : wrong[1] + 1]} == {*other[wrong[0] : wrong[1] + 1]}
        )
    short, long = sorted((one, other), key=len)
    return any(short == long[:place] + long[place + 1 :] for place in range(1, len(long)))


def _rank(word: str) -> int:
    vocabulary = _vocabulary()
    if vocabulary is None:
        return 0  # all words are taken for words
    try:
        return vocabulary.encode_single_token(f" {word}")
    except KeyError:
        return _NO_WORD


@cache
def _vocabulary() -> tiktoken.Encoding | None:
    return find_encoding("o200k_base")
