"""LangChain tools as neutral specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain.agents.structured_output import AutoStrategy, ToolStrategy
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from leanloop.adapters.langchain.read_result import with_read_tool
from leanloop.budgets.message import ToolSpec

__all__ = ["ToolTable", "spec_of"]


class ToolTable:
    """An agent's tools, their specs and those of its structured answer, found once for as long as they stay the same.

    Args:
        own: leanloop's `read_result`, where the agent is to have it.
    """

    def __init__(self, own: BaseTool | None = None) -> None:
        self._own = own
        # Each pair is replaced as one, so that agents on other threads never see half of it.
        self._tools: tuple[list[object], list[object] | None, tuple[ToolSpec, ...]] = ([], None, ())
        self._answers: tuple[object, tuple[ToolSpec, ...]] = (None, ())

    def offered(self, tools: Sequence[object]) -> tuple[Sequence[object], tuple[ToolSpec, ...]]:
        """What the model is offered of `tools`, the same sequence where that is all of it; and its specs, in order."""
        given, changed, specs = self._tools
        if given != tools:
            offered = with_read_tool(tools, self._own)
            changed = None if offered is tools else list(offered)
            specs = tuple(spec_of(tool) for tool in offered)
            self._tools = (list(tools), changed, specs)
        return tools if changed is None else list(changed), specs

    def answers(self, response_format: object) -> tuple[ToolSpec, ...]:
        """The specs of the tools by which a structured answer may be given."""
        given, specs = self._answers
        if response_format is not given:
            specs = _answers_of(response_format)
            self._answers = (response_format, specs)
        return specs


def _answers_of(response_format: object) -> tuple[ToolSpec, ...]:
    if isinstance(response_format, AutoStrategy):
        response_format = ToolStrategy(schema=cast("Any", response_format).schema)
    if not isinstance(response_format, ToolStrategy):
        return ()
    schemas: Sequence[object] = cast("Any", response_format).schema_specs
    return tuple(
        ToolSpec(
            str(getattr(schema, "name", "")),
            str(getattr(schema, "description", "")),
            cast("Mapping[str, object]", getattr(schema, "json_schema", {})),
            raw=schema,
        )
        for schema in schemas
    )


def spec_of(tool: object) -> ToolSpec:
    """The spec of one tool: a LangChain tool, a function, or a provider's own dict."""
    given: object = tool
    marked = "cache_control" in (getattr(tool, "extras", None) or ())
    if isinstance(tool, Mapping):
        own = cast("Mapping[str, object]", tool)
        marked = "cache_control" in own
        inner = own.get("function")
        spec = cast("Mapping[str, object]", inner) if isinstance(inner, Mapping) else own
    else:
        spec = cast("Mapping[str, object]", convert_to_openai_tool(cast("type", tool))["function"])
    parameters: object = spec.get("parameters") or spec.get("input_schema")
    return ToolSpec(
        str(spec.get("name") or spec.get("type") or "tool"),
        str(spec.get("description") or ""),
        cast("Mapping[str, object]", parameters) if isinstance(parameters, dict) else {},
        raw=given,
        marked=marked,
    )
