"""Reading a whole result back by a JSON path (RFC 9535), in a time that is bounded by its size."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, SupportsIndex, cast

from jsonpath_rfc9535 import JSONPathEnvironment
from jsonpath_rfc9535.exceptions import JSONPathError, JSONPathSyntaxError
from jsonpath_rfc9535.parse import Parser
from jsonpath_rfc9535.tokens import TokenStream

from leanloop.plugins.results.part import Part, Wrong, take

__all__ = ["read_path"]

_LONGEST = 500
"""Characters of a path."""

_TIMES = 20
"""How often a path may look at each value on average: a descent looks at one once for each level it lies below."""

_WRITTEN = 4
"""How often a text's length a path's values may be written: those within others come again."""

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def read_path(text: str, path: str, page: int, tokens: int, count: Callable[[str], int]) -> Part:
    """The values at `path`, a line of JSON each, behind their own paths where there are several.

    A text of one JSON value a line is read as a list of them. `page` is where in all of that to go on.

    Raises:
        Wrong: no JSON, no path, one that would take too long, or a page behind the end.
    """
    meter = _Meter()
    root = _read(text, meter)
    meter.left = _TIMES * meter.values + 1000
    found = _Written(_lines(root, path), page, most=_WRITTEN * len(text) + 1000)
    try:
        found.read_to(page + tokens * 16 + 1)
    except _TooMuch:
        raise Wrong("This path looks at too many values; name more of the way to what you want.") from None
    except RecursionError:
        raise Wrong("This JSON or this path is nested too deeply; read by lines or search instead.") from None
    except JSONPathError as error:
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
            piece = f"\n{line}" if self.nodes else line
            self._pieces.append(piece[max(0, self._page - self.end) :])
            self.nodes += 1
            self.end += len(piece)
            if self.end > self._most:
                raise _TooMuch
            if self.end >= end:
                return
        self.complete = True


def _lines(root: object, path: str) -> Iterator[str]:
    if len(path) > _LONGEST:
        raise Wrong(f"path is at most {_LONGEST} characters.")
    query = _ENVIRONMENT.compile(path if path.startswith("$") else f"$.{path}" if path[:1] != "[" else f"${path}")
    if query.singular_query():
        yield from (_ENCODE(node.value) for node in query.finditer(cast("Any", root)))
    else:
        yield from (f"{node.path()}: {_ENCODE(node.value)}" for node in query.finditer(cast("Any", root)))


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
    """Counts the values of a document while it is read, then those that a path looks at."""

    def __init__(self) -> None:
        self.values = 0
        self.left = 1 << 62

    def spend(self, values: int) -> None:
        self.left -= values
        if self.left < 0:
            raise _TooMuch


class _List(list[Any]):
    meter: _Meter

    def __iter__(self) -> Iterator[Any]:
        self.meter.spend(len(self) + 1)
        return super().__iter__()

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        self.meter.spend(1 if not isinstance(key, slice) else len(self) + 1)
        return super().__getitem__(key)


class _Dict(dict[str, Any]):
    meter: _Meter

    def items(self) -> Any:
        self.meter.spend(len(self) + 1)
        return super().items()

    def __getitem__(self, key: str) -> Any:
        self.meter.spend(1)
        return super().__getitem__(key)


def _read(text: str, meter: _Meter) -> object:
    def metered(value: Any) -> Any:
        if type(value) is list:
            several = _List(map(metered, cast("Iterable[object]", value)))
            several.meter = meter
            meter.values += len(several)
            return several
        return value

    def members(pairs: list[tuple[str, Any]]) -> _Dict:
        mapping = _Dict((name, metered(value)) for name, value in pairs)
        mapping.meter = meter
        meter.values += len(mapping)
        return mapping

    decode = json.JSONDecoder(object_pairs_hook=members).decode
    try:
        try:
            return metered(decode(text))
        except ValueError:
            return metered([decode(line) for line in text.split("\n") if line.strip()])
    except (ValueError, RecursionError):
        raise Wrong("This result is no JSON; read it by lines or search.") from None
