"""Says what is wrong with a budget in the words of its file: the key, the value, the nearest valid key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Literal, cast, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from leanloop.budgets.budget import Budget
from leanloop.budgets.document import Path, inside, label
from leanloop.budgets.fields import shown

__all__ = ["explain", "nearest"]

_LONGEST_KEY = 60
_MOST_KEYS = 8
"""Keys named where a mapping is missing."""

_MOST_HOMES = 3
"""A key that more mappings than these have says nothing of where it was meant to stand."""

_ALIKE = 0.85
"""From this likeness on a key is taken for a slip of one of those around it, not for one of another place."""


def nearest(word: str, words: Sequence[str]) -> str:
    """What to put after an unknown word: the one that was probably meant, or else all there are."""
    close = get_close_matches(word.lower(), words, n=1) if len(word) <= _LONGEST_KEY else []
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(words)}"


def explain(error: ErrorDetails, tree: Mapping[str, object]) -> tuple[Path, str]:
    """The path of a pydantic error in the file's own values, and the error in a sentence."""
    path = _path_in(tree, error["loc"])
    kind = error["type"]
    if kind == "extra_forbidden":
        key = str(path[-1])
        model = _model_at(path[:-1])
        homes = [] if key in model.model_fields else sorted(set(_homes(key, Budget, "")))
        known = list(model.model_fields)
        if 0 < len(homes) <= _MOST_HOMES and not get_close_matches(key, known, n=1, cutoff=_ALIKE):
            return path, f"unknown key {shown(key)}{inside(path[:-1])}; it belongs under {' or '.join(homes)}"
        return path, f"unknown key {shown(key)}{inside(path[:-1])}; {nearest(key, known)}"
    if kind == "missing":
        key = str(error["loc"][-1])  # told beside what else is wrong around it, which may be its name
        return (*path, key), f"the key {key!r} is missing{inside(path)}; add it"
    context, said = error.get("ctx", {}), _said(error, path)
    if "item" in context:  # which of a list it is about, or which key of the file
        path, said = (*path, context["item"] - 1), said.removeprefix(f"item {context['item']} ")
    elif "key" in context:
        path, said = (*path, context["key"]), said.removeprefix(f"{context['key']} ")
    return path, f"{label(path)} {said}"


def _said(error: ErrorDetails, path: Path) -> str:
    """What must hold of the value; in pydantic's own words only where ours, in the fields, have not come first."""
    context = error.get("ctx", {})
    given: object = error["input"]
    match error["type"]:
        case "literal_error":
            return f"must be {context.get('expected')}, not {shown(given)}"
        case "model_type":
            keys = list(_model_at(path).model_fields)
            named = ", ".join(keys[:_MOST_KEYS]) + (", ..." if len(keys) > _MOST_KEYS else "")
            glued = isinstance(given, str) and given.partition(":")[0] in keys
            hint = "; put a space behind its colon" if glued else ""
            return f"must be {_other_forms(path)}a mapping of keys ({named}), not {shown(given)}{hint}"
        case "mapping_type" | "dict_type":
            return f"must be a mapping of keys, not {shown(given)}"
        case "tuple_type":
            wrong = f"must be a list, not {shown(given)}"
            hint = "begin each item with a dash" if isinstance(given, dict) else "put it in brackets, as in [a, b]"
            return f"{wrong}; {hint}"
        case "string_type":
            return f"must be a text, not {shown(given)}; put it in quotes if it is one"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"may have at most {context.get('max_length'):,} characters, not {len(str(given)):,}"
        case "float_type" | "float_parsing":
            return f"must be a number, not {shown(given)}"
        case "less_than_equal":
            return f"must be {context.get('le'):g} or less, not {shown(given)}"
        case _:
            return error["msg"]


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


def _model_at(path: Path) -> type[BaseModel]:
    """The model of the mapping at ``path``; that around it where it is one of names that the user gave."""
    model: type[BaseModel] = Budget
    for part in path:
        field = model.model_fields.get(str(part))
        model = (field and _model_in(field.annotation)) or model
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _homes(key: str, model: type[BaseModel], within: str) -> Iterator[str]:
    """The mappings of a budget file that have such a key, as ``limits`` or ``routes.cascade``."""
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None:
            place = f"{within}.{name}" if within else name
            if key in inner.model_fields:
                yield place
            yield from _homes(key, inner, place)


def _other_forms(path: Path) -> str:
    """What may stand in place of a mapping: ``on, off or``; empty where nothing else does."""
    field = _model_at(path[:-1]).model_fields.get(str(path[-1])) if path else None
    words = [word for one in _inputs(field) if (word := _word(one))]
    return f"{', '.join(words)} or " if words else ""


def _inputs(field: FieldInfo | None) -> tuple[object, ...]:
    before = next((one for one in field.metadata if isinstance(one, BeforeValidator)), None) if field else None
    return () if before is None else get_args(before.json_schema_input_type)


def _word(form: object) -> str:
    if form is bool:
        return "on, off"
    if form is str:
        return "a name"
    if get_origin(form) is Literal:
        return "off"
    return "a number" if get_args(form)[:1] == (int,) else ""
