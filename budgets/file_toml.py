"""Reads a TOML budget file with the standard library, keeps its decimals exact and finds its lines again."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from decimal import Decimal

from leanloop.budgets.document import Document, Path
from leanloop.errors import BudgetFileError

__all__ = ["read_toml"]

_LONGEST_LINE = 1_000
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+")
_TABLE_OF_LIST = re.compile(r"\s*\[\[\s*([A-Za-z0-9_-]+)\s*\]\]")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_HINTS = {"Invalid value": "; a text needs quotes", "Expected '='": "; a key needs = behind it"}
"""What to do about the slips people make, by a part of tomllib's own words."""


def read_toml(text: str, *, file: str) -> Document:
    """Read the text of a TOML budget file.

    Raises:
        BudgetFileError: it is not TOML, or nested without end.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > _LONGEST_LINE:  # tomllib takes time in the square of the length of a dotted key
            message = f"the line has {len(line):,} characters; at most {_LONGEST_LINE:,} are read"
            raise BudgetFileError(message, file=file, line=number)
    try:
        tree = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        problem = _PLACE.sub("", str(error))[:200]
        column = f" (column {place[2]})" if place and place[2] else ""
        hint = next((hint for part, hint in _HINTS.items() if part in problem), "")
        message = f"this is not TOML: {problem}{column}{hint}"
        raise BudgetFileError(message, file=file, line=int(place[1]) if place and place[1] else None) from None
    except (ValueError, ArithmeticError):
        raise BudgetFileError(
            "a number in the file is too large; write digits such as 200_000 or 0.50", file=file
        ) from None
    except RecursionError:
        raise BudgetFileError(
            "the file is nested far too deep; no key of a budget file needs more than 8 levels", file=file
        ) from None
    if not tree:
        raise BudgetFileError('the file is empty; it needs at least the line agent = "NAME"', file=file)
    return Document(file, tree, find=_Lines(text).find)


class _Lines:
    """Where the words of a TOML text stand, so that a key is found again: tomllib keeps no positions."""

    def __init__(self, text: str) -> None:
        self._words: dict[str, list[int]] = {}
        self._tables: dict[str, list[int]] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            bare = line.partition("#")[0]
            if header := _TABLE_OF_LIST.match(bare):
                self._tables.setdefault(header[1], []).append(number)
            for word in dict.fromkeys(match.strip("\"'") for match in _WORD.findall(bare)):
                self._words.setdefault(word, []).append(number)

    def find(self, path: Path) -> int | None:
        """The line of the value at ``path``, or of the nearest one around it that can be told.

        Each key is looked for from the line of the key around it on; right for files laid out in order.
        """
        line: int | None = None
        table = ""
        for part in path:
            if isinstance(part, str):
                lines = self._words.get(part, [])
                at = bisect_left(lines, line or 0)
                if at == len(lines):
                    break
                line, table = lines[at], part
            elif part < len(headers := self._tables.get(table, [])):
                line = headers[part]
            elif part:
                break  # a later item of a list written in one piece: its line cannot be told from the others'
        return line
