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
_LARGEST_NOTEBOOK = 10_000_000
_NO_CODE = frozenset({"node_modules", "site-packages", "venv", "env", "__pycache__", "build", "dist"})
_LITERAL = re.compile(r"""["']([A-Za-z0-9][A-Za-z0-9._:/@-]{2,99})["']""")
_IMPORT = re.compile(r"^[ \t]{0,40}(?:from|import)[ \t]{1,20}(\w{1,100})", re.MULTILINE)
_IMPORTED = {"langchain": "langchain", "langchain_core": "langchain", "langgraph": "langchain"} | {
    "deepagents": "langchain",
    "llama_index": "llama-index",
}


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
    named, chosen = declared(folder), locked(folder)
    counted, imported = Counter[str](), Counter[str]()
    for text in _code(folder):
        counted.update(filter(_is_model, _LITERAL.findall(text)))
        imported.update(_IMPORTED[name] for name in _IMPORT.findall(text) if name in _IMPORTED)
    likely = next(
        (model for end, model in _PROVIDERS.items() if any(_ends(name, end) for name in named | chosen)), None
    )
    models = tuple(sorted(counted, key=lambda name: (-counted[name], name)))
    return Project(_frameworks(named, chosen, imported), models, likely)


def _frameworks(named: frozenset[str], chosen: frozenset[str], imported: Counter[str]) -> tuple[str, ...]:
    for names in (named, chosen):
        found = [name for name, packages in FRAMEWORKS.items() if not names.isdisjoint(packages)]
        if found:
            return tuple(sorted(found, key=lambda name: -imported[name]))
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
