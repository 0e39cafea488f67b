"""Which lines of a log speak of something that went wrong, and which of them say the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from leanloop.plugins.shorten.error_words import CERTAIN, SIGNS, STATUSES
from leanloop.plugins.shorten.lines import line_of, part_starts

__all__ = ["MOST", "ErrorLine", "error_lines"]

_NO_ERROR = re.compile(
    r"(?<![.\d])(?:0|no|zero|without(?: any)?) (?:\w+ )?(?:errors?|failures?|failed|problems?)\b"
    r"|\b(?:errors?|fail(?:ed|ures?)?)\s?[:=]\s?(?:0\b|none\b|false\b|null\b|\[\])"
    r"|\bPASSED\b|\bPASS:|\.\.\. ok$|^\s*(?:ok\b|\u2713|\u2714)",
    re.IGNORECASE,
)
_FAILS_TOO = re.compile(r"[1-9]\d* (?:failed|errors?\b|failures?)|\b(?:errors|failures|failed): [1-9]", re.IGNORECASE)
_QUIET = re.compile(r"^\W{0,3}(?:\S+[ \t]+){0,4}[\[(<]?(?:INFO|DEBUG|TRACE|NOTICE|info|debug|trace)\b", re.ASCII)
_WARNING = re.compile(r"\bwarn(?:ing)?s?\b", re.IGNORECASE)
_FOLDED = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{7,}\b|\d+")

_LOOKED_AT = 400  # characters of a line that are looked at
_ONE_BY_ONE = 2_000  # lines that are judged each by itself; after them those that differ in digits only go together

MOST = 6_000
"""So many different error lines are told apart at most."""


class ErrorLine(NamedTuple):
    """An error line, the first of those that are equal.

    Attributes:
        line: its number, from 0.
        certain: it says by its form that something failed; else it only speaks of what may be an error.
        shape: what it says without its numbers, times and addresses.
        times: how many lines say exactly this.
    """

    line: int
    certain: bool
    shape: str
    times: int


def error_lines(lines: Sequence[str], folded: Sequence[bytes]) -> list[ErrorLine]:
    """The distinct error lines, in order.

    Args:
        lines: the lines.
        folded: each without its digits (`lines.without_digits`).
    """
    suspect = _suspect(list(dict.fromkeys(folded)))
    requests = _failed_requests(lines)
    if not suspect and not requests:
        return []
    numbers = [at for at, line in enumerate(folded) if line in suspect or at in requests]
    said = [lines[at].strip() for at in numbers]
    times = Counter(said)
    first = dict(zip(reversed(said), reversed(numbers), strict=True))
    found: list[ErrorLine] = []
    judged: dict[bytes, bool | None] = {}
    for number in _at_most(sorted(first.values()), folded):
        if len(found) < _ONE_BY_ONE or folded[number] not in judged:
            judged[folded[number]] = _judge(lines[number][:_LOOKED_AT].rstrip())
        certain = judged[folded[number]]
        if certain is not None:
            line = lines[number].strip()
            found.append(ErrorLine(number, certain, _FOLDED.sub("0", line[:_LOOKED_AT]), times[line]))
    return found


def _at_most(numbers: list[int], folded: Sequence[bytes]) -> list[int]:
    """Of too many lines those that differ in more than digits before the others, from both ends."""
    if len(numbers) <= MOST:
        return numbers
    new = set(dict(zip((folded[at] for at in reversed(numbers)), reversed(numbers), strict=True)).values())
    ordered = sorted(numbers, key=lambda at: at not in new)[: max(MOST, len(new))]
    return sorted([*ordered[: MOST // 2], *ordered[-MOST // 2 :]])


def _suspect(different: Sequence[bytes]) -> set[bytes]:
    """Those of some different lines that have a sign in them."""
    text = b"\n" + b"\n".join(different).lower()
    starts = part_starts(different)  # of the line feed before each
    found: set[bytes] = set()
    for sign in SIGNS:
        at = text.find(sign)
        while at >= 0:
            line = line_of(starts, at)
            found.add(different[line])
            at = text.find(sign, starts[line + 1])
    return found


def _failed_requests(lines: Sequence[str]) -> set[int]:
    """Lines with a status of HTTP that is an error: its digits tell, which are not in the folded lines."""
    text = "\n".join(lines)
    starts = part_starts(lines)
    return {line_of(starts, found.start()) for status in STATUSES for found in status.finditer(text)}


def _judge(line: str) -> bool | None:
    """Whether a line is certainly an error; None where it speaks of none."""
    if _NO_ERROR.search(line) and not _FAILS_TOO.search(line):
        return None
    if _QUIET.match(line):
        return None
    if CERTAIN.search(line):
        return not _WARNING.search(line) or "error:" in line.lower()
    return None if _WARNING.search(line) else False
