"""What a project says of itself: the frameworks and providers it depends on, the models its code names.

Nothing is imported or run. What is read is bounded, since a folder may hold anything.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from leanloop.adapters.cli.init_dependencies import declared, locked
from leanloop.adapters.cli.init_text import text_of
from leanloop.adapters.traces.fields import at, listed
from leanloop.budgets.price_table import current_table
from leanloop.plugins.shorten.json_read import is_list

__all__ = ["FRAMEWORKS", "Project", "look_at"]

FRAMEWORKS = {
    "langchain": ("langchain", "langchain-core", "langgraph", "deepagents"),
    "llama-index": ("llama-index", "llama-index-core"),
}
"""The distributions that say which framework a project is built with, and so do those whose names begin with one."""

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
_MOST_INSIDE = 100
"""Projects inside a workspace."""

_LARGEST = 1_000_000
_LARGEST_NOTEBOOK = 10_000_000
_NO_CODE = frozenset({"node_modules", "site-packages", "venv", "env", "__pycache__", "build", "dist"})
_LITERAL = re.compile(r"""["']([A-Za-z0-9][A-Za-z0-9._:/@-]{2,99})["']""")
_IMPORT = re.compile(r"^[ \t]{0,40}(?:from|import)[ \t]{1,20}(\w{1,100})", re.MULTILINE)


class Project(NamedTuple):
    """`models` are those named in the code, the most often named first; `likely` is one to reckon with without any.

    Of `frameworks` the first is the likeliest: one the project names itself comes before one that only its lock or its
    code names, and of several that which the code imports most.
    """

    frameworks: tuple[str, ...]
    models: tuple[str, ...]
    likely: str | None


def look_at(folder: Path) -> Project:
    """Read what the project depends on, and the code below `folder`, notebooks included."""
    named, chosen = _declared(folder), locked(folder)
    counted, imported = Counter[str](), Counter[str]()
    for text in _code(folder):
        counted.update(filter(_is_model, _LITERAL.findall(text)))
        imported.update(of for name in _IMPORT.findall(text) for of in _built_with(name.replace("_", "-")))
    likely = next(
        (model for end, model in _PROVIDERS.items() if any(_ends(name, end) for name in named | chosen)), None
    )
    models = tuple(sorted(counted, key=lambda name: (-counted[name], name)))
    return Project(_frameworks(named, chosen, imported), models, likely)


def _declared(folder: Path) -> frozenset[str]:
    """What the project asks for itself or, where that is no framework, what the projects inside it do (a workspace)."""
    named = declared(folder)
    if any(_built_with(name) for name in named):
        return named
    inside = [place for pattern in ("*/", "*/*/") for place in sorted(folder.glob(pattern)) if not place.is_symlink()]
    own = [place for place in inside if not any(map(_left_out, (place, place.parent)))]
    return named.union(*map(declared, own[:_MOST_INSIDE]))


def _built_with(package: str) -> list[str]:
    """The framework that a package is, or is an integration of."""
    return [
        framework
        for framework, packages in FRAMEWORKS.items()
        if any(package == name or package.startswith(f"{name}-") for name in packages)
    ]


def _frameworks(named: frozenset[str], chosen: frozenset[str], imported: Counter[str]) -> tuple[str, ...]:
    for names in (named, chosen):
        found = {framework for name in names for framework in _built_with(name)}
        if found:
            return tuple(sorted(found, key=lambda name: (-imported[name], name)))
    return tuple(name for name, _ in imported.most_common())


def _ends(name: str, provider: str) -> bool:
    """Whether a package is of a provider: ``openai``, ``langchain-openai``, ``llama-index-llms-openai``."""
    return name == provider or name.endswith(f"-{provider}")


def _code(folder: Path) -> Iterator[str]:
    """The texts of the project's own Python files and notebooks; links are not followed."""
    read = 0
    for number, (place, folders, files) in enumerate(os.walk(folder)):
        if number >= _MOST_FOLDERS:
            return
        folders[:] = sorted(name for name in folders if not _left_out(Path(place, name)))
        for name in sorted(files):
            file = Path(place, name)
            if name.endswith((".py", ".ipynb")) and not file.is_symlink():
                if read >= _MOST_FILES:
                    return
                read += 1
                yield _cells(text_of(file, _LARGEST_NOTEBOOK)) if name.endswith(".ipynb") else text_of(file, _LARGEST)


def _cells(notebook: str) -> str:
    """The code of a notebook (nbformat 4: https://nbformat.readthedocs.io/en/latest/format_description.html)."""
    try:
        value: object = json.loads(notebook)
    except (ValueError, RecursionError):
        return ""
    lines: list[str] = []
    for cell in listed(at(value, "cells")):
        source = at(cell, "source") if at(cell, "cell_type") == "code" else None
        parts = source if is_list(source) else [source]
        lines.append("".join(part for part in parts if isinstance(part, str)))
    return "\n".join(lines)


def _left_out(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _NO_CODE or (folder / "pyvenv.cfg").exists()


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
