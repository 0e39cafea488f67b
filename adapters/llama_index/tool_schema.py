"""The schema of a tool's arguments, made once.

LlamaIndex has pydantic make it anew in every step of an agent, for every tool, which takes longer than all the rest
that leanloop does in a step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from llama_index.core.tools import ToolMetadata
from pydantic import BaseModel

__all__ = ["remember_schema"]

_made: WeakKeyDictionary[type[BaseModel], tuple[object, dict[str, Any]]] = WeakKeyDictionary()
"""By the class of the arguments: what pydantic knew of it then (`model_rebuild` makes another), and its schema."""


@dataclass
class _Remembers(ToolMetadata):
    """A tool's metadata that gives copies of a schema made before."""

    def get_parameters_dict(self) -> dict[str, Any]:
        schema = self.fn_schema
        make = cast("Callable[[], dict[str, Any]]", getattr(super(), "get_parameters_dict"))  # noqa: B009
        if schema is None:
            return make()
        about = cast("object", schema.__pydantic_core_schema__)
        known = _made.get(schema)
        if known is None or known[0] is not about:
            known = _made[schema] = about, make()
        return cast("dict[str, Any]", _copied(known[1]))


def remember_schema(metadata: ToolMetadata) -> ToolMetadata:
    """`metadata`, which a twin holds in common with the user's own; a class of the user's is left alone."""
    if type(metadata) is not ToolMetadata:
        return metadata
    twin = object.__new__(_Remembers)
    object.__setattr__(twin, "__dict__", metadata.__dict__)
    return twin


def _copied(value: object) -> object:
    """A copy of plain JSON: integrations write into what they are given. `deepcopy` takes ten times as long."""
    if type(value) is dict:
        return {name: _copied(part) for name, part in cast("dict[str, object]", value).items()}
    if type(value) is list:
        return [_copied(part) for part in cast("list[object]", value)]
    return value
