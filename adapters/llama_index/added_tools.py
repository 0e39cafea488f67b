"""Tools that a plugin offers beside the agent's own: answered by leanloop, so that LlamaIndex never runs them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NoReturn

from llama_index.core.tools import BaseTool, FunctionTool
from pydantic import ConfigDict, Field, create_model

from leanloop.adapters.llama_index.substitutes import PREPARED
from leanloop.budgets.message import ToolSpec
from leanloop.errors import UsageError

__all__ = ["added_to"]


def added_to(tools: Sequence[Any], specs: Sequence[ToolSpec], llm: object) -> Sequence[Any]:
    """The tools of a call, in the words of its provider, and behind them those of `specs` that are not among them.

    Raises:
        UsageError: the LLM cannot call tools.
    """
    added = [_tool(spec.name, spec.description, _inputs(spec)) for spec in specs if spec.raw is None]
    if not added:
        return tools
    prepare: Any = getattr(llm, "_prepare_chat_with_tools_compat", None)
    if prepare is None:
        raise UsageError(f"{type(llm).__name__} cannot call tools; write scaffold: {{form: text}} in its budget file.")
    prepared: dict[str, Any] = prepare(added, chat_history=[])
    prepared.pop(PREPARED, None)
    return _together(tools, prepared.get("tools") or ())


def _together(tools: Sequence[Any], added: Sequence[Any]) -> Sequence[Any]:
    """Google's Tool holds several functions, and its API takes one such Tool in a call."""
    one, other = (getattr(each[0], "function_declarations", None) if each else None for each in (tools, added))
    if one is None or other is None:
        return [*tools, *added]
    return [tools[0].model_copy(update={"function_declarations": [*one, *other]}), *tools[1:], *added[1:]]


def _inputs(spec: ToolSpec) -> tuple[tuple[str, str], ...]:
    properties: Any = spec.parameters.get("properties") or {}
    return tuple((name, str(about.get("description") or "")) for name, about in properties.items())


@lru_cache(maxsize=64)
def _tool(name: str, description: str, inputs: tuple[tuple[str, str], ...]) -> BaseTool:
    """A tool by which an integration can be told of one whose inputs are texts."""
    fields: dict[str, Any] = {given: (str, Field(description=what)) for given, what in inputs}
    schema = create_model(name, __config__=ConfigDict(json_schema_extra=_without_titles), **fields)

    def never_run(**_: object) -> NoReturn:
        raise UsageError(f"{name} is answered by leanloop, within a guarded call; guard the model: loop.llm(llm).")

    return FunctionTool.from_defaults(never_run, name=name, description=description, fn_schema=schema)


def _without_titles(schema: dict[str, Any]) -> None:
    schema.pop("title", None)
    for part in schema["properties"].values():
        part.pop("title", None)
