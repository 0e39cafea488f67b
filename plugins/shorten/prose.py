"""Running text: the first and the last of it, its headings, and the sentences that answer the task's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from leanloop.plugins.shorten.binary import name_blobs
from leanloop.plugins.shorten.error_lines import error_lines
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import as_shown, lower_case, part_starts, split_lines, without_digits
from leanloop.plugins.shorten.ranking import around, best_answers
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import relevance

__all__ = ["shorten_prose"]

_LONGEST = 240  # characters of one passage: what is longer is cut, at a space where there is one
# At least so many characters that short sentences go together, then up to the end of one.
_SENTENCE = re.compile(
    r".{1,30}(?:[^.!?\u3002\uff01\uff1f]++|[.!?]++(?!\s|$))*+(?:[.!?]++|[\u3002\uff01\uff1f]++|$)\s*+", re.DOTALL
)
_HEADING = re.compile(r"#{1,6} \S|=+ \S.* =+$|(?:[A-Z0-9][\w.)]*[ \t]+){0,7}\S+$")


class _Passage(NamedTuple):
    text: str
    line: int


def shorten_prose(text: str, room: Room) -> Shown | None:
    """Running text by its sentences; any other text by its lines, and one line without an end by pieces of it.

    The first and the last passage stay, then what answers the task's words, errors, headings, the beginnings of
    paragraphs.
    """
    passages = list(_passages(split_lines(as_shown(text)), max(24, min(_LONGEST, room.tokens))))
    texts = [passage.text for passage in passages]
    size = len(passages)
    starts = part_starts(texts)
    lower = lower_case("\n".join(texts))
    answers = relevance(lower, starts, room.words)
    asked = best_answers(answers)
    best = sorted(answers, key=lambda at: (-answers[at], at))
    errors = [one.line for one in error_lines(texts, without_digits(texts)) if one.certain]
    said = [at for at in range(size) if texts[at].strip()]
    beginnings = [at for at in said if not at or not texts[at - 1].strip()]
    groups = [
        Group(said[:1], 0.2),
        Group(said[-1:], 0.3),
        Group(asked, 0.6),
        Group(around(asked, size), 0.7),
        Group(best, 0.75),
        Group(errors if len(errors) * 5 < size else errors[-20:], 0.8),
        Group((at for at in beginnings if _HEADING.match(texts[at][:100])), 0.85),
        Group(reversed(said[-4:]), 0.9),
        Group(said, 1.0),
    ]
    parts = Parts(
        size, lambda at: name_blobs(texts[at]), lambda a, b: _gap(passages, a, b), lambda at: passages[at].line
    )
    drawn, kept = fit(parts, groups, room)
    return Shown(drawn, f"{len(kept):,} of {size:,} passages") if drawn else None


def _passages(lines: Sequence[str], longest: int) -> Iterator[_Passage]:
    for number, line in enumerate(lines):
        if len(line) <= longest:
            yield _Passage(line, number)
            continue
        for sentence in _SENTENCE.findall(line):
            yield from (_Passage(piece, number) for piece in _pieces(sentence.strip(), longest) if piece)


def _pieces(sentence: str, longest: int) -> Iterator[str]:
    at = 0
    while len(sentence) - at > longest:
        space = sentence.rfind(" ", at + longest // 2, at + longest)
        end = space if space > 0 else at + longest
        yield sentence[at:end]
        at = end + (space > 0)
    yield sentence[at:]


def _gap(passages: Sequence[_Passage], first: int, last: int) -> str:
    a, b = passages[first].line, passages[last].line
    within = (first and passages[first - 1].line == a) or (last + 1 < len(passages) and passages[last + 1].line == b)
    if a == b and within:
        return f"[... {sum(len(passage.text) + 1 for passage in passages[first : last + 1]):,} characters]"
    return f"[\u2026{a + 1}-{b + 1}]" if b > a else f"[\u2026{a + 1}]"
