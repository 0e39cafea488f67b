"""The packages a project says it depends on: what its own files name, and what its lock files hold beside that.

Read are pyproject.toml (PEP 621, PEP 735, Poetry, PDM, uv, Hatch), requirements files and what they include, setup.cfg,
Pipfile, environment.yml; of locks uv.lock, poetry.lock, pdm.lock, pylock.toml (PEP 751) and Pipfile.lock. Nothing is
imported or run. What is read is bounded, since a folder may hold anything.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from leanloop.adapters.cli.init_text import text_of
from leanloop.adapters.traces.fields import at, listed
from leanloop.plugins.shorten.json_read import is_object

__all__ = ["declared", "locked"]

_LARGEST = 1_000_000
_LARGEST_LOCK = 20_000_000
_MOST_FILES = 40
_IN_LINES = ("requirements*.txt", "requirements*.in", "requirements/*.txt", "requirements/*.in", "setup.cfg")
_CONDA = ("environment.yml", "environment.yaml")
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pylock.*.toml")
_REQUIREMENT = re.compile(r"\s{0,20}(?:-\s{1,20})?['\"]?([A-Za-z0-9][A-Za-z0-9._-]{0,99})")
_INCLUDED = re.compile(r"\s{0,20}(?:-r|-c|--requirement|--constraint)[\s=]{1,20}(\S{1,400})")


def declared(folder: Path) -> frozenset[str]:
    """What the project asks for itself, under the names that packages are compared by (PEP 503)."""
    found = [*_named_in(_toml(folder / "pyproject.toml", _LARGEST)), *_tables(_toml(folder / "Pipfile", _LARGEST))]
    files = [file for pattern in (*_IN_LINES, *_CONDA) for file in sorted(folder.glob(pattern))]
    return _compared([*found, *_lines(folder, files)])


def locked(folder: Path) -> frozenset[str]:
    """What was chosen for it, the dependencies of its dependencies too."""
    found: list[str] = []
    for file in [file for pattern in _LOCKS for file in sorted(folder.glob(pattern))][:_MOST_FILES]:
        table = _toml(file, _LARGEST_LOCK)
        names = (at(package, "name") for key in ("package", "packages") for package in listed(table.get(key)))
        found += [name for name in names if isinstance(name, str)]
    return _compared([*found, *_tables(_json(folder / "Pipfile.lock"))])


def _lines(folder: Path, files: list[Path]) -> Iterator[str]:
    """The first word of each line, in these files and in those they include, inside the project alone."""
    root, seen = folder.resolve(), set[Path]()
    while files and len(seen) < _MOST_FILES:
        file = files.pop(0)
        try:
            place = file.resolve()
        except (OSError, RuntimeError):  # links in a circle
            continue
        if place in seen or not place.is_relative_to(root):
            continue
        seen.add(place)
        for line in text_of(file, _LARGEST).splitlines():
            if included := _INCLUDED.match(line):
                if len(files) < _MOST_FILES:
                    files.append(file.parent / included[1])
            else:
                yield from _name_in(line)


def _named_in(pyproject: dict[str, object]) -> Iterator[str]:
    """The requirements in it: texts of lists below a key about dependencies, and keys of tables there."""
    waiting = [(pyproject, False)]
    while waiting:
        table, inside = waiting.pop()
        for key, inner in table.items():
            about = inside or "dependencies" in key or key == "dependency-groups"
            if about:
                yield from _name_in(key)  # Poetry's; a group's name is that of no package, or of what it is for
                yield from (name for one in listed(inner) if isinstance(one, str) for name in _name_in(one))
            waiting.append((_table(inner), about))


def _tables(value: dict[str, object]) -> Iterator[str]:
    """The packages in a Pipfile or its lock, which are keys."""
    for key in ("packages", "dev-packages", "default", "develop"):
        yield from _table(value.get(key))


def _name_in(requirement: str) -> list[str]:
    found = _REQUIREMENT.match(requirement)
    return [found[1]] if found else []


def _compared(names: list[str]) -> frozenset[str]:
    return frozenset(re.sub(r"[-_.]+", "-", name).lower() for name in names)


def _toml(file: Path, largest: int) -> dict[str, object]:
    try:
        return tomllib.loads(text_of(file, largest))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _json(file: Path) -> dict[str, object]:
    try:
        return _table(json.loads(text_of(file, _LARGEST_LOCK)))
    except (ValueError, RecursionError):
        return {}


def _table(value: object) -> dict[str, object]:
    return value if is_object(value) else {}
