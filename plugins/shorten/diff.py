"""Diffs: every file and hunk named, the hunks that answer the task whole, the others as counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import as_shown, lower_case, split_lines
from leanloop.plugins.shorten.shell_errors import shell_errors
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import part_starts, relevance

__all__ = ["shorten_diff"]

# git's, and those of diff -u: https://git-scm.com/docs/diff-format
_FILE = re.compile(
    r"(?:diff |Index: |(?:---|\+\+\+) \S|(?:old|new|deleted file|new file) mode|rename |copy |similarity "
    r"|index [0-9a-f]+\.\.|Binary )"
)
_HUNK = re.compile(r"@@+ -\d")
_HEADER, _HUNK_HEADER = 40, 20  # about the tokens of a file's header and of a hunk's
_LONGEST_NAME = 300
_ASKED = 40
_PIECE = 16  # lines of a hunk that are shown or left out together


def shorten_diff(text: str, room: Room) -> Shown | None:
    """A unified diff, with what stands above it (a commit's message), below it and between its files."""
    lines = split_lines(as_shown(text))
    blocks = _blocks(lines)
    files = [number for number, block in enumerate(blocks) if block.kind == "file"]
    hunks = [number for number, block in enumerate(blocks) if block.kind == "hunk"]
    if not hunks:
        return None
    longest = max(120, room.tokens // 2)
    texts = ["\n".join(lines[block.start : block.end]) for block in blocks]
    answers = relevance(lower_case("\n".join(texts)), part_starts(texts), room.words)
    best = sorted(answers, key=lambda number: (-answers[number], number))
    bodies = [number for number, block in enumerate(blocks) if block.kind == "body"]
    above = [number for number, block in enumerate(blocks) if block.kind == "above"]
    added = list(accumulate((line[:1] == "+" and line[:4] != "+++ " for line in lines), initial=0))
    removed = list(accumulate((line[:1] == "-" and line[:4] != "--- " for line in lines), initial=0))

    brief = len(files) * _HEADER + len(hunks) * _HUNK_HEADER > room.tokens // 2

    def shown(number: int) -> str:
        block = blocks[number]
        if block.kind == "file":
            return _named(lines[block.start : block.end], brief=brief)
        if block.kind == "hunk" and brief:
            return re.sub(r"^(@@+ [^@]{1,200} @@+).*", r"\1", lines[block.start])
        return "\n".join(clamp(line, longest, room.words) for line in lines[block.start : block.end])

    def gap(first: int, last: int) -> str:
        start, end = blocks[first].start, blocks[last].end
        where = f"{start + 1}-{end}" if end > start + 1 else f"{end}"
        return f"[…{where}: +{added[end] - added[start]:,} -{removed[end] - removed[start]:,}]"

    asked = (one for number in best[:_ASKED] for one in _with_headers(blocks, number))
    failed = set(shell_errors(lines))
    said = [one for one in above if not failed.isdisjoint(range(blocks[one].start, blocks[one].end))]
    groups = [
        Group(above[:1], 0.1),
        Group([*(one for one in above[-1:] if one == len(blocks) - 1), *said], 0.3),
        Group(asked, 0.55),
        Group(files, 0.7),
        Group(hunks, 0.8),
        Group([number for number in best if blocks[number].kind in ("body", "above")], 0.95),
        Group(bodies, 1.0),
        Group(above, 1.0),
    ]
    drawn, kept = fit(Parts(len(blocks), shown, gap), groups, room)
    if not drawn:
        return None
    there = set(kept)
    whole = sum(number in there for number in bodies)
    return Shown(
        drawn,
        f"{len(there.intersection(files)):,} of {len(files):,} file headers, {len(there.intersection(hunks)):,} of "
        f"{len(hunks):,} hunk headers, {whole:,} of {len(bodies):,} pieces of hunks",
    )


def _with_headers(blocks: Sequence[_Block], number: int) -> Iterator[int]:
    """A block behind the headers of its hunk and its file."""
    kinds = {"body": ("hunk", "file"), "hunk": ("file",)}.get(blocks[number].kind, ())
    at = number
    for kind in kinds:
        while at >= 0 and blocks[at].kind != kind:
            at -= 1
        if at >= 0:
            yield at
    yield number


def _named(lines: Sequence[str], *, brief: bool) -> str:
    """A file's header without the hashes of its content; where there is little room, the name alone."""
    if brief:
        is_gone = "+++ /dev/null" in lines
        starts = ("+++ ", "rename ", "copy ", "Binary ", *(("--- ",) if is_gone else ()))
        named = [line for line in lines if line.startswith(starts)] or lines[:1]
        lines = named[-1:] if named[-1].startswith("+++ ") and not is_gone else named
    return "\n".join(line[:_LONGEST_NAME] for line in lines if not line.startswith("index "))


class _Block:
    """Lines that are shown or left out together."""

    __slots__ = ("end", "kind", "start")

    def __init__(self, kind: str, start: int) -> None:
        self.kind = kind
        self.start = start
        self.end = start + 1


def _blocks(lines: Sequence[str]) -> list[_Block]:
    blocks: list[_Block] = []
    state = "above"
    for number, line in enumerate(lines):
        kind = _kind(line, state, lines[number + 1 : number + 2])
        last = blocks[-1] if blocks else None
        new_file = kind == "file" and (state != "file" or line.startswith("diff "))
        long = last is not None and kind in ("body", "above") and last.end - last.start >= _PIECE
        if last is None or kind != last.kind or kind == "hunk" or new_file or long:
            blocks.append(_Block(kind, number))
        else:
            last.end = number + 1
        state = "body" if kind == "hunk" else kind
    return blocks


def _kind(line: str, state: str, following: Sequence[str]) -> str:
    """What a line is, by the one before it: a removed line may begin with ``--- `` as a file's header does."""
    if _HUNK.match(line):
        return "hunk"
    if state == "body":
        header = line.startswith(("diff ", "Index: ")) or (
            line.startswith("--- ") and following[:1] != [] and following[0].startswith("+++ ")
        )
        if header:
            return "file"
        return "body" if not line or line[0] in " +-\\\t" else "above"
    if state == "file":
        return "file"
    return "file" if _FILE.match(line) else "above"
