"""Reading a whole result back by a JSON path (RFC 9535), in a time that is bounded by its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Self, SupportsIndex, cast

from jsonpath_rfc9535 import JSONPathEnvironment
from jsonpath_rfc9535.exceptions import JSONPathError, JSONPathSyntaxError
from jsonpath_rfc9535.parse import Parser
from jsonpath_rfc9535.tokens import TokenStream

from leanloop.plugins.results.part import Part, Wrong, take
from leanloop.plugins.shorten.json_read import Document, read_json, read_values

__all__ = ["read_path"]

_LONGEST = 500
"""Characters of a path."""

_LOOKS = 2
"""Values that a path may look at for each character of the text: four times all of them at least, since a value has
two, and about twenty times as a rule. Two descents look at a value once for each level it lies below."""

_QUICK = 16
"""Values that are copied in the time in which one is looked at, or more."""

_WRITTEN = 4
"""How often a text's length a path's values may be written: those within others come again."""

_SMALL = 100_000
"""Looks and characters that are no matter, however short the text."""


def read_path(text: str, path: str, page: int, tokens: int, count: Callable[[str], int]) -> Part:
    """The values at `path`, a line of JSON each, behind their own paths where there are several.

    A text of one JSON value a line is read as a list of them, and text around JSON is passed over. Numbers come as they
    stand there (1.10, 1e5); names that come twice in an object, and NaN, as in shortened JSON. `page` is where in all
    of that to go on.

    Raises:
        Wrong: no JSON, no path, one that would take too long, or a page behind the end.
    """
    document = _read(text)
    root = _Meter(_LOOKS * len(text) + _SMALL, document).over(document.value)
    found = _Written(_lines(root, path, document), page, most=_WRITTEN * len(text) + _SMALL)
    try:
        found.read_to(page + tokens * 16 + 1)
    except _TooMuch:
        raise Wrong("This path looks at too many values; name more of the way to what you want.") from None
    except (JSONPathError, RecursionError) as error:
        raise Wrong(f"The path cannot be used: {' '.join(str(error).split())[:200]}") from None
    if not found.nodes:
        return Part("0 values at this path", "")
    if page >= found.end:
        raise Wrong(f"The values at this path have {found.end} characters; page is less.")
    stop = take(found.text, 0, len(found.text), tokens, count)
    more = stop < len(found.text) or not found.complete
    values = f"{found.nodes}{'' if found.complete else ' or more'} values at this path"
    return Part(f"{values}, from character {page}", found.text[:stop], page + stop if more else None)


class _Written:
    """The lines as far as they are wanted, from the character `page` on."""

    def __init__(self, lines: Iterator[str], page: int, most: int) -> None:
        self._lines = lines
        self._page, self._most = page, most
        self._pieces: list[str] = []
        self.end = 0
        self.nodes = 0
        self.complete = False

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def read_to(self, end: int) -> None:
        for line in self._lines:
            if self.end >= end:
                return
            piece = f"\n{line}" if self.nodes else line
            self._pieces.append(piece[max(0, self._page - self.end) :])
            self.nodes += 1
            self.end += len(piece)
            if self.end > self._most:
                raise _TooMuch
        self.complete = True


def _lines(root: object, path: str, document: Document) -> Iterator[str]:
    if len(path) > _LONGEST:
        raise Wrong(f"path is at most {_LONGEST} characters.")
    query = _ENVIRONMENT.compile(path if path.startswith("$") else f"$.{path}" if path[:1] != "[" else f"${path}")
    if query.singular_query():
        yield from (_written(node.value, document) for node in query.finditer(cast("Any", root)))
    else:
        yield from (f"{node.path()}: {_written(node.value, document)}" for node in query.finditer(cast("Any", root)))


def _written(value: object, document: Document) -> str:
    return document.write(value.raw if isinstance(value, _List | _Dict | _Number) else value)


class _Parser(Parser):
    def parse_root_query(self, stream: TokenStream) -> NoReturn:
        # $ in a filter would be looked up anew for each value: quadratic.
        raise JSONPathSyntaxError("$ within a filter is not supported, only @", token=stream.current)


class _Environment(JSONPathEnvironment):
    parser_class = _Parser

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        for name in ("match", "search"):  # regular expressions can be made to run for ever
            del self.function_extensions[name]


_ENVIRONMENT = _Environment()


class _TooMuch(Exception):
    pass


class _Meter:
    """Counts the values that a path looks at."""

    def __init__(self, most: int, document: Document) -> None:
        self._left = most
        self._document = document

    def spend(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise _TooMuch

    def over(self, value: object) -> object:
        """A value whose own values are counted when they are looked at."""
        if isinstance(value, dict):
            return _Dict(cast("dict[str, object]", value), self)
        if isinstance(value, list):
            return _List(cast("list[object]", value), self)
        number = self._document.number(value)
        return value if number is None else _Number(number, value)


class _Number(float):
    """A number as filters compare it; written as it stood in the text."""

    raw: object

    def __new__(cls, text: str, raw: object) -> Self:
        number = super().__new__(cls, text)
        number.raw = raw
        return number


class _List(list[object]):
    """A list as the library takes it; its values become such themselves where a path comes to them."""

    def __init__(self, raw: list[object], meter: _Meter) -> None:
        super().__init__(raw)
        meter.spend(1 + len(raw) // _QUICK)
        self.raw = raw
        self._meter = meter

    def __iter__(self) -> Iterator[object]:
        for value in self.raw:
            self._meter.spend(1)
            yield self._meter.over(value)

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        if isinstance(key, slice):
            several = self.raw[key]
            self._meter.spend(len(several))
            return [self._meter.over(value) for value in several]
        return self._meter.over(self.raw[key])


class _Dict(dict[str, object]):
    """The same of an object."""

    def __init__(self, raw: dict[str, object], meter: _Meter) -> None:
        super().__init__(raw)
        meter.spend(1 + len(raw) // _QUICK)
        self.raw = raw
        self._meter = meter

    def items(self) -> Any:
        for name, value in self.raw.items():
            self._meter.spend(1)
            yield name, self._meter.over(value)

    def __getitem__(self, key: str) -> object:
        return self._meter.over(self.raw[key])


def _read(text: str) -> Document:
    """JSON, values one after the other, or JSON with text before and behind it."""
    end = max(text.rfind("}"), text.rfind("]")) + 1
    start = min((start for start in (text.find("{"), text.find("[")) if start >= 0), default=end)
    document = read_json(text) or read_values(text) or read_json(text[start:end])
    if document is None:
        raise Wrong("This result is no JSON; read it by lines or search.")
    return document
