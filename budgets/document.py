"""A budget file as read: plain values, and where each of them was written.

The readers (``file_yaml``, ``file_toml``) fill it, ``environment`` writes over it, ``file`` checks it. Problems are
gathered, not raised one by one, so that a file is put right in one go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn, cast

from leanloop.budgets.fields import shown
from leanloop.budgets.origin import Origin
from leanloop.errors import BudgetFileError

__all__ = ["Document", "Path", "Problem", "inside", "label"]

Path = tuple[str | int, ...]
"""The way to a value: keys and positions, such as ``("limits", 0, "usd")``."""

_MOST_SHOWN = 20
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``place`` is a line of the file, the name of an environment variable, or unknown."""

    message: str
    place: int | str | None


@dataclass(slots=True)
class Document:
    """The values of one file.

    Attributes:
        file: the path as the user gave it.
        tree: what the file says, as mappings, lists and scalars.
        places: where a value was written: its 1-based line, or the environment variable that set it.
        find: looks a line up that is not in ``places``; for readers that keep no positions.
        problems: what was found wrong so far, by where; at most one for a value and all that is in it.
    """

    file: str
    tree: dict[str, object] = field(default_factory=dict[str, object])
    places: dict[Path, int | str] = field(default_factory=dict[Path, int | str])
    find: Callable[[Path], int | None] = lambda _: None
    problems: dict[Path, Problem] = field(default_factory=dict[Path, Problem])

    def place(self, path: Path) -> int | str | None:
        """Where the value at ``path``, or else the nearest one around it, was written."""
        around = (path[:n] for n in range(len(path), -1, -1))
        known = next((self.places[outer] for outer in around if outer in self.places), None)
        return self.find(path) if known is None else known

    def report(self, path: Path, message: str, *, place: int | str | None = None) -> None:
        """Note a problem, unless the same value is known to be wrong already. ``place`` where ``path`` has none."""
        if not any(path[:n] in self.problems for n in range(len(path) + 1)):
            self.problems[path] = Problem(message, self.place(path) if place is None else place)

    def origin(self) -> Origin:
        """Where each of its values stands, for as long as the budget lives."""
        places = {path: place for path in _paths(self.tree, ()) if (place := self.place(path)) is not None}
        return Origin(self.file, places)

    def refuse(self) -> NoReturn:
        """Raise all problems as one error, those of the file first and in its order."""
        ordered = sorted(self.problems.values(), key=_by_line)
        first = ordered[0]
        lines = [first.message, *(f"{self._origin(p.place)}: {p.message}" for p in ordered[1:_MOST_SHOWN])]
        if len(ordered) > _MOST_SHOWN:
            lines.append(f"... and {len(ordered) - _MOST_SHOWN} more")
        if isinstance(first.place, str):
            raise BudgetFileError("\n".join(lines), file=first.place)
        raise BudgetFileError("\n".join(lines), file=self.file, line=first.place)

    def _origin(self, place: int | str | None) -> str:
        if isinstance(place, str):
            return place
        return self.file if place is None else f"{self.file}:{place}"


def label(path: Path) -> str:
    """The value at ``path`` as a message calls it: ``'usd' in limits item 2``, ``'limits' item 2``."""
    match path:
        case (*outer, str(key)):
            return f"{shown(key)}{inside(tuple(outer))}"
        case (*outer, str(key), int(position)):
            return f"{shown(key)} item {position + 1}{inside(tuple(outer))}"
        case _:
            return "the file"


def inside(path: Path) -> str:
    """Where that is, to put behind the name of a key: `` in cache.tools``, `` in limits item 2``; empty at the top."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f" item {part + 1}"
        else:
            words += f"{'.' if words else ''}{part if _PLAIN.fullmatch(part) else shown(part)}"
    return f" in {words}" if words else ""


def _paths(value: object, path: Path) -> Iterator[Path]:
    """The ways to all that is in a value."""
    if isinstance(value, dict):
        inner: Iterable[tuple[str | int, object]] = cast("dict[str, object]", value).items()
    else:
        inner = enumerate(cast("list[object]", value)) if isinstance(value, list) else ()
    for part, one in inner:
        yield (*path, part)
        yield from _paths(one, (*path, part))


def _by_line(problem: Problem) -> tuple[bool, int | str]:
    """Lines of the file in order, then variables by name; what has no place comes first."""
    return (isinstance(problem.place, str), 0 if problem.place is None else problem.place)
