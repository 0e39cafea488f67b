"""Files of labelled pairs for ``leanloop cache tune``: JSON lines or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.cache.pairs import Pair

__all__ = ["PairsFile", "read_pairs_file"]

_WORDS: dict[str, bool] = {
    **dict.fromkeys(("true", "1", "yes", "same"), True),
    **dict.fromkeys(("false", "0", "no", "different"), False),
}
_LONGEST = 1_000_000
"""Characters of a line."""

_SHAPE = 'a line is {"asked": ..., "known": ..., "same": true or false}, or {"text": ...} for more the cache holds'


@dataclass(frozen=True, slots=True)
class PairsFile:
    """What a file holds: labelled pairs, and questions that only fill the store."""

    pairs: list[Pair]
    texts: list[str]


def read_pairs_file(path: Path) -> PairsFile:
    """Read one: with the suffix ``.csv`` a table with a header, else JSON lines.

    Raises:
        UsageError: it cannot be read, holds no pair, or a line is not of that shape; with its number.
    """
    pairs: list[Pair] = []
    texts: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in _csv(file) if path.suffix.lower() == ".csv" else _json_lines(file):
                pair = _pair(row)
                text = row.get("text")
                if pair is not None:
                    pairs.append(pair)
                elif isinstance(text, str) and text.strip():
                    texts.append(text)
                else:
                    raise UsageError(f"{path}:{number}: {_SHAPE}; this one has {_keys(row)}.")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"The pairs cannot be read from {path}: {why}.") from None
    except csv.Error as error:
        raise UsageError(f"{path} is no table: {error}; {_SHAPE}.") from None
    if not pairs:
        raise UsageError(f"{path} holds no pairs: {_SHAPE}.")
    return PairsFile(pairs, texts)


def _json_lines(file: Iterator[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield number, _object(line)


def _object(line: str) -> Mapping[str, object]:
    """The object in a line; an empty one where there is none."""
    try:
        row: object = json.loads(line) if len(line) <= _LONGEST else None
    except (ValueError, RecursionError):
        row = None
    return cast("dict[str, object]", row) if isinstance(row, dict) else {}


def _csv(file: Iterator[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    rows = csv.DictReader(file)
    for row in rows:
        yield rows.line_num, {str(name): value for name, value in row.items()}


def _pair(row: Mapping[str, object]) -> Pair | None:
    match row:
        case {"asked": str(asked), "known": str(known), "same": bool() | str() | int() as said} if (
            asked.strip() and known.strip() and (same := _WORDS.get(str(said).strip().lower())) is not None
        ):
            return Pair(asked, known, same)
        case _:
            return None


def _keys(row: Mapping[str, object]) -> str:
    """What there is instead; not what it holds, which users have said."""
    return ", ".join(map(shown, list(row)[:5])) or "no JSON object, or one that is too long"
