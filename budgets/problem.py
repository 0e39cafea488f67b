"""Says what is wrong with a budget in the words of its file: the key, the value, the nearest valid key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import cast, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from leanloop.budgets.budget import Budget
from leanloop.budgets.document import Path, label
from leanloop.budgets.fields import shown

__all__ = ["explain", "nearest"]

_LONGEST_KEY = 60


def nearest(word: str, words: Sequence[str]) -> str:
    """What to put after an unknown word: the one that was probably meant, or else all there are."""
    close = get_close_matches(word.lower(), words, n=1) if len(word) <= _LONGEST_KEY else []
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(words)}"


def explain(error: ErrorDetails, tree: Mapping[str, object]) -> tuple[Path, str]:
    """The path of a pydantic error in the file's own values, and the error in a sentence."""
    path = _path_in(tree, error["loc"])
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden":
        key = str(path[-1])
        return path, f"unknown key {shown(key)}; {nearest(key, _keys_around(path))}"
    if kind == "missing":
        return path, f"the key {str(error['loc'][-1])!r} is missing"
    if kind == "literal_error":
        message = f"must be {error.get('ctx', {}).get('expected')}, not {shown(error['input'])}"
    elif kind in {"model_type", "mapping_type", "dict_type"}:
        message = f"must be a mapping of keys, not {shown(error['input'])}"
    elif kind == "tuple_type":
        message = f"must be a list, not {shown(error['input'])}"
    return path, f"{label(path)} {message}"


def _path_in(tree: Mapping[str, object], loc: Path) -> Path:
    """``loc`` without what pydantic adds to it, such as the branch of a union, and without keys that are absent."""
    path: list[str | int] = []
    value: object = tree
    for part in loc:
        if isinstance(value, dict) and part in value:
            value = cast("dict[str | int, object]", value)[part]
        elif isinstance(value, list) and isinstance(part, int):
            value = cast("list[object]", value)[part]
        else:
            continue
        path.append(part)
    return tuple(path)


def _keys_around(path: Path) -> list[str]:
    """The keys of the model in which the last key of ``path`` stands."""
    model: type[BaseModel] = Budget
    for part in path[:-1]:
        field = model.model_fields.get(str(part))
        model = (field and _model_in(field.annotation)) or model
    return list(model.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
