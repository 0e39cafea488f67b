"""What is public: every `__all__` holds what it names, and the front doors hold all of it, sorted."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from inspect import isclass, isfunction
from pathlib import Path
from types import ModuleType

import pytest

import leanloop
from leanloop import adapters

DOORS = ("leanloop", *(f"leanloop.adapters.{package.name}" for package in pkgutil.iter_modules(adapters.__path__)))


def modules() -> Iterator[str]:
    yield "leanloop"
    for found in pkgutil.walk_packages(leanloop.__path__, "leanloop."):
        yield found.name


MODULES = sorted(set(modules()))


def exported(module: ModuleType) -> list[str]:
    return list(getattr(module, "__all__", ()))


def defined(module: ModuleType, under: str) -> set[str]:
    """Public functions and classes of a module that were defined in or below `under`."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and (isclass(value) or isfunction(value)) and is_below(value.__module__, under)
    }


def is_below(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def test_the_walk_finds_every_folder() -> None:
    assert {"leanloop.budgets.usage", "leanloop.plugins.task", "leanloop.adapters.langchain.wrap"} <= set(MODULES)
    assert {"leanloop", "leanloop.adapters.cli", "leanloop.adapters.langchain"} <= set(DOORS)


@pytest.mark.parametrize("name", MODULES)
def test_every_exported_name_is_there_and_named_once(name: str) -> None:
    module = importlib.import_module(name)

    names = exported(module)
    assert [name for name in names if not hasattr(module, name)] == []
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", DOORS)
def test_a_front_door_exports_all_it_shows_in_order(name: str) -> None:
    module = importlib.import_module(name)

    assert exported(module) == sorted(exported(module))
    assert defined(module, under=name) <= set(exported(module))


def test_the_front_door_knows_its_version() -> None:
    assert leanloop.__version__.count(".") == 2


def test_every_error_is_at_the_front_door() -> None:
    errors = importlib.import_module("leanloop.errors")

    assert set(exported(errors)) <= set(leanloop.__all__)
    for name in exported(errors):
        assert issubclass(getattr(leanloop, name), leanloop.LeanLoopError)


def test_the_public_names_are_those_the_page_on_releases_lists() -> None:
    page = (Path(__file__).parents[1] / "docs" / "releasing.md").read_text(encoding="utf-8")
    listed = {
        door: re.findall(r"`(\w+)`", names)
        for door, names in re.findall(r"^- \*\*([\w.]+)\*\*: (.+?)\n\n", page, flags=re.MULTILINE | re.DOTALL)
    }

    assert {"leanloop", "leanloop.adapters.langchain", "leanloop.adapters.llama_index"} <= set(listed)
    assert listed == {door: sorted(exported(importlib.import_module(door))) for door in listed}
