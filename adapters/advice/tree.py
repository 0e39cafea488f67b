"""Budget files as plain values, and changes laid over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from leanloop.budgets.budget import DEFAULT_LIMITS, Budget
from leanloop.budgets.file_toml import read_toml
from leanloop.budgets.file_yaml import read_yaml
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["budget_of", "changed", "tree_in"]


def tree_in(path: Path) -> dict[str, object]:
    """What a budget file says as it is written: nothing of the environment is laid over it.

    Raises:
        BudgetFileError: it is neither YAML nor TOML.
    """
    text = path.read_text(encoding="utf-8-sig")
    read = read_toml if path.suffix.lower() == ".toml" else read_yaml
    return read(text, file=str(path)).tree


def changed(tree: Mapping[str, object], changes: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """The file with these keys: what a mapping names goes into the file's own, limits are added to its own."""
    new = dict(tree)
    for keys in changes:
        for key, value in keys.items():
            own = new.get(key)
            if key == "limits" and is_list(value):
                new[key] = [*(own if is_list(own) else _default_limits()), *value]
            elif is_object(value) and is_object(own):
                new[key] = {**own, **value}
            else:
                new[key] = value
    return new


def _default_limits() -> list[object]:
    """Those of a file that names none, which they are lost to as soon as it names one."""
    return [{"per": limit.per, "cycles": limit.cycles} for limit in DEFAULT_LIMITS]


def budget_of(tree: Mapping[str, object]) -> Budget:
    """The budget; of values that `changed` has put together it is one.

    Raises:
        ValidationError: pydantic's, for what is none.
    """
    return Budget.model_validate(tree)
