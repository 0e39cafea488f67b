"""Tools that a plugin offers beside the agent's own: answered by leanloop, so that LangChain never runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langgraph.constants import TAG_NOSTREAM

from leanloop.adapters.langchain.provider import provider_of
from leanloop.adapters.langchain.twin import twin_of
from leanloop.budgets.message import ToolSpec
from leanloop.errors import UsageError
from leanloop.plugins.cache_marks import MARKED
from leanloop.plugins.tool_order import in_order

__all__ = ["bound", "offered", "unseen"]


def offered(tools: Sequence[object], specs: Sequence[ToolSpec], model: object) -> Sequence[object]:
    """The framework's tools in the order of `specs`, then those of `specs` that are not its own, as plain dicts.

    In OpenAI's form, which every integration reads; for a provider that is told where to cache in Anthropic's, which
    has a place for that.
    """
    added = [spec for spec in specs if spec.raw is None]
    ordered = in_order(tools, specs)
    if not added:
        return ordered
    as_anthropic = provider_of(model).prices in MARKED
    return [*ordered, *(_anthropic(spec) if as_anthropic else _openai(spec) for spec in added)]


def bound(given: object, specs: Sequence[ToolSpec], model: Any) -> list[object]:
    """The tools bound to a chat model, in the order of `specs`, then those that are not its own, in its own form.

    Raises:
        UsageError: the model cannot be given tools.
    """
    tools = cast("list[object]", given) if isinstance(given, list) else []
    ordered = list(in_order(tools, specs))
    added = [_openai(spec) for spec in specs if spec.raw is None]
    if not added:
        return ordered
    try:
        binding: object = model.bind_tools(added)
    except NotImplementedError:
        raise UsageError(
            f"{type(model).__name__} cannot call tools; write scaffold: {{form: text}} in its budget file."
        ) from None
    held = cast("Mapping[str, object]", getattr(binding, "kwargs", None) or {})
    return [*ordered, *cast("list[object]", held.get("tools") or [])]


def unseen(model: Any) -> Any:
    """The model, for a call whose tokens nobody is to watch arrive: what it says may be no answer."""
    if isinstance(model, BaseChatModel):  # a tag bound with `with_config` would be lost when tools are bound
        return twin_of(model, {"tags": [*(model.tags or ()), TAG_NOSTREAM]})
    return model.with_config(tags=[TAG_NOSTREAM])


def _openai(spec: ToolSpec) -> dict[str, object]:
    said = {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)}
    return {"type": "function", "function": said}


def _anthropic(spec: ToolSpec) -> dict[str, object]:
    return {"name": spec.name, "description": spec.description, "input_schema": dict(spec.parameters)}
