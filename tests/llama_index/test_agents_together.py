"""Guarded agents among others: workflows with hand-offs, agents in tools, runs side by side, stopped and resumed."""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.objects import ObjectRetriever
from llama_index.core.tools import BaseTool, FunctionTool, QueryEngineTool, ToolMetadata, ToolOutput
from llama_index.core.tools.types import AsyncBaseTool
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent
from workflows.errors import WorkflowCancelledByUser

from leanloop import Budget, BudgetExceeded, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import Script, ScriptedLLM, ScriptedTextLLM

made = itertools.count()

FORGETS_MEMORY = pytest.mark.filterwarnings("ignore::workflows.context.state_store.UnserializableKeyWarning")
"""LlamaIndex stores a context without its memory, and says so."""


def typed(tool: Callable[..., Any]) -> Callable[..., Any]:
    """With its annotations as objects: LlamaIndex finds the parameter for the context by them, and reads no text."""
    tool.__annotations__ = get_type_hints(tool, globals())
    return tool


def ask(name: str, **arguments: Any) -> ChatMessage:
    call = ToolCallBlock(tool_call_id=f"c{next(made)}", tool_name=name, tool_kwargs=arguments)
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])


def hand_over(to: str) -> ChatMessage:
    return ask("handoff", to_agent=to, reason="theirs")


def search(q: str) -> str:
    """Search."""
    return f"about {q}"


def searching_on(then: str = "an answer") -> Script:
    def reply(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage | str:
        if not settings.get("tools") or settings.get("tool_choice") == "none":
            return then
        return ask("search", q=f"topic {next(made)}")

    return reply


def under(*limits: Limit, agent: str = "a", **settings: Any) -> Budget:
    return Budget(agent=agent, limits=limits, **settings)


def function_agent(name: str, llm: Any, *tools: Any, **settings: Any) -> FunctionAgent:
    return FunctionAgent(name=name, description=name, llm=llm, tools=list(tools), **settings)


def result_of(agent: Any, *args: Any, **kwargs: Any) -> Any:
    async def run() -> Any:
        return await agent.run(*args, **kwargs)

    return asyncio.run(run())


# Workflows


def test_agents_of_a_workflow_draw_from_one_budget(store: Any) -> None:
    first = ScriptedLLM(script=[ask("search", q="a"), hand_over("second")])
    second = ScriptedLLM(script=[ask("search", q="b"), "done"])
    workflow = AgentWorkflow(
        agents=[function_agent("first", first, search), function_agent("second", second, search)], root_agent="first"
    )
    guarded = LeanLoop(under(Limit(tokens=100_000)), store=store).agent(workflow)
    result = result_of(guarded, "go")
    assert str(result) == "done"
    assert result.current_agent_name == "second"
    receipt = result["leanloop"]
    assert receipt["model_calls"] == 4
    assert receipt["cycles"] == 4
    assert receipt["tool_calls"] == {"search": 2, "handoff": 1}
    assert store.spent("tokens") == [receipt["tokens"]]
    assert type(workflow.agents["first"]) is FunctionAgent


@pytest.mark.parametrize("streaming", [True, False])
def test_an_agent_with_a_budget_of_its_own_lands_and_ends_the_workflow(store: Any, streaming: bool) -> None:
    mine = LeanLoop(under(Limit(model_calls=3), agent="second"))
    second = function_agent("second", ScriptedLLM(script=searching_on()), search, streaming=streaming)
    first = function_agent("first", ScriptedLLM(script=[hand_over("second")]), streaming=streaming)
    whole = LeanLoop(under(Limit(model_calls=50), agent="whole"), store=store)
    workflow = whole.agent(AgentWorkflow(agents=[first, mine.agent(second)], root_agent="first"))
    result = result_of(workflow, "go")
    assert str(result) == "an answer"
    assert result["leanloop"]["agent"] == "whole"
    assert result["leanloop"]["model_calls"] == 4
    assert "3 model calls" in result["leanloop"]["stopped"]
    assert result["leanloop"]["landed"]
    assert sorted(store.spent("model_calls")) == [3, 4]


def test_the_budget_of_the_whole_lands_whichever_agent_is_at_work(store: Any) -> None:
    mine = LeanLoop(under(Limit(model_calls=30), agent="second"))
    second = function_agent("second", ScriptedLLM(script=searching_on()), search)
    first = function_agent("first", ScriptedLLM(script=[hand_over("second")]))
    whole = LeanLoop(under(Limit(model_calls=4), agent="whole"), store=store)
    result = result_of(whole.agent(AgentWorkflow(agents=[first, mine.agent(second)], root_agent="first")), "go")
    assert str(result) == "an answer"
    assert result["leanloop"]["landed"]
    assert result["leanloop"]["model_calls"] == 3  # one is kept back for a landing of the first


def test_agents_that_hand_over_and_back_keep_their_own_account(store: Any) -> None:
    mine = LeanLoop(under(Limit(model_calls=3), agent="second"))
    second = function_agent("second", ScriptedLLM(script=[hand_over("first"), ask("search", q="x"), "done"]), search)
    first = function_agent("first", ScriptedLLM(script=[hand_over("second"), hand_over("second")]))
    whole = LeanLoop(under(Limit(model_calls=50), agent="whole"), store=store)
    result = result_of(whole.agent(AgentWorkflow(agents=[first, mine.agent(second)], root_agent="first")), "go")
    assert str(result) == "done"
    assert sorted(store.spent("model_calls")) == [3, 5]


def test_a_guarded_agent_in_a_workflow_that_is_not_guarded_keeps_its_budget_for_each_run(store: Any) -> None:
    loop = LeanLoop(under(Limit(model_calls=2), agent="second"), store=store)
    second = function_agent("second", ScriptedLLM(script=searching_on()), search)
    first = function_agent("first", ScriptedLLM(script=lambda m, s: hand_over("second")))
    workflow = AgentWorkflow(agents=[first, loop.agent(second)], root_agent="first")
    for _ in range(2):
        assert str(result_of(workflow, "go")) == "an answer"
    assert store.spent("model_calls") == [2, 2]


def test_a_react_agent_hands_over_too(store: Any) -> None:
    said = 'Thought: theirs.\nAction: handoff\nAction Input: {"to_agent": "second", "reason": "r"}'
    first = ReActAgent(name="first", description="first", llm=ScriptedTextLLM(script=[said]), tools=[search])
    second = function_agent("second", ScriptedLLM(script=["done"]))
    workflow = LeanLoop(store=store).agent(AgentWorkflow(agents=[first, second], root_agent="first"))
    result = result_of(workflow, "go")
    assert str(result) == "done"
    assert result["leanloop"]["tool_calls"] == {"handoff": 1}


def test_a_cap_of_the_framework_lands_a_workflow(store: Any) -> None:
    workflow = AgentWorkflow(agents=[function_agent("one", ScriptedLLM(script=searching_on()), search)])
    result = result_of(LeanLoop(under(), store=store).agent(workflow), "go", max_iterations=4)
    assert str(result) == "an answer"
    assert result["leanloop"]["model_calls"] == 3


# Agents in tools


def researcher(inner: Any) -> FunctionTool:
    async def research(q: str) -> str:
        """Research."""
        return str(await inner.run(q))

    return FunctionTool.from_defaults(async_fn=research)


def test_an_agent_in_a_tool_draws_from_the_one_that_called_it(store: Any) -> None:
    inner = LeanLoop(under(Limit(model_calls=3), agent="inner")).agent(
        function_agent("inner", ScriptedLLM(script=searching_on("found")), search)
    )
    llm = ScriptedLLM(script=[ask("research", q="x"), "done"])
    outer = LeanLoop(under(Limit(model_calls=9), agent="outer"), store=store).agent(
        function_agent("outer", llm, researcher(inner))
    )
    result = result_of(outer, "go")
    assert str(result) == "done"
    assert llm.seen[1][0][-1].content == "found"
    assert result["leanloop"]["model_calls"] == 5
    assert result["leanloop"]["cycles"] == 2
    assert result["leanloop"]["tool_calls"] == {"research": 1, "search": 2}
    assert not result["leanloop"]["stopped"]


def test_a_budget_used_up_inside_a_tool_lands_the_agent_around_it(store: Any) -> None:
    loop = LeanLoop(under(Limit(model_calls=4), agent="outer"), store=store)
    plain = function_agent("inner", loop.llm(ScriptedLLM(script=lambda m, s: ask("search", q=str(next(made))))), search)
    llm = ScriptedLLM(script=searching_on("landed"))
    outer = loop.agent(function_agent("outer", ScriptedLLM(script=llm_that_researches(llm)), researcher(plain)))
    result = result_of(outer, "go")
    assert str(result) == "landed"
    assert result["leanloop"]["model_calls"] == 4
    assert result["leanloop"]["landed"]


def llm_that_researches(llm: ScriptedLLM) -> Script:
    def reply(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage | str:
        if not settings.get("tools") or settings.get("tool_choice") == "none":
            return "landed"
        return ask("research", q="x")

    return reply


def test_a_refusal_in_a_tool_that_swallows_it_still_ends_the_run(store: Any) -> None:
    loop = LeanLoop(under(Limit(model_calls=2), agent="outer", at_limit="raise"), store=store)
    model = loop.llm(ScriptedLLM(script=["fine"]))

    async def swallowing() -> str:
        """Ask a model again and again, whatever it says."""
        for _ in range(5):
            try:
                await model.achat([ChatMessage(content="hi")])
            except Exception as error:  # noqa: BLE001
                return str(error)
        return "never"

    outer = loop.agent(function_agent("outer", ScriptedLLM(script=[ask("swallowing"), "on and on"]), swallowing))
    with pytest.raises(BudgetExceeded):
        result_of(outer, "go")
    assert store.spent("model_calls") == [2]


# Tools of every kind


class OldTool(BaseTool):
    """A tool that is only called."""

    @property
    def metadata(self) -> ToolMetadata:
        return ToolMetadata(name="old", description="An old tool.")

    def __call__(self, input: Any) -> ToolOutput:  # noqa: A002
        return ToolOutput(tool_name="old", content=f"old {input}", raw_input={"input": input}, raw_output=input)


class BothTool(AsyncBaseTool):
    """A tool whose one form calls the other."""

    @property
    def metadata(self) -> ToolMetadata:
        return ToolMetadata(name="both", description="Both.")

    def call(self, input: Any) -> ToolOutput:  # noqa: A002
        return ToolOutput(tool_name="both", content=f"both {input}", raw_input={"input": input}, raw_output=input)

    async def acall(self, input: Any) -> ToolOutput:  # noqa: A002
        return self.call(input)


def test_tools_of_every_kind_are_counted_once(store: Any) -> None:
    @typed
    async def with_context(ctx: Context, q: str) -> str:
        """Looks at the workflow's context."""
        await ctx.store.set("seen", q)
        return f"kept {q}"

    script: list[Any] = [ask("old", input="1"), ask("both", input="2"), ask("with_context", q="3"), "done"]
    llm = ScriptedLLM(script=script)
    agent = LeanLoop(store=store).agent(function_agent("one", llm, OldTool(), BothTool(), with_context))
    result = result_of(agent, "go")
    assert [seen[0][-1].content for seen in llm.seen[1:]] == ["old 1", "both 2", "kept 3"]
    assert result["leanloop"]["tool_calls"] == {"old": 1, "both": 1, "with_context": 1}


def test_tools_called_outside_any_agent_are_limited_too(store: Any) -> None:
    loop = LeanLoop(under(Limit(tool_calls=1, per="day")), store=store)
    (tool,) = loop.tools([FunctionTool.from_defaults(search)])
    (old,) = loop.tools([OldTool()])
    assert tool("a").content == "about a"
    assert old("b").is_error
    assert "Not run." in asyncio.run(tool.acall(q="c")).content


def test_a_query_engine_as_a_tool_is_one_tool_call(store: Any) -> None:
    from llama_index.core.query_engine import CustomQueryEngine

    class Engine(CustomQueryEngine):
        def custom_query(self, query_str: str) -> str:
            return f"answer to {query_str}"

    tool = QueryEngineTool.from_defaults(Engine(), name="engine", description="Answers.")
    llm = ScriptedLLM(script=[ask("engine", input="why"), "done"])
    result = result_of(LeanLoop(store=store).agent(function_agent("one", llm, tool)), "go")
    assert llm.seen[1][0][-1].content == "answer to why"
    assert result["leanloop"]["tool_calls"] == {"engine": 1}


class Found(ObjectRetriever[Any]):
    """A retriever of tools that finds one."""

    def __init__(self) -> None:
        self.tool = FunctionTool.from_defaults(search)

    def retrieve(self, str_or_query_bundle: Any) -> list[Any]:
        return [self.tool]

    async def aretrieve(self, str_or_query_bundle: Any) -> list[Any]:
        return [self.tool]


def test_tools_that_are_retrieved_are_counted(store: Any) -> None:
    found = Found()
    llm = ScriptedLLM(script=[ask("search", q="x"), "done"])
    original = FunctionAgent(llm=llm, tool_retriever=found)
    agent = LeanLoop(store=store).agent(original)
    assert result_of(agent, "go")["leanloop"]["tool_calls"] == {"search": 1}
    assert original.tool_retriever is found
    assert type(found) is Found
    assert agent.tool_retriever is not None
    assert agent.tool_retriever.retrieve("x")[0] is not found.tool


# Side by side, stopped, resumed


def test_runs_side_by_side_never_overshoot_one_budget(store: Any) -> None:
    loop = LeanLoop(under(Limit(model_calls=40, per="day"), agent="shared"), store=store)
    agent = loop.agent(function_agent("one", ScriptedLLM(script=searching_on()), search))

    async def together() -> list[Any]:
        return await asyncio.gather(*(agent.run(f"q{n}") for n in range(32)), return_exceptions=True)

    results = asyncio.run(together())
    assert not [result for result in results if isinstance(result, BaseException)]
    assert all(result["leanloop"]["stopped"] for result in results)
    assert len({result["leanloop"]["task"] for result in results}) == 32
    assert sum(result["leanloop"]["model_calls"] for result in results) <= 40
    assert sum(store.spent("model_calls")) <= 40


def test_a_cancelled_run_keeps_nothing_set_aside(store: Any) -> None:
    async def run() -> None:
        begun = asyncio.Event()

        async def slow() -> str:
            """Slow."""
            begun.set()
            await asyncio.Event().wait()
            return ""

        loop = LeanLoop(under(Limit(tokens=50_000)), store=store)
        handler = loop.agent(function_agent("one", ScriptedLLM(script=[ask("slow")]), slow)).run("go")
        await begun.wait()
        assert store.reserved()
        await handler.cancel_run()
        with pytest.raises(WorkflowCancelledByUser):
            await handler
        assert loop.task_of(handler).receipt().model_calls == 1
        await asyncio.sleep(0)

    asyncio.run(run())


def test_a_run_that_cannot_begin_opens_nothing(store: Any) -> None:
    loop = LeanLoop(under(Limit(tokens=50_000)), store=store)
    agent: Any = loop.agent(function_agent("one", ScriptedLLM(script=["done"])))
    with pytest.raises(ValueError, match="must be an instance"):
        agent.run(start_event="no event")
    assert str(result_of(agent, "go")) == "done"


@FORGETS_MEMORY
def test_a_context_used_again_is_a_new_task(store: Any) -> None:
    agent = LeanLoop(under(Limit(model_calls=2)), store=store).agent(
        function_agent("one", ScriptedLLM(script=["one", "two", "three"]))
    )

    async def run() -> list[Any]:
        context: Any = Context(agent)
        return [await agent.run(f"q{n}", ctx=context) for n in range(3)]

    results = asyncio.run(run())
    assert [str(result) for result in results] == ["one", "two", "three"]
    assert len({result["leanloop"]["task"] for result in results}) == 3


@typed
async def asking_a_person(ctx: Context) -> str:
    """Asks a person."""
    said = await ctx.wait_for_event(HumanResponseEvent, waiter_event=InputRequiredEvent(prefix="sure?"))  # type: ignore[call-arg]
    return f"they said {said.response}"


def test_a_tool_that_waits_for_a_person_is_called_once_for_the_budget(store: Any) -> None:
    llm = ScriptedLLM(script=[ask("asking_a_person"), "done"])
    agent = LeanLoop(under(Limit(tool_calls=1)), store=store).agent(function_agent("one", llm, asking_a_person))

    async def run() -> Any:
        handler = agent.run("go")
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                handler.ctx.send_event(HumanResponseEvent(response="yes"))  # type: ignore[call-arg]
        return await handler

    result = asyncio.run(run())
    assert str(result) == "done"
    assert "they said yes" in [message.content for message in llm.seen[1][0]]
    assert result["leanloop"]["tool_calls"] == {"asking_a_person": 1}


@FORGETS_MEMORY
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another process"])
def test_a_run_resumed_from_its_stored_context_goes_on_in_its_task(store: Any, elsewhere: bool) -> None:
    llm = ScriptedLLM(script=[ask("search", q="x"), ask("asking_a_person"), "done"])
    budget = under(Limit(model_calls=3))

    def guarded() -> FunctionAgent:
        return LeanLoop(budget, store=store).agent(function_agent("one", llm, search, asking_a_person))

    async def run() -> tuple[Any, Any]:
        agent = guarded()
        handler = agent.run("go")
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                break
        stored = handler.ctx.to_dict()
        await handler.cancel_run()
        first = LeanLoop.task_of(handler)
        again = guarded() if elsewhere else agent
        context: Any = Context.from_dict(again, stored)
        await context.store.set("memory", ChatMemoryBuffer.from_defaults(token_limit=9_000))
        handler = again.run(ctx=context)
        handler.ctx.send_event(HumanResponseEvent(response="yes"))  # type: ignore[call-arg]
        return first, await handler

    first, result = asyncio.run(run())
    assert str(result) == "done"
    assert result["leanloop"]["task"] == first.id
    assert store.spent("model_calls") == [3]
    if not elsewhere:
        assert result["leanloop"]["model_calls"] == 3
