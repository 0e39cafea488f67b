"""Reads the small, safe part of YAML that a budget file needs, and remembers the line of every value.

It works on PyYAML's event stream and builds only mappings, lists and scalars: no tags (so nothing is ever
constructed), no anchors and aliases (so nothing multiplies), one document, a bounded depth. Numbers are plain
decimals: YAML 1.1 would read ``017`` as 15 and ``1:30`` as 90 (yaml.org/type/int.html), so both are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import yaml

from leanloop.budgets.document import Document, Path, label
from leanloop.budgets.fields import shown
from leanloop.errors import BudgetFileError, UsageError

__all__ = ["plain_scalar", "read_yaml"]

_DEEPEST = 8
_MOST_VALUES = 10_000
_LONGEST_NUMBER = 40
# The patterns of YAML 1.1 as PyYAML resolves them, so that a text it writes without quotes is read as a text here.
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_DECIMAL = re.compile(r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
_ODD = re.compile(
    r"[-+]?(?:0b[01_]+|0[0-7_]+|0x[0-9a-fA-F_]+"  # binary, octal, hexadecimal
    r"|[1-9][0-9_]*(?::[0-5]?[0-9])+|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"  # base 60
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_SWITCHES = {
    spelling: value
    for value, words in ((True, ("yes", "on", "true")), (False, ("no", "off", "false")))
    for word in words
    for spelling in (word, word.title(), word.upper())
}
_EMPTY = {"", "~", "null", "Null", "NULL"}
_HINTS = {
    "'\\t'": "; use spaces in place of the tab",
    "mapping values are not allowed": "; a text with a colon in it needs quotes, and keys of one mapping stand one "
    "below the other",
    "sequence entries are not allowed": "; a list begins on a line of its own, or stands in brackets",
    "could not find expected ':'": "; a key needs a colon behind it",
    "expected <block end>": "; indent the keys of one mapping alike",
    "found unexpected end of stream": "; close the quotes of a text that begins further up",
    "expected ',' or": "; close the bracket that opens in line {line}, or put a comma between its items",
}
"""What to do about the slips people make, by a part of PyYAML's own words."""

_NO_ALIASES = "anchors (&) and aliases (*) are not allowed; write the value out"


def plain_scalar(text: str) -> object:
    """What a scalar without quotes means: int, Decimal, bool, None, or the text itself.

    Raises:
        UsageError: YAML reads the text as a number, but not as the one people would.
    """
    whole, decimal = _WHOLE.fullmatch(text), _DECIMAL.fullmatch(text)
    if _ODD.fullmatch(text) or ((whole or decimal) and len(text) > _LONGEST_NUMBER):
        raise UsageError(
            f"{shown(text)} is not a plain decimal number; write digits such as 200_000 or 0.50, "
            "or put it in quotes if it is a name"
        )
    if whole:
        return int(text.replace("_", ""))
    if decimal:
        return Decimal(text.replace("_", ""))
    return None if text in _EMPTY else _SWITCHES.get(text, text)


def read_yaml(text: str, *, file: str) -> Document:
    """Read the text of a YAML budget file.

    Raises:
        BudgetFileError: it is not YAML, or uses what a budget file may not hold. Values that are merely wrong are
            noted in ``Document.problems``.
    """
    reader = _Reader(file)
    try:
        reader.read(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        column = "" if mark is None else f" (column {mark.column + 1})"
        problem = error.problem or "it cannot be read"
        hint = next((hint for part, hint in _HINTS.items() if part in problem), "")
        hint = hint.replace("{line}", str(error.context_mark.line + 1 if error.context_mark else 1))
        message = f"this is not YAML: {problem}{column}{hint}"
        raise BudgetFileError(message, file=file, line=None if mark is None else mark.line + 1) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"the character {chr(error.character)!r} may not stand in a YAML file"
        raise BudgetFileError(message, file=file, line=line) from None
    except (ValueError, OverflowError):  # PyYAML lets these out of escapes and directives
        raise BudgetFileError("this is not YAML: a number in an escape or directive is too large", file=file) from None
    return reader.document


class _Reader:
    """Builds a document from events, one method for each kind of value."""

    def __init__(self, file: str) -> None:
        self.document = Document(file)

    def read(self, events: Iterator[yaml.Event]) -> None:
        top = next((event for event in events if isinstance(event, yaml.NodeEvent)), None)
        if top is None or (isinstance(top, yaml.ScalarEvent) and top.value == ""):
            raise self._refusal(None, "the file is empty; it needs at least the line agent: NAME")
        if not isinstance(top, yaml.MappingStartEvent):
            kind = "a list" if isinstance(top, yaml.SequenceStartEvent) else "a single value"
            raise self._refusal(top, f"the file must hold keys such as agent: NAME, not {kind}")
        self._check(top, ())
        self.document.tree = self._mapping(events, ())
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise self._refusal(event, "a second document begins here; a budget file holds one agent")

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> object:
        self._check(event, path)
        self.document.places.setdefault(path, _line(event))
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(events, path)
            case yaml.SequenceStartEvent():
                return self._sequence(events, path)
            case yaml.ScalarEvent():
                return self._scalar(event, path)
            case _:
                raise self._refusal(event, _NO_ALIASES)

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            self._check(event, path)
            if not isinstance(event, yaml.ScalarEvent):
                raise self._refusal(event, "a key must be a single word, not a list or a mapping")
            key, line = event.value, _line(event)
            inner = (*path, key)
            if key in mapping:
                first = self.document.places[inner]
                again = (*inner, line)  # a place of its own, so that the first one's value stays as it is
                self.document.places[again] = line
                self.document.report(again, f"the key {shown(key)} stands here and in line {first}; keep one")
                self._value(next(events), events, again)
                continue
            self.document.places[inner] = line
            mapping[key] = self._value(next(events), events, inner)
        return mapping

    def _sequence(self, events: Iterator[yaml.Event], path: Path) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._value(event, events, (*path, len(items))))
        return items

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> object:
        if event.style is not None:  # in quotes, or a block of text
            return event.value
        try:
            value = plain_scalar(event.value)
        except UsageError as error:
            self.document.report(path, f"{label(path)}: {error}")
            return event.value
        if value is None:
            self.document.report(path, f"{label(path)} has no value; give it one or take it out")
        return value

    def _check(self, event: yaml.Event, path: Path) -> None:
        """Refuse what no budget file needs and a hostile one might use."""
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if event.anchor is not None:
                raise self._refusal(event, _NO_ALIASES)
            if event.tag is not None:
                raise self._refusal(event, "tags (!) are not allowed; write the plain value")
        if len(self.document.places) > _MOST_VALUES:
            raise self._refusal(event, f"more than {_MOST_VALUES:,} values; a budget file is a few lines")
        if len(path) > _DEEPEST:
            raise self._refusal(event, f"nested more than {_DEEPEST} levels deep; no key of a budget file is")

    def _refusal(self, event: yaml.Event | None, message: str) -> BudgetFileError:
        return BudgetFileError(message, file=self.document.file, line=None if event is None else _line(event))


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1
