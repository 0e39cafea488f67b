"""JSON read so that nothing of it changes, and written again as it was said.

Python's own parser gives a number as a float, so that 1.10 and 1e5 come back as 1.1 and 100000.0. Here the text of such
a number is kept, in a string between two marks that occur nowhere in the text; writing takes the marks off again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeGuard, cast

__all__ = ["Document", "Json", "is_list", "is_object", "read_json", "read_values"]

Json = object
"""A value: dict, list, str, int, bool, None, or a number's own text between marks (`Document.number`)."""

_Parse = Callable[[str, json.JSONDecoder, "Document"], Json]
_MARKS = ("\ue000\ue001", "\uf8f0\uf8f1", "\U000f1b0d\U000f1b0e")  # private use: few texts hold them
_LONE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"[ \t\r\n]*")
_BEGUN = re.compile(
    r'\{\s*+(?:"|$)|\[\s*+(?:[\[{"\d-]|true|false|null|$)'
)  # a value that may be cut off, and no log line
_COLUMNS, _ROWS, _GROUPS = "columns", "rows", "groups"


@dataclass(slots=True)
class Document:
    """What was read, and how it is written.

    Attributes:
        value: it. Of several values one after the other (JSON Lines), the list of them.
        exact: writing it gives the same value again: no name twice in an object, no NaN.
        tables: an object of columns and rows can be told from one that was there before.
        several: several values one after the other were read.
        cut: the last of several was cut off.
        end: where the text goes on behind the value, if it was asked for with more behind it.
    """

    mark: str
    value: Json = None
    exact: bool = True
    tables: bool = True
    several: bool = False
    cut: bool = False
    end: int = 0
    _writer: json.JSONEncoder = field(
        default_factory=lambda: json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
    )

    def write(self, value: Json) -> str:
        """Compact JSON. Lone surrogates are escaped, so that it can be encoded as UTF-8.

        Raises:
            RecursionError: it is too deep.
        """
        return self._finished(self._writer.encode(value))

    def write_each(self, values: Iterable[Json]) -> list[str]:
        """Each of the values written, in one go."""
        between = self.mark
        row: list[Json] = []
        for value in values:
            row += (value, between)
        if not row:
            return []
        return self._finished(self._writer.encode(row))[1 : -len(between) - 4].split(f',"{between}",')

    def _finished(self, text: str) -> str:
        if not text.isascii():
            begin, end = self.mark[0], self.mark[1]
            text = text.replace(f'"{begin}#', "").replace(f'#{end}"', "")
            if _LONE.search(text):
                text = _LONE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", text)
        return text

    def number(self, value: Json) -> str | None:
        """The text of a number that was kept as text."""
        return value[2:-2] if type(value) is str and value[:1] == self.mark[0] else None


def is_object(value: Json) -> TypeGuard[dict[str, Json]]:
    """Whether it is an object; a table is one."""
    return isinstance(value, dict)


def is_list(value: Json) -> TypeGuard[list[Json]]:
    """Whether it is an array."""
    return isinstance(value, list)


def read_json(text: str, *, then: bool = False) -> Document | None:
    """One JSON value with nothing around it but white space; None where the text is none, or is nested too deep.

    `then`: the text begins with it, and anything may follow; `Document.end` is where.
    """
    return _read(text, _first if then else _only)


def read_values(text: str) -> Document | None:
    """JSON values one after the other, on lines of their own or not: JSON Lines and what `cat` of files gives.

    The last one may be cut off, and is left out then.
    """
    return _read(text, _values)


def _read(text: str, parse: _Parse) -> Document | None:
    mark = next((mark for mark in _MARKS if not _holds(text, mark)), None)
    if mark is None:
        return None
    document = Document(mark)
    for keep_integers in (False, True):
        # Python reads no integer of more than 4,300 digits, and -0 without its sign.
        if not keep_integers and re.search(r"-0(?![0-9.eE])", text):
            continue
        decoder = _decoder(text, document, keep_integers=keep_integers)
        try:
            document.value = parse(text, decoder, document)
        except (json.JSONDecodeError, RecursionError):
            return None
        except ValueError:
            continue
        return document
    return None  # pragma: no cover - an integer that is kept as text raises nothing


def _holds(text: str, mark: str) -> bool:
    """Whether one of the two characters is in the text, as itself or escaped."""
    if text.isascii() and "\\u" not in text:
        return False
    escaped = (json.dumps(one)[1:-1] for one in mark)
    return any(one in text for one in mark) or any(one in text.lower() for one in escaped)


def _only(text: str, decoder: json.JSONDecoder, _: Document) -> Json:
    return decoder.decode(text)


def _first(text: str, decoder: json.JSONDecoder, document: Document) -> Json:
    value, document.end = decoder.raw_decode(text)
    return value


def _values(text: str, decoder: json.JSONDecoder, document: Document) -> list[Json]:
    values: list[Json] = []
    document.several = True
    end = len(text.rstrip(" \t\r\n"))
    place = cast("re.Match[str]", _SPACE.match(text)).end()
    while place < end:
        if text[place] not in "{[":
            raise json.JSONDecodeError("not an object or an array", text, place)
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError:
            if len(values) < 2 or "\n" in text[place:end] or not _BEGUN.match(text, place):
                raise
            document.cut = True
            return values
        values.append(value)
        place = cast("re.Match[str]", _SPACE.match(text, place)).end()
    if len(values) < 2:
        raise json.JSONDecodeError("not several values", text, 0)
    return values


def _decoder(text: str, document: Document, *, keep_integers: bool) -> json.JSONDecoder:
    begin, end = document.mark[0], document.mark[1]
    maybe_tables = _COLUMNS in text or "\\u" in text

    def keep(text: str) -> str:
        return f"{begin}#{text}#{end}"

    def constant(name: str) -> Json:
        document.exact = False
        return name

    def members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) < len(pairs):
            document.exact = False
            found = _numbered(pairs)
        if maybe_tables and _COLUMNS in found and (_ROWS in found or _GROUPS in found):
            document.tables = False
        return found

    return json.JSONDecoder(
        parse_float=cast("type[float]", keep),
        parse_int=cast("type[int]", keep) if keep_integers else None,
        parse_constant=constant,
        object_pairs_hook=members,
    )


def _numbered(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Every member of an object that has a name twice: the later ones get a number."""
    seen: Counter[str] = Counter()
    found: dict[str, Json] = {}
    for name, value in pairs:
        seen[name] += 1
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = value
    return found
