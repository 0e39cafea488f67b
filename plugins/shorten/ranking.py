"""Which parts of a long list are shown first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from leanloop.plugins.shorten.lines import line_of, lower_case
from leanloop.plugins.shorten.words import part_starts, relevance

__all__ = ["around", "best_answers", "ranked"]

_BAD = (
    "error", "fail", "exception", "fatal", "critical", "denied", "invalid", "refused", "timeout", "timed out",
    "missing", "unavailable", "not found", "warn", "abort", "crash", "backoff", "evicted", "killed", "unhealthy",
    "not ready", "notready", "rejected", "declined", "expired", "corrupt", "overdue", "segmentation",
)  # fmt: skip
_RARE = 0.15  # of the parts: what more of them say is nothing special
_HEAD, _TAIL = 3, 2
_NEAR = 0.5  # of the best score: these answer the question
_TELLING = 1.0  # about the score of a part for a word that stands in a third of all: a lower one tells next to nothing
_MOST_ANSWERS, _AROUND = 6, 5  # of them, and parts on each side of one


def ranked(texts: Sequence[str], words: Sequence[str], most: int, odd: Sequence[int] = ()) -> list[int]:
    """The parts, at most `most` of them, those to be shown first in front.

    What answers `words`; the first and the last; what speaks of errors, where only few do; those that are `odd`; more
    of both ends; the shortest and the longest; what answers a little; then from the top, and every third one spread
    over the whole. Of equal parts all but the first come last.
    """
    size = len(texts)
    parts = _Parts(texts)
    answers = parts.answering(words)
    by_score = sorted(answers, key=lambda one: (-answers[one], one))
    order = dict.fromkeys(best_answers(answers))
    order.update(dict.fromkeys((*range(min(1, size)), *range(max(0, size - 1), size))))
    order.update(dict.fromkeys((*_bad(parts), *odd)))
    order.update(dict.fromkeys((*range(min(_HEAD, size)), *range(max(0, size - _TAIL), size))))
    if size:
        lengths = [len(text) for text in texts]
        order.update(dict.fromkeys((lengths.index(min(lengths)), lengths.index(max(lengths)))))
    order.update(dict.fromkeys(by_score))
    order.update(dict.fromkeys(islice(_spread(size), 3 * most)))
    seen: set[str] = set()
    first: list[int] = []
    again: list[int] = []
    for number in islice(order, most):
        (again if texts[number] in seen else first).append(number)
        seen.add(texts[number])
    return first + again


def _bad(parts: _Parts) -> list[int]:
    bad: set[int] = set()
    for word in _BAD:
        bad |= parts.having(word).keys()
    return sorted(bad) if len(bad) <= max(2, _RARE * parts.size) else []


def best_answers(answers: Mapping[int, float]) -> list[int]:
    """The parts that answer about as well as the best one, best first; none where all that they have stands in most.

    Args:
        answers: how well parts answer, by their numbers (`relevance`).
    """
    enough = max(_TELLING, _NEAR * max(answers.values(), default=0.0))
    return sorted((part for part in answers if answers[part] >= enough), key=lambda part: (-answers[part], part))


def around(parts: Sequence[int], size: int) -> Iterator[int]:
    """What stands around the first of some parts, the closest first: what is asked often stands beside its name."""
    for part in parts[:_MOST_ANSWERS]:
        for distance in range(1, _AROUND + 1):
            yield from (at for at in (part + distance, part - distance) if 0 <= at < size)


class _Parts:
    """Parts as one text, in which a word is found at the speed of C."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.size = len(texts)
        self._text = lower_case("\n".join(texts))
        self._starts = part_starts(texts)

    def having(self, word: str) -> dict[int, None]:
        """The parts with the word in them."""
        found: dict[int, None] = {}
        place = self._text.find(word) if word else -1
        while place >= 0:
            part = line_of(self._starts, place)
            found[part] = None
            place = self._text.find(word, self._starts[part + 1])
        return found

    def answering(self, words: Sequence[str]) -> dict[int, float]:
        return relevance(self._text, self._starts, words)


def _spread(size: int) -> Iterator[int]:
    """Two from the top, one from halves, quarters, eighths, and so on."""
    top = iter(range(size))
    step = size
    while step > 1:
        for place in range(step // 2, size, step):
            yield from islice(top, 2)
            yield place
        step = (step + 1) // 2
    yield from top
