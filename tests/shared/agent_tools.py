"""Tools of agents in both frameworks: a function, another agent, or a person who is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.messages import HumanMessage
from langchain_core.tools import StructuredTool
from langgraph.types import interrupt
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent
from pydantic import BaseModel, ConfigDict

__all__ = ["Query", "langchain_tool", "llama_index_tool"]


def _without_titles(schema: dict[str, Any]) -> None:
    schema.pop("title", None)
    for part in schema["properties"].values():
        part.pop("title", None)


class Query(BaseModel):
    """What every tool takes; told to the model in the same words by every framework."""

    model_config = ConfigDict(json_schema_extra=_without_titles)

    q: str


def langchain_tool(name: str, does: Callable[[str], str] | None, inner: Any = None) -> StructuredTool:
    """A tool of that name; with neither a function nor an agent a person is asked."""

    def ask_a_person(q: str) -> str:
        return str(interrupt(q))

    if inner is None:
        return StructuredTool.from_function(does or ask_a_person, name=name, description=name, args_schema=Query)

    def ask_it(q: str) -> str:
        return str(inner.invoke({"messages": [HumanMessage(q)]})["messages"][-1].text)

    async def aask_it(q: str) -> str:
        return str((await inner.ainvoke({"messages": [HumanMessage(q)]}))["messages"][-1].text)

    return StructuredTool.from_function(ask_it, aask_it, name=name, description=name, args_schema=Query)


def llama_index_tool(name: str, does: Callable[[str], str] | None, inner: Any = None) -> FunctionTool:
    """A tool of that name; with neither a function nor an agent a person is asked."""
    if does is not None:
        return FunctionTool.from_defaults(does, name=name, description=name, fn_schema=Query)

    async def ask_a_person(ctx: Context, q: str) -> str:
        waiting = InputRequiredEvent(prefix=q)  # type: ignore[call-arg]
        return str((await ctx.wait_for_event(HumanResponseEvent, waiter_event=waiting)).response)

    ask_a_person.__annotations__["ctx"] = Context  # LlamaIndex reads no annotation that is text

    async def ask_it(q: str) -> str:
        return str(await inner.run(q))

    asked: Any = ask_a_person if inner is None else ask_it
    return FunctionTool.from_defaults(async_fn=asked, name=name, description=name, fn_schema=Query)
