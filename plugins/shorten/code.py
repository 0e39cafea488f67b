"""Source code: what is asked for with the function it stands in, the signatures of the rest, and the lines between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import as_shown, lower_case, split_lines
from leanloop.plugins.shorten.shell_errors import shell_errors
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import part_starts, relevance

__all__ = ["shorten_code"]

_NUMBERED = re.compile(r"[ \t]{0,8}\d{1,7}(?:[:|\t]|[ \t]*→) ?")
_SIGNATURE = re.compile(
    r"[ \t]*(?:"
    r"(?:@|#\[)\w"  # decorator, attribute
    r"|(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\(\w+\))?|inline|override"
    r"|virtual|extern|unsafe|const|sealed|partial|open|data|suspend|declare)[ \t]+){0,6}"
    r"(?:def|class|function\*?|func|fn|fun|struct|interface|trait|impl|enum|type|module|namespace|record|union|protocol"
    r"|extension|object|package|macro_rules!|sub|proc|create[ \t]+(?:table|view|index|function))\b"
    r"|(?:[\w:<>,*&\[\].?]+[ \t]+){1,5}[\w:~*&]+[ \t]*\([^;={}]*\)[^;={}]*\{[ \t]*$"  # C, C++, Java, C#
    r"|(?:export[ \t]+)?(?:const|let|var)[ \t]+\w+[ \t]*=[ \t]*(?:async[ \t]*)?"
    r"(?:function\b|\([^()]*\)[ \t]*(?::[^=]*)?=>)"
    r"|#{1,3}[ \t]+\S"  # a heading in a notebook or a document
    r")",
    re.IGNORECASE,
)
_HEAD = re.compile(r"[ \t]*(?:[\w:<>,*&\[\].?]+[ \t]+){0,5}[\w:~*&]+[ \t]*\([^;={}]*\)[^;={}()]*$")
_NO_SIGNATURE = re.compile(r"[ \t]*(?:return|if|else|for|while|switch|catch|case|throw|new|do|type\()\b", re.IGNORECASE)
_IMPORT = re.compile(
    r"[ \t]*(?:import|from|#[ \t]*include|using|use|require|package|extern crate|const [^=]{1,80}= require)\b"
    r"[ \t({'\"<]*([\w./:@-]*)"
)
_LONGEST_LOOKED_AT = 300  # characters of a line: a signature shows at its beginning
_BEFORE, _AFTER = 2, 6
_ASKED = 40
_NAMED = 8
_LONG = 20  # characters: about what the mark in a line's place takes


def shorten_code(text: str, room: Room) -> Shown | None:
    """Source code, with or without line numbers in front.

    First what stands above and below the code or says that a command failed, then lines that answer the task's words
    with a few around them and the signature of the function they are in, then all signatures, then the rest from the
    top, of equal long lines the first one. What is missing is named by its lines.
    """
    lines = split_lines(as_shown(text))
    codes = [_code(line) for line in lines]
    signatures = [number for number, code in enumerate(codes) if _is_signature(code, codes[number + 1 : number + 2])]
    if not signatures:
        return None
    asked = _asked(lines, codes, signatures, room.words)
    longest = max(120, room.tokens // 2)
    top = range(min(3, len(lines)))
    last = next((number for number in range(len(lines) - 1, -1, -1) if lines[number].strip()), 0)
    groups = [
        Group([last, *shell_errors(lines)], 0.2),
        Group([number for number in top if not _IMPORT.match(codes[number])], 0.1),
        Group(asked, 0.6),
        Group(signatures, 0.85),
        Group([number for number in _new(codes) if not _IMPORT.match(codes[number])], 1.0),
        Group(range(len(lines)), 1.0),
    ]
    parts = Parts(len(lines), lambda at: clamp(lines[at], longest, room.words), lambda a, b: _gap(codes, a, b))
    shown, kept = fit(parts, groups, room)
    if not shown:
        return None
    there = len(set(kept).intersection(signatures))
    return Shown(shown, f"{len(kept):,} of {len(lines):,} lines of code, {there:,} of {len(signatures):,} signatures")


def _code(line: str) -> str:
    line = line[:_LONGEST_LOOKED_AT]
    number = _NUMBERED.match(line)
    return line[number.end() :] if number else line


def _is_signature(code: str, following: Sequence[str]) -> bool:
    """Whether a line begins a definition; in C and its kin the brace may stand on the next line."""
    if _NO_SIGNATURE.match(code):
        return False
    return bool(_SIGNATURE.match(code) or (following and following[0].strip() == "{" and _HEAD.match(code)))


def _asked(
    lines: Sequence[str], codes: Sequence[str], signatures: Sequence[int], words: Sequence[str]
) -> Iterator[int]:
    """The lines that answer, best first, each with what it stands in and a few lines around it."""
    text = lower_case("\n".join(lines))
    answers = relevance(text, part_starts(lines), words)
    inside = _inside(codes, signatures)
    new = set(_new(codes))
    for best in sorted(answers, key=lambda number: (-answers[number], number))[:_ASKED]:
        yield best
        holder = inside[best]
        while holder >= 0:
            yield holder
            holder = inside[holder]
        if best in new:
            yield from (at for at in range(best + 1, min(best + 1 + _AFTER, len(lines))) if at in new)
            yield from (at for at in range(best - 1, max(best - 1 - _BEFORE, -1), -1) if at in new)


def _inside(codes: Sequence[str], signatures: Sequence[int]) -> list[int]:
    """By line the signature it stands in, by indentation; -1 at the top."""
    are = set(signatures)
    open_ones: list[tuple[int, int]] = []  # indentation, line
    inside: list[int] = []
    for number, code in enumerate(codes):
        if code.strip():
            indent = len(code) - len(code.lstrip())
            while open_ones and open_ones[-1][0] >= indent:
                open_ones.pop()
        inside.append(open_ones[-1][1] if open_ones else -1)
        if number in are:
            open_ones.append((len(code) - len(code.lstrip()), number))
    return inside


def _new(codes: Sequence[str]) -> Iterator[int]:
    """The lines that say something new, and short ones right below: a mark in their place would save nothing."""
    seen: set[str] = set()
    is_shown = True
    for number, code in enumerate(codes):
        said = code.strip()
        is_shown = said not in seen or (is_shown and len(said) < _LONG)
        if is_shown:
            yield number
        seen.add(said)


def _gap(codes: Sequence[str], first: int, last: int) -> str:
    where = f"{first + 1}-{last + 1}" if last > first else f"{first + 1}"
    named = [
        match[1]
        for number in range(first, min(last + 1, first + 4 * _NAMED))
        if (match := _IMPORT.match(codes[number]))
    ]
    names = [name for name in dict.fromkeys(named) if name]
    if not names:
        return f"[…{where}]"
    more = "" if len(names) <= _NAMED else " and more"
    return f"[…{where}: imports {', '.join(name[:60] for name in names[:_NAMED])}{more}]"
