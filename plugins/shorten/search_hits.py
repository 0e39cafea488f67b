"""What grep, ripgrep and their like found: grouped by file, with how often in each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from leanloop.plugins.shorten.binary import name_blobs
from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.error_lines import error_lines
from leanloop.plugins.shorten.fit import most_that_fit
from leanloop.plugins.shorten.lines import as_shown, lower_case, part_starts, split_lines, without_digits
from leanloop.plugins.shorten.odd import odd_lines
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import relevance

__all__ = ["shorten_search_hits"]

# PATH:LINE:TEXT, PATH:LINE:COLUMN:TEXT, context as PATH-LINE-TEXT; PATH:COUNT and PATH:TEXT; LINE:TEXT below a path.
_NUMBERED = re.compile(
    r"((?:[A-Za-z]:)?[^\s:][^:\n]{0,400}?)(?::(\d{1,9})(:)|-(\d{1,9})(-))(?:\d{1,6}:)?(.*)", re.DOTALL
)
_COUNTED = re.compile(r"((?:[A-Za-z]:)?[^\s:][^:\n]{0,400}):\s*(\d{1,9})\s*$")
_PLAIN = re.compile(r"((?:[A-Za-z]:)?[^\s:][^\s:\n]{0,400}):(?!//)(.*)", re.DOTALL)
_BELOW = re.compile(r"(\d{1,9})([:-])(.*)", re.DOTALL)
_HEADING = re.compile(r"[^\s:]{0,250}[./\w][^\s:]{0,250}:?$")
_ODDEST = 3
_LINE = 400  # characters of a line in which its path and number are looked for


class _Hit(NamedTuple):
    line: int
    file: str
    at: str
    text: str
    context: bool
    times: int


def shorten_search_hits(text: str, room: Room) -> Shown | None:
    """Search hits by file: each file that has room with its first hits, those that answer the task's words before.

    What is no hit (a file that could not be read, a summary) comes first, as it was.
    """
    lines = split_lines(as_shown(text))
    hits, others = _parse(lines)
    files: dict[str, int] = {}
    for hit in hits:
        files[hit.file] = files.get(hit.file, 0) + (0 if hit.context else hit.times)
    if len(hits) < 3 or len(others) * 3 > len(lines):
        return None
    joined = lower_case("\n".join(lines))
    starts = part_starts(lines)
    kept_others = _others(lines, others)
    order = _ranked(hits, relevance(joined, starts, room.words), odd_lines(lines)[:_ODDEST])
    longest = max(80, min(500, room.tokens // 4))
    few = min(len(kept_others), max(1, room.tokens // 60))
    before = [clamp(lines[at], longest, room.words) for at in sorted(kept_others[:few])]

    def draw(many: int) -> str:
        return _drawn(before, [hits[at] for at in sorted(order[:many])], files, longest, room.words)

    bound = min(len(order), room.tokens)  # a hit is a token at least
    many, drawn = most_that_fit(bound, draw, room)
    if not many:
        return None
    shown_files = len({hits[at].file for at in order[:many]})
    total = sum(files.values())
    missing = len(kept_others) - few
    unsaid = f"; {missing:,} more lines that are no hits" if missing > 0 else ""
    return Shown(drawn, f"{many:,} of {total:,} hits, in {shown_files:,} of {len(files):,} files{unsaid}")


def _parse(lines: Sequence[str]) -> tuple[list[_Hit], list[int]]:
    hits: list[_Hit] = []
    others: list[int] = []
    heading = ""
    for number, line in enumerate(lines):
        hit = _hit(number, line, heading)
        if hit:
            hits.append(hit)
        elif _HEADING.match(line[:_LINE]) and number + 1 < len(lines) and _BELOW.match(lines[number + 1]):
            heading = line.rstrip(":")
        elif line.strip() and line != "--":
            others.append(number)
    return hits, others


def _hit(number: int, line: str, heading: str) -> _Hit | None:
    if heading and (match := _BELOW.match(line)):
        return _Hit(number, heading, match[1], match[3], match[2] == "-", 1)
    short = line[:_LINE]
    if match := _COUNTED.match(short):
        return _Hit(number, match[1], "", "", False, int(match[2]))
    if match := _NUMBERED.match(short):
        rest = match[6] + line[_LINE:]
        return _Hit(number, match[1], match[2] or match[4], rest, match[3] is None, 1)
    if (match := _PLAIN.match(short)) and ("/" in match[1] or "." in match[1]):
        return _Hit(number, match[1], "", match[2] + line[_LINE:], False, 1)
    return None


def _others(lines: Sequence[str], others: Sequence[int]) -> list[int]:
    """The lines that are no hits, errors first; of equal ones the first."""
    there = set(others)
    errors = [one.line for one in error_lines(lines, without_digits(lines)) if one.line in there]
    first: dict[str, int] = {}
    for at in [*errors, *others]:
        first.setdefault(lines[at], at)
    return list(first.values())


def _ranked(hits: Sequence[_Hit], answers: dict[int, float], odd: Sequence[int]) -> list[int]:
    """Hits that answer the task's words best, then those in `odd` lines, the first of each file, the second, and so on.

    Among them those whose text stands in none before.
    """
    turn: dict[str, int] = {}
    texts: set[str] = set()
    keys: list[tuple[float, bool, bool, int, int]] = []
    for at, hit in enumerate(hits):
        turn[hit.file] = turn.get(hit.file, 0) + 1
        told = hit.context or not hit.times or (hit.at != "" and hit.text in texts)
        texts.add(hit.text)
        keys.append((-round(answers.get(hit.line, 0.0), 6), hit.line not in odd, told, turn[hit.file], at))
    return [key[-1] for key in sorted(keys)]


def _drawn(
    before: Sequence[str], shown: Sequence[_Hit], files: dict[str, int], longest: int, words: Sequence[str]
) -> str:
    drawn = list(before)
    by_file: dict[str, list[_Hit]] = {}
    for hit in shown:
        by_file.setdefault(hit.file, []).append(hit)
    for file, hits in by_file.items():
        found = sum(not hit.context for hit in hits)
        if hits[0].times != 1 or not (hits[0].at or hits[0].text):
            drawn.append(f"{clamp(file, longest)}: {files[file]:,}")
            continue
        if len(hits) == files[file] == 1 and not hits[0].context:
            at = f"{hits[0].at}:" if hits[0].at else ""
            drawn.append(f"{clamp(file, longest)}:{at} {clamp(name_blobs(hits[0].text.strip()), longest, words)}")
            continue
        drawn.append(f"{clamp(file, longest)} ({f'{found:,} of ' if found < files[file] else ''}{files[file]:,})")
        drawn += [
            f"{hit.at}{'-' if hit.context else ':'} {clamp(name_blobs(hit.text.strip()), longest, words)}"
            for hit in hits
        ]
    left = len(files) - len(by_file)
    if left:
        drawn.append(f"[... {left:,} more files, {sum(files.values()) - sum(files[file] for file in by_file):,} hits]")
    return "\n".join(drawn)
