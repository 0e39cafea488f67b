"""What a project says of itself: the frameworks and providers it depends on, the models its code names.

Nothing is imported or run. What is read is bounded, since a folder may hold anything.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

from leanloop.budgets.price_table import current_table

__all__ = ["FRAMEWORKS", "Project", "look_at"]

FRAMEWORKS = {
    "langchain": ("langchain", "langchain-core", "langgraph", "deepagents"),
    "llama-index": ("llama-index", "llama-index-core"),
}
"""The distributions that say which framework a project is built with."""

_PROVIDERS = {
    "openai": "gpt-4.1-mini",
    "anthropic": "claude-haiku-4-5",
    "google-genai": "gemini-2.5-flash",
    "mistralai": "mistral-small-latest",
    "deepseek": "deepseek-chat",
}
"""A model of each provider to reckon with where the code names none; the providers by the end of a package's name."""

_MOST_FILES = 2_000
_MOST_FOLDERS = 20_000
_LARGEST = 1_000_000
_LARGEST_LOCK = 20_000_000
_NO_CODE = frozenset({"node_modules", "site-packages", "venv", "env", "__pycache__", "build", "dist"})
_REQUIREMENT = re.compile(r"\s{0,20}([A-Za-z0-9][A-Za-z0-9._-]{0,99})")
_LITERAL = re.compile(r"""["']([A-Za-z0-9][A-Za-z0-9._:/@-]{2,99})["']""")


class Project(NamedTuple):
    """`models` are those named in the code, the most often named first; `likely` is one to reckon with without any."""

    frameworks: tuple[str, ...]
    models: tuple[str, ...]
    likely: str | None


def look_at(folder: Path) -> Project:
    """Read the dependencies (pyproject.toml, uv.lock, requirements*.txt) and the code below `folder`."""
    names = frozenset(re.sub(r"[-_.]+", "-", name).lower() for name in _dependencies(folder))
    frameworks = tuple(name for name, packages in FRAMEWORKS.items() if not names.isdisjoint(packages))
    likely = next((model for end, model in _PROVIDERS.items() if any(_ends(name, end) for name in names)), None)
    counted: Counter[str] = Counter()
    for text in _code(folder):
        counted.update(filter(_is_model, _LITERAL.findall(text)))
    return Project(frameworks, tuple(sorted(counted, key=lambda name: (-counted[name], name))), likely)


def _ends(name: str, provider: str) -> bool:
    """Whether a package is of a provider: ``openai``, ``langchain-openai``, ``llama-index-llms-openai``."""
    return name == provider or name.endswith(f"-{provider}")


def _dependencies(folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob("requirements*.txt"))[:20]:
        for line in _text(file, _LARGEST).splitlines():
            yield from _name_in(line)
    for requirement in _strings(_toml(folder / "pyproject.toml", _LARGEST)):
        yield from _name_in(requirement)
    packages = _toml(folder / "uv.lock", _LARGEST_LOCK).get("package")
    for package in cast("list[object]", packages) if isinstance(packages, list) else []:
        name = cast("dict[str, object]", package).get("name") if isinstance(package, dict) else None
        if isinstance(name, str):
            yield name


def _strings(table: dict[str, object]) -> Iterator[str]:
    """The requirements of a pyproject.toml, and Poetry's, which are keys."""
    project, tool = _table(table, "project"), _table(table, "tool")
    groups = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    groups += _table(table, "dependency-groups").values()
    for group in groups:
        if isinstance(group, list):
            yield from (one for one in cast("list[object]", group) if isinstance(one, str))
    poetry = _table(tool, "poetry")
    yield from _table(poetry, "dependencies")
    for group in _table(poetry, "group").values():
        if isinstance(group, dict):
            yield from _table(cast("dict[str, object]", group), "dependencies")


def _table(table: dict[str, object], key: str) -> dict[str, object]:
    value = table.get(key)
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _name_in(requirement: str) -> list[str]:
    found = _REQUIREMENT.match(requirement)
    return [found[1]] if found else []


def _toml(file: Path, largest: int) -> dict[str, object]:
    try:
        return tomllib.loads(_text(file, largest))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _code(folder: Path) -> Iterator[str]:
    """The texts of the project's own Python files; links are not followed."""
    read = 0
    for number, (place, folders, files) in enumerate(os.walk(folder)):
        if number >= _MOST_FOLDERS:
            return
        folders[:] = sorted(name for name in folders if not _left_out(Path(place, name)))
        for name in sorted(files):
            file = Path(place, name)
            if name.endswith(".py") and not file.is_symlink():
                if read >= _MOST_FILES:
                    return
                read += 1
                yield _text(file, _LARGEST)


def _left_out(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _NO_CODE or (folder / "pyvenv.cfg").exists()


def _text(file: Path, largest: int) -> str:
    """Empty for what is no ordinary file, is too large, or cannot be read."""
    try:
        if not file.is_file() or file.stat().st_size > largest:
            return ""
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _is_model(literal: str) -> bool:
    """Whether the price list has it as it stands, or behind its provider: ``openai:gpt-4.1``, ``openai/gpt-4.1``."""
    names = _listed()
    return any(name in names for name in (literal, literal.partition(":")[2], literal.partition("/")[2]))


@lru_cache(maxsize=1)
def _listed() -> frozenset[str]:
    """The models that write text for a price. Names that are plain words are left out: code is full of them."""
    return frozenset(
        model.id
        for provider in current_table().providers
        for model in provider.models
        if any(letter.isdigit() for letter in model.id) and getattr(model.prices, "output_mtok", True)
    )
