"""Agents of every framework that are run and listened to: one script, one budget, the same events."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportDeprecated=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent_tools import langchain_tool, llama_index_tool
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import HumanResponseEvent, InputRequiredEvent

from leanloop import Budget
from leanloop.adapters import langchain, llama_index
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.plugins.events.event import Event

__all__ = ["FRAMEWORKS", "Agent", "Framework", "Heard", "Run"]

Said = str | Sequence[tuple[str, str]]
Reply = Callable[[int, bool], Said]
"""What the model says after so many tool results: text, or calls of tools with one argument each. The second
argument is False where it may call none."""


@dataclass(frozen=True)
class Agent:
    """What its model says, its budget, its tools (a tool may be an agent; None asks a person), what LeanLoop is given.

    `models` are the names that the budget's routes name.
    """

    reply: Reply
    budget: Budget
    tools: Mapping[str, Callable[[str], str] | Agent | None] = field(default_factory=dict[str, Any])
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    models: Sequence[str] = ()


@dataclass(frozen=True)
class Run:
    """What a run came to: its receipt, or what it raised."""

    receipt: Mapping[str, Any]
    error: BaseException | None = None


class Heard(list[Event]):
    """A sink that keeps what it is told."""

    __call__ = list.append


class Framework(Protocol):
    """Runs an agent with a sink."""

    def run(self, agent: Agent, heard: Callable[[Event], object]) -> Run:
        """One run."""
        ...


class LangChain:
    """create_agent with the middleware."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def run(self, agent: Agent, heard: Callable[[Event], object]) -> Run:
        made = self._agent(agent, heard)
        try:
            messages = asyncio.run(self._arun(made)) if self._mode == "async" else self._run(made)
        except Exception as error:  # noqa: BLE001
            return Run({}, error)
        return Run(messages[-1].response_metadata["leanloop"])

    def _run(self, made: Any) -> list[Any]:
        place = {"configurable": {"thread_id": "1"}, "recursion_limit": 200}
        asked: Any = {"messages": [HumanMessage("go")]}
        while True:
            if self._mode == "streamed":
                for _ in made.stream(asked, place, stream_mode="messages"):
                    pass
            else:
                made.invoke(asked, place)
            state = made.get_state(place)
            if not state.interrupts:
                return list(state.values["messages"])
            asked = Command(resume="yes")

    async def _arun(self, made: Any) -> list[Any]:
        place = {"configurable": {"thread_id": "1"}, "recursion_limit": 200}
        result = await made.ainvoke({"messages": [HumanMessage("go")]}, place)
        while "__interrupt__" in result:
            result = await made.ainvoke(Command(resume="yes"), place)
        return list(result["messages"])

    def _agent(self, agent: Agent, heard: Callable[[Event], object] | None) -> Any:
        def script(messages: list[Any], settings: dict[str, Any]) -> AIMessage:
            done = sum(message.type == "tool" for message in messages)
            said = agent.reply(done, bool(settings.get("tools")) and settings.get("tool_choice") != "none")
            calls = enumerate([] if isinstance(said, str) else said)
            return AIMessage(
                said if isinstance(said, str) else "",
                tool_calls=[{"name": name, "args": {"q": q}, "id": f"c{done}-{i}"} for i, (name, q) in calls],
            )

        models = {name: ScriptedModel(script=script, model_name=name) for name in agent.models}
        loop = langchain.LeanLoop(
            agent.budget, on_event=() if heard is None else heard, models=models or None, **agent.given
        )
        tools = [self._tool(name, tool) for name, tool in agent.tools.items()]
        saver = None if heard is None else InMemorySaver()
        return create_agent(ScriptedModel(script=script), tools, middleware=[loop], checkpointer=saver)

    def _tool(self, name: str, does: Any) -> StructuredTool:
        if isinstance(does, Agent):
            return langchain_tool(name, None, self._agent(does, None))
        return langchain_tool(name, does)


class LlamaIndex:
    """FunctionAgent, guarded."""

    def __init__(self, *, streaming: bool) -> None:
        self._streaming = streaming

    def run(self, agent: Agent, heard: Callable[[Event], object]) -> Run:
        async def one() -> Run:
            handler = self._agent(agent, heard).run("go")
            try:
                async for event in handler.stream_events():
                    if isinstance(event, InputRequiredEvent):
                        handler.ctx.send_event(HumanResponseEvent(response="yes"))  # type: ignore[call-arg]
                return Run((await handler)["leanloop"])
            except Exception as error:  # noqa: BLE001
                return Run({}, error)

        return asyncio.run(one())

    def _agent(self, agent: Agent, heard: Callable[[Event], object] | None) -> Any:
        def script(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatResponse:
            done = sum(message.role is MessageRole.TOOL for message in messages)
            said = agent.reply(done, bool(settings.get("tools")) and settings.get("tool_choice") != "none")
            calls = [
                ToolCallBlock(tool_call_id=f"c{done}-{i}", tool_name=name, tool_kwargs={"q": q})
                for i, (name, q) in enumerate([] if isinstance(said, str) else said)
            ]
            text = TextBlock(text=said if isinstance(said, str) else "")
            return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, blocks=[text, *calls]))

        tools = [self._tool(name, tool) for name, tool in agent.tools.items()]
        models = {name: ScriptedLLM(script=script, model=name) for name in agent.models}
        made = FunctionAgent(llm=ScriptedLLM(script=script), tools=tools, streaming=self._streaming)  # type: ignore[arg-type]
        loop = llama_index.LeanLoop(
            agent.budget, on_event=() if heard is None else heard, models=models or None, **agent.given
        )
        return loop.agent(made)

    def _tool(self, name: str, does: Any) -> FunctionTool:
        if isinstance(does, Agent):
            return llama_index_tool(name, None, self._agent(does, None))
        return llama_index_tool(name, does)


FRAMEWORKS: Mapping[str, Framework] = {
    "langchain, sync": LangChain("sync"),
    "langchain, async": LangChain("async"),
    "langchain, streamed": LangChain("streamed"),
    "llama_index, streaming": LlamaIndex(streaming=True),
    "llama_index, whole": LlamaIndex(streaming=False),
}
