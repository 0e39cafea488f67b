"""Which parts of a long list are shown first."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import log

__all__ = ["ranked"]

_BAD = re.compile(
    r"(?i)error|fail|exception|fatal|critical|denied|invalid|refused|timed?.?out|\b(?:warn|unavailable|missing|not found)"
)
_RARE = 0.15  # of the parts: a word that more of them have says nothing
_HEAD, _TAIL = 3, 2
_WORDS = 40
_NEAR = 0.5  # of the best score: these answer the question


def ranked(texts: Sequence[str], words: Sequence[str]) -> list[int]:
    """All the parts, those to be shown first in front.

    What answers `words`; the first and the last; what speaks of errors, where only few do; the shortest and the longest;
    what answers a little; then from the top, and every third one spread over the whole. Of equal parts all but the
    first come last.
    """
    size = len(texts)
    answers = scores(texts, words) if words else ()
    best = max(answers, default=0.0)
    by_score = (
        sorted((number for number in range(size) if answers[number] > 0), key=lambda one: (-answers[one], one))
        if best
        else []
    )
    bad = [number for number, text in enumerate(texts) if _BAD.search(text)]
    order: dict[int, None] = {}
    order.update(dict.fromkeys(one for one in by_score if answers[one] >= _NEAR * best))
    order.update(dict.fromkeys((*range(min(_HEAD, size)), *range(max(0, size - _TAIL), size))))
    if len(bad) <= max(2, _RARE * size):
        order.update(dict.fromkeys(bad))
    if size:
        order[min(range(size), key=lambda one: (len(texts[one]), one))] = None
        order[max(range(size), key=lambda one: (len(texts[one]), -one))] = None
    order.update(dict.fromkeys(by_score))
    order.update(dict.fromkeys(_spread(size)))
    seen: set[str] = set()
    first: list[int] = []
    again: list[int] = []
    for number in order:
        (again if texts[number] in seen else first).append(number)
        seen.add(texts[number])
    return first + again


def _spread(size: int) -> Iterator[int]:
    """Two from the top, one from halves, quarters, eighths, and so on."""
    top = iter(range(size))
    step = size
    while step > 1:
        for place in range(step // 2, size, step):
            yield from (one for one in (next(top, None), next(top, None), place) if one is not None)
        step = (step + 1) // 2
    yield from top


def scores(texts: Sequence[str], words: Sequence[str]) -> list[float]:
    """BM25 (k1 1.2, b 0: parts differ in length because they hold more, not because they say it more often)."""
    lower = [text.lower() for text in texts]
    joined = "\n".join(lower)
    starts = list(accumulate((len(text) + 1 for text in lower), initial=0))
    found = [0.0] * len(texts)
    for word in words[:_WORDS]:
        hits: dict[int, int] = {}
        place = joined.find(word) if word else -1
        while place >= 0:
            part = bisect_right(starts, place) - 1
            hits[part] = hits.get(part, 0) + 1
            place = joined.find(word, starts[part + 1])
        weight = log(1 + (len(texts) - len(hits) + 0.5) / (len(hits) + 0.5))
        for part in hits:
            found[part] += weight
    return found
