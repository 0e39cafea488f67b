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
    or both in none, keep their order, unless "and" or "or" joins them.
    """
    asked, known, loose = both.asked.words, both.known.words, both.asked.lexicon.loose
    for mine, theirs in both.pairs:
        first, second = asked[mine].role, known[theirs].role
        other_gender = {first, second} == {"", "acc"} and asked[mine].key != known[theirs].key
        if not (other_gender or _alike(first, second, loose)):
            return f"order: {first or 'no preposition'} and {second or 'no preposition'} before {asked[mine].said}"
    moved = frozenset({"negation"}) if not _has(both, _RESTRICTED) else frozenset[str]()
    for (mine, theirs), (later, others) in combinations(both.pairs, 2):
        if theirs < others or asked[mine].kind in moved or asked[later].kind in moved:
            continue
        if not _may_swap(asked[mine], asked[later], later - mine, known[theirs], theirs - others, loose):
            return f"order: {asked[mine].said} and {asked[later].said}"
    return None


def _alike(first: str, second: str, loose: frozenset[str]) -> bool:
    return first == second or {first, second} <= loose or {first, second} == {"", "of"}


def _may_swap(one: Word, other: Word, apart: int, one_there: Word, apart_there: int, loose: frozenset[str]) -> bool:
    if one.role != other.role:
        return one.role == one_there.role or {one.role, one_there.role} <= loose
    return apart == apart_there == 1 and other.joined and one_there.joined


def _has(both: Comparison, kinds: frozenset[str]) -> bool:
    return any(word.kind in kinds for word in both.asked.words)
