"""Tools and answer schemas, as they are sent with a call, as neutral specs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from llama_index.core.tools import BaseTool
from pydantic import BaseModel

from leanloop.adapters.llama_index.cache_marks import CACHE_CONTROL
from leanloop.budgets.message import ToolSpec

__all__ = ["answer_of", "spec_of", "specs_of"]


def specs_of(tools: object) -> tuple[ToolSpec, ...]:
    """The specs of what a call has under `tools`, in their order."""
    if not isinstance(tools, Sequence) or isinstance(tools, str):
        return ()
    return tuple(spec for tool in cast("Sequence[object]", tools) for spec in _specs(tool))


def _specs(tool: object) -> Iterable[ToolSpec]:
    declared: object = getattr(tool, "function_declarations", None)  # Google's Tool holds several
    if isinstance(declared, list):
        return [_declaration(function) for function in cast("list[object]", declared)]
    return [spec_of(tool)]


def spec_of(tool: object) -> ToolSpec:
    """The spec of one tool: LlamaIndex's own, or the dict a provider is sent."""
    if isinstance(tool, BaseTool):
        about = tool.metadata
        return ToolSpec(
            about.get_name(), about.description, _mapping(cast("Any", about).get_parameters_dict()), raw=tool
        )
    if not isinstance(tool, Mapping):
        return ToolSpec(type(tool).__name__, raw=tool)
    own = cast("Mapping[str, object]", tool)
    inner = own.get("function")
    spec = cast("Mapping[str, object]", inner) if isinstance(inner, Mapping) else own
    return ToolSpec(
        str(spec.get("name") or spec.get("type") or "tool"),
        str(spec.get("description") or ""),
        _mapping(spec.get("parameters") or spec.get("input_schema")),
        raw=own,
        marked=CACHE_CONTROL in own,
    )


def _declaration(function: object) -> ToolSpec:
    schema: object = getattr(function, "parameters_json_schema", None) or getattr(function, "parameters", None)
    if isinstance(schema, BaseModel):
        schema = schema.model_dump(mode="json", exclude_none=True)
    return ToolSpec(
        str(getattr(function, "name", None) or "tool"),
        str(getattr(function, "description", None) or ""),
        _mapping(schema),
        raw=function,
    )


def answer_of(kwargs: Mapping[str, object]) -> ToolSpec | None:
    """The schema a provider holds the answer to, as the spec of a tool that carries it; None for a free answer.

    Where it stands: OpenAI's `response_format` and, in responses, `text.format`; Anthropic's `output_config.format`;
    Google's `response_schema`; Ollama's `format`.
    """
    for place in (
        _mapping(_mapping(kwargs.get("response_format")).get("json_schema")),
        _mapping(_mapping(kwargs.get("text")).get("format")),
        _mapping(_mapping(kwargs.get("output_config")).get("format")),
    ):
        if "schema" in place:
            return ToolSpec(str(place.get("name") or "answer"), "", _mapping(place["schema"]))
    given = _mapping(kwargs.get("generation_config")).get("response_schema") or kwargs.get("format")
    if isinstance(given, type) and issubclass(given, BaseModel):
        return ToolSpec(given.__name__, "", given.model_json_schema())
    schema = _mapping(given)
    return ToolSpec(str(schema.get("title") or "answer"), "", schema) if schema else None


def _mapping(value: Any) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
