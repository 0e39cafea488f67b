"""Who does what to whom: from A to B is not from B to A."""

from __future__ import annotations

from itertools import combinations

from leanloop.plugins.cache.question.comparison import Comparison
from leanloop.plugins.cache.question.word import Word

__all__ = ["order"]

_RESTRICTED = frozenset({"quantity"})


def order(both: Comparison) -> str | None:
    """Each word is governed by the same preposition, and words change places only as whole phrases do.

    "In Oslo, what is the rent?" moves a phrase and keeps its preposition. Two words that stand in the same phrase,
    or both in none, keep their order, unless "and" or "or" joins them. A compound may be taken apart: the password for
    guests is the guest password.
    """
    asked, known = both.asked.words, both.known.words
    apart = {pair for pair in both.pairs if _compound(pair, both)}
    for mine, theirs in both.pairs:
        first, second = asked[mine].role, known[theirs].role
        other_gender = {first, second} == {"", "acc"} and asked[mine].key != known[theirs].key
        if not (other_gender or (mine, theirs) in apart or _alike(first, second)):
            return f"order: {first or 'no preposition'} and {second or 'no preposition'} before {asked[mine].said}"
    moved = frozenset[str]() if _has(both, _RESTRICTED) else frozenset({"negation"})
    for pair, after in combinations(both.pairs, 2):
        (mine, theirs), (later, others) = pair, after
        if (
            theirs < others
            or _free(asked[mine], moved)
            or _free(asked[later], moved)
            or not apart.isdisjoint((pair, after))
        ):
            continue
        one, other = (asked[mine], known[theirs]), (asked[later], known[others])
        joined = later - mine == theirs - others <= 2 and other[0].joined and one[1].joined  # 2: "or" is a word
        if not joined and not _may_swap(one, other):
            return f"order: {asked[mine].said} and {asked[later].said}"
    return None


def _compound(pair: tuple[int, int], both: Comparison) -> bool:
    """Whether a word stands right before others in one text, and right after them, with a preposition, in the other."""
    asked, known = both.asked.words, both.known.words
    mine, theirs = pair
    roles = {asked[mine].role, known[theirs].role}
    if len(roles) != 2 or "" not in roles or not roles - {""} <= both.asked.lexicon.compounds:
        return False
    passed = [other for other in both.pairs if (other[0] < mine) != (other[1] < theirs)]
    if not passed or any(asked[here].role != known[there].role for here, there in passed):
        return False
    here, there = sorted(place for place, _ in passed), sorted(place for _, place in passed)
    if asked[mine].role:
        mine, here, theirs, there = theirs, there, mine, here
    count = len(passed)
    return here == [*range(mine + 1, mine + 1 + count)] and there == [*range(theirs - count, theirs)]


def _free(word: Word, moved: frozenset[str]) -> bool:
    return word.kind in moved or word.key == "or"


def _alike(first: str, second: str) -> bool:
    return first == second or {first, second} == {"", "of"}


def _may_swap(one: tuple[Word, Word], other: tuple[Word, Word]) -> bool:
    """Whether two words are of different phrases, and the first of the same one in both texts."""
    here, there = one[0].role, one[1].role
    return here == there != other[0].role


def _has(both: Comparison, kinds: frozenset[str]) -> bool:
    return any(word.kind in kinds for word in both.asked.words)
