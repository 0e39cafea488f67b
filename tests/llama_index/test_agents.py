"""Guarded agents: limits, landings, receipts; streaming and not."""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from llama_index.core.agent.workflow import CodeActAgent, FunctionAgent, ReActAgent
from llama_index.core.agent.workflow.workflow_events import AgentOutput
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool, ToolOutput, ToolSelection
from llama_index.core.workflow import StopEvent
from workflows.errors import WorkflowRuntimeError

import leanloop
from leanloop import Budget, BudgetExceeded, Limit, LoopDetected
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import Script, ScriptedLLM, ScriptedTextLLM
from leanloop.budgets.money import to_nano
from leanloop.errors import UsageError

STREAMING = pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])


@pytest.fixture
def ask() -> Callable[..., ChatMessage]:
    """A model's message that asks for tools: `ask(("search", {"q": "a"}), ...)`; ids are unique."""
    made = itertools.count()

    def asking(*calls: tuple[str, dict[str, Any]]) -> ChatMessage:
        asked = [ToolCallBlock(tool_call_id=f"c{next(made)}", tool_name=n, tool_kwargs=a) for n, a in calls]
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=asked)

    return asking


def search(q: str) -> str:
    """Search."""
    return f"something about {q}, " * 5


def answer(text: str = "From what I have: an answer.") -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def searching_on(calls: int = 1) -> Script:
    """Asks for more searches, for as long as it may; then answers."""
    number = itertools.count()

    def reply(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
        if not settings.get("tools") or settings.get("tool_choice") == "none":
            return answer()
        asked = [
            ToolCallBlock(tool_call_id=f"c{n}", tool_name="search", tool_kwargs={"q": f"topic {n}"})
            for n in itertools.islice(number, calls)
        ]
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text="Looking."), *asked])

    return reply


def result_of(agent: Any, *args: Any, **kwargs: Any) -> Any:
    async def run() -> Any:
        return await agent.run(*args, **kwargs)

    return asyncio.run(run())


def under(*limits: Limit, **settings: Any) -> Budget:
    return Budget(agent="a", limits=limits, **settings)


LIMITS = {
    "tokens": (Limit(tokens=4_000), 4_000),
    "input_tokens": (Limit(input_tokens=3_000), 3_000),
    "output_tokens": (Limit(output_tokens=900), 900),
    "usd": (Limit(usd=Decimal("0.002")), to_nano(Decimal("0.002"))),
    "model_calls": (Limit(model_calls=5), 5),
    "cycles": (Limit(cycles=5), 5),
    "tool_calls": (Limit(tool_calls=3), 3),
}


@STREAMING
@pytest.mark.parametrize("resource", LIMITS)
def test_a_run_that_runs_out_answers_and_stays_within_its_limit(store: Any, resource: str, streaming: bool) -> None:
    limit, amount = LIMITS[resource]
    llm = ScriptedLLM(script=searching_on())
    agent = LeanLoop(under(limit), store=store).agent(FunctionAgent(llm=llm, tools=[search], streaming=streaming))
    result = result_of(agent, "Find out.", max_iterations=100)
    assert str(result) == "From what I have: an answer."
    (spent,) = store.spent(resource)
    assert 0 < spent <= amount
    assert result["leanloop"]["model_calls"] == len(llm.seen)
    assert result["leanloop"]["stopped"]
    assert result["leanloop"]["landed"]


@STREAMING
def test_a_limit_that_raises_ends_the_run_with_its_own_error(store: Any, streaming: bool) -> None:
    loop = LeanLoop(under(Limit(model_calls=2), at_limit="raise"), store=store)
    agent = loop.agent(FunctionAgent(llm=ScriptedLLM(script=searching_on()), tools=[search], streaming=streaming))

    async def run() -> list[str]:
        handler = agent.run("Find out.")
        events = [type(event).__name__ async for event in handler.stream_events()]
        with pytest.raises(BudgetExceeded, match="2 model calls"):
            await handler
        receipt = loop.task_of(handler).receipt()
        assert receipt.model_calls == 2
        assert receipt.stopped
        assert not receipt.landed
        return events

    assert asyncio.run(run())[-1] == "WorkflowFailedEvent"


def test_events_end_with_the_answer_of_a_landing(store: Any) -> None:
    agent = LeanLoop(under(Limit(model_calls=3)), store=store).agent(
        FunctionAgent(llm=ScriptedLLM(script=searching_on()), tools=[search])
    )

    async def run() -> Any:
        return [event async for event in agent.run("Find out.").stream_events()]

    last = asyncio.run(run())[-1]
    assert isinstance(last, StopEvent)
    assert last.result["leanloop"]["landed"]


def test_the_original_agent_its_model_and_its_tools_stay_unguarded() -> None:
    llm = ScriptedLLM(script=searching_on())
    tool = FunctionTool.from_defaults(search)
    original = FunctionAgent(llm=llm, tools=[tool], name="n", description="d")
    guarded = LeanLoop(under(Limit(model_calls=2))).agent(original)
    assert isinstance(guarded, FunctionAgent)
    assert original.llm is llm
    assert original.tools == [tool]
    assert type(tool) is FunctionTool
    assert guarded.name == "n"
    with pytest.raises(WorkflowRuntimeError, match="Max iterations"):
        result_of(original, "Find out.", max_iterations=4)
    assert len(llm.seen) == 4


def test_agent_takes_nothing_but_agents() -> None:
    with pytest.raises(UsageError, match="takes an agent"):
        LeanLoop().agent(ScriptedLLM(script=["a"]))  # type: ignore[type-var]
    with pytest.raises(UsageError, match="takes LlamaIndex tools"):
        LeanLoop().tools([search])  # type: ignore[type-var]


def test_an_agent_is_guarded_once() -> None:
    loop = LeanLoop()
    agent = loop.agent(FunctionAgent(llm=ScriptedLLM(script=["a"])))
    assert loop.agent(agent) is agent


def test_task_of_a_run_nobody_guards_is_an_error() -> None:
    async def run() -> None:
        handler = FunctionAgent(llm=ScriptedLLM(script=["a"])).run("hi")
        with pytest.raises(UsageError, match="guard the agent"):
            LeanLoop.task_of(handler)
        await handler

    asyncio.run(run())


@STREAMING
@pytest.mark.parametrize("most", [1, 2, 3, 6])
def test_what_the_framework_allows_ends_in_a_landing(store: Any, most: int, streaming: bool) -> None:
    llm = ScriptedLLM(script=searching_on())
    agent = LeanLoop(under(), store=store).agent(FunctionAgent(llm=llm, tools=[search], streaming=streaming))
    result = result_of(agent, "Find out.", max_iterations=most)
    assert str(result) == "From what I have: an answer."
    assert len(llm.seen) == max(1, most - 1)
    assert "max_iterations" in result["leanloop"]["stopped"]


def test_the_frameworks_default_gives_way_to_a_limit_on_cycles(store: Any) -> None:
    llm = ScriptedLLM(script=searching_on())
    agent = LeanLoop(under(Limit(cycles=30)), store=store).agent(FunctionAgent(llm=llm, tools=[search]))
    assert result_of(agent, "Find out.")["leanloop"]["cycles"] == 30
    unlimited = LeanLoop(under(), store=store).agent(
        FunctionAgent(llm=ScriptedLLM(script=searching_on()), tools=[search])
    )
    assert result_of(unlimited, "Find out.")["leanloop"]["cycles"] == 19


def test_a_cap_of_the_framework_stays_its_own_error_where_limits_raise(store: Any) -> None:
    agent = LeanLoop(under(at_limit="raise"), store=store).agent(
        FunctionAgent(llm=ScriptedLLM(script=searching_on()), tools=[search])
    )
    with pytest.raises(WorkflowRuntimeError, match="Max iterations"):
        result_of(agent, "Find out.", max_iterations=3)


def test_parallel_tool_calls_are_each_counted(store: Any) -> None:
    ran: list[str] = []

    def search(q: str) -> str:
        """Search."""
        ran.append(q)
        return q

    agent = LeanLoop(under(Limit(tool_calls=5)), store=store).agent(
        FunctionAgent(llm=ScriptedLLM(script=searching_on(calls=4)), tools=[search])
    )
    result = result_of(agent, "Find out.")
    assert len(ran) == 5
    assert result["leanloop"]["tool_calls"] == {"search": 5}
    assert str(result) == "From what I have: an answer."


def test_a_limit_on_one_tool_ends_its_calls_only(store: Any, ask: Callable[..., ChatMessage]) -> None:
    def read(name: str) -> str:
        """Read."""
        return f"contents of {name}"

    script: list[Any] = [ask(("search", {"q": "a"})), ask(("search", {"q": "b"})), ask(("read", {"name": "x"})), "done"]
    llm = ScriptedLLM(script=script)
    agent = LeanLoop(under(Limit(tool_calls={"search": 1})), store=store).agent(
        FunctionAgent(llm=llm, tools=[search, read])
    )
    result = result_of(agent, "Find out.")
    assert str(result) == "done"
    assert result["leanloop"]["tool_calls"] == {"search": 1, "read": 1}
    assert "Go on without it." in str(llm.seen[2][0][-1].content)


def test_a_limit_on_one_tool_that_raises_ends_the_run(store: Any, ask: Callable[..., ChatMessage]) -> None:
    script: list[Any] = [ask(("search", {"q": "a"})), ask(("search", {"q": "b"})), "done"]
    llm = ScriptedLLM(script=script)
    budget = under(Limit(tool_calls={"search": 1}), at_limit="raise")
    agent = LeanLoop(budget, store=store).agent(FunctionAgent(llm=llm, tools=[search]))
    with pytest.raises(BudgetExceeded, match="search"):
        result_of(agent, "Find out.")
    assert len(llm.seen) == 2


def test_a_loop_is_told_then_answered_then_landed(store: Any) -> None:
    ran: list[str] = []

    def search(q: str) -> str:
        """Search."""
        ran.append(q)
        return "nothing"

    def again(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
        if settings.get("tool_choice") == "none" or not settings.get("tools"):
            return answer()
        asked = ToolCallBlock(tool_call_id=f"c{len(messages)}", tool_name="search", tool_kwargs={"q": "same"})
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[asked])

    llm = ScriptedLLM(script=again)
    result = result_of(LeanLoop(store=store).agent(FunctionAgent(llm=llm, tools=[search])), "Find out.")
    assert len(ran) == 3
    assert "circles" in result["leanloop"]["stopped"]
    assert result["leanloop"]["savings"][0]["plugin"] == "loop guard"
    assert any("[loop]" in str(m.content) for m in llm.seen[3][0])
    budget = Budget(agent="a", limits=(), at_limit="raise")
    with pytest.raises(LoopDetected):
        result_of(
            LeanLoop(budget, store=store).agent(FunctionAgent(llm=ScriptedLLM(script=again), tools=[search])), "x"
        )


def test_a_tool_that_raises_is_shown_to_the_model_and_counted(store: Any, ask: Callable[..., ChatMessage]) -> None:
    def broken(q: str) -> str:
        """Broken."""
        raise RuntimeError(f"no {q} today")

    llm = ScriptedLLM(script=[ask(("broken", {"q": "a"})), "done"])
    result = result_of(
        LeanLoop(under(Limit(tokens=9_000)), store=store).agent(FunctionAgent(llm=llm, tools=[broken])), "x"
    )
    assert str(result) == "done"
    assert llm.seen[1][0][-1].content == "no a today"
    assert result["leanloop"]["tool_calls"] == {"broken": 1}
    assert isinstance(result.tool_calls[0].tool_output.exception, RuntimeError)


def test_the_same_error_again_and_again_is_a_loop(store: Any) -> None:
    def broken(q: str) -> str:
        """Broken."""
        raise RuntimeError("no")

    number = itertools.count()

    def trying(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
        if settings.get("tool_choice") == "none" or not settings.get("tools"):
            return answer()
        asked = ToolCallBlock(tool_call_id="c", tool_name="broken", tool_kwargs={"q": str(next(number))})
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[asked])

    result = result_of(LeanLoop(store=store).agent(FunctionAgent(llm=ScriptedLLM(script=trying), tools=[broken])), "x")
    assert "failed" in result["leanloop"]["stopped"]


def test_an_unknown_tool_asked_for_again_is_a_loop(store: Any) -> None:
    def unknown(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
        if settings.get("tool_choice") == "none" or not settings.get("tools"):
            return answer()
        asked = ToolCallBlock(tool_call_id="c", tool_name="nope", tool_kwargs={})
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[asked])

    llm = ScriptedLLM(script=unknown)
    result = result_of(LeanLoop(store=store).agent(FunctionAgent(llm=llm, tools=[search])), "x")
    assert "does not have" in result["leanloop"]["stopped"]
    assert len(llm.seen) < 8


def test_blocks_of_a_result_reach_the_model_and_a_direct_result_ends_the_run(
    store: Any, ask: Callable[..., ChatMessage]
) -> None:
    def look() -> list[Any]:
        """Look."""
        return [TextBlock(text="a picture:"), ImageBlock(image=b"R0lGODlhAQABAAAAACw=")]

    llm = ScriptedLLM(script=[ask(("look", {})), ask(("direct", {"q": "z"}))])
    direct = FunctionTool.from_defaults(search, name="direct", return_direct=True)
    agent = LeanLoop(under(Limit(tokens=90_000)), store=store).agent(FunctionAgent(llm=llm, tools=[look, direct]))
    result = result_of(agent, "x")
    assert [type(block) for block in llm.seen[1][0][-1].blocks] == [TextBlock, ImageBlock]
    assert str(result) == search("z")
    assert result["leanloop"]["tool_calls"] == {"look": 1, "direct": 1}


def test_a_tool_output_that_is_an_error_stays_one(store: Any, ask: Callable[..., ChatMessage]) -> None:
    def failing() -> str:
        """Failing."""
        return ""

    tool = FunctionTool.from_defaults(
        failing, callback=lambda _: ToolOutput(tool_name="failing", content="bad", is_error=True), return_direct=True
    )
    llm = ScriptedLLM(script=[ask(("failing", {})), "done"])
    assert str(result_of(LeanLoop(store=store).agent(FunctionAgent(llm=llm, tools=[tool])), "x")) == "done"


def test_a_run_inside_a_task_is_that_task(store: Any) -> None:
    budget = under(Limit(model_calls=9))
    agent = LeanLoop(budget).agent(FunctionAgent(llm=ScriptedLLM(script=["done"])))
    with leanloop.task(budget, store=store) as task:
        first = result_of(agent, "x")
        second = result_of(agent, "x")
    assert first["leanloop"]["task"] == task.id
    assert second["leanloop"]["task"] != task.id
    assert task.receipt().model_calls == 2


def test_a_run_brings_its_tags(store: Any) -> None:
    budget = under(Limit(per="day", scope="user", model_calls=2))
    agent = LeanLoop(budget, store=store).agent(FunctionAgent(llm=ScriptedLLM(script=["done"])))
    first = [result_of(agent, "x", leanloop={"user": "u1"})["leanloop"] for _ in range(2)]
    other = result_of(agent, "x", leanloop={"user": "u2"})["leanloop"]
    assert first[0]["tags"] == {"user": "u1"}
    assert first[1]["stopped"]
    assert not other["stopped"]
    assert store.spent("model_calls") == [2, 1]
    with leanloop.task(under(), store=store) as task:
        assert result_of(agent, "x", leanloop={"user": "u3"})["leanloop"]["task"] != task.id


def react(action: str, **arguments: Any) -> str:
    return f"Thought: I need it.\nAction: {action}\nAction Input: {arguments}".replace("'", '"')


@STREAMING
@pytest.mark.parametrize("last", ["Thought: I can.\nAnswer: it is so", "it is so", react("search", q="again")])
def test_a_react_agent_lands_whatever_the_model_writes(store: Any, streaming: bool, last: str) -> None:
    number = itertools.count()

    def acting(messages: list[ChatMessage], settings: dict[str, Any]) -> str:
        landing = "task ends here" in str(messages[-1].content)
        return last if landing else react("search", q=f"t{next(number)}")

    llm = ScriptedTextLLM(script=acting)
    agent = LeanLoop(under(Limit(model_calls=4)), store=store).agent(
        ReActAgent(llm=llm, tools=[search], streaming=streaming)
    )
    result = result_of(agent, "Find out.")
    assert result["leanloop"]["model_calls"] == 4
    assert result["leanloop"]["landed"]
    assert result["leanloop"]["tool_calls"] == {"search": 3}
    assert str(result) in ("it is so", "I need it.")


def test_a_react_agent_that_goes_in_circles_is_landed(store: Any) -> None:
    def acting(messages: list[ChatMessage], settings: dict[str, Any]) -> str:
        return "Answer: enough" if "task ends here" in str(messages[-1].content) else react("search", q="same")

    llm = ScriptedTextLLM(script=acting)
    result = result_of(LeanLoop(store=store).agent(ReActAgent(llm=llm, tools=[search])), "Find out.")
    assert "circles" in result["leanloop"]["stopped"]
    assert result["leanloop"]["tool_calls"] == {"search": 3}


def test_answers_that_cannot_be_parsed_are_a_loop(store: Any) -> None:
    number = itertools.count()

    def babbling(messages: list[ChatMessage], settings: dict[str, Any]) -> str:
        return f"Thought: hm {next(number)}"

    llm = ScriptedTextLLM(script=babbling)
    result = result_of(LeanLoop(store=store).agent(ReActAgent(llm=llm, tools=[search])), "Find out.")
    assert "failed" in result["leanloop"]["stopped"]
    assert len(llm.seen) == 6
    assert str(result).startswith("hm")


def test_a_react_agent_that_writes_an_action_only_lands_with_what_it_found(store: Any) -> None:
    number = itertools.count()

    def acting(messages: list[ChatMessage], settings: dict[str, Any]) -> str:
        said = react("search", q=f"t{next(number)}")
        return said.partition("\n")[2] if "task ends here" in str(messages[-1].content) else said

    llm = ScriptedTextLLM(script=acting)
    agent = LeanLoop(under(Limit(model_calls=3)), store=store).agent(ReActAgent(llm=llm, tools=[search]))
    result = result_of(agent, "Find out.")
    assert str(result).startswith("This task stopped before it was finished.")
    assert search("t0") in str(result)


class Stubborn(FunctionAgent):
    """An agent of one's own that asks for a tool in every step, whatever the model said."""

    async def take_step(self, ctx: Any, llm_input: Any, tools: Any, memory: Any) -> AgentOutput:
        output = await super().take_step(ctx, llm_input, tools, memory)
        output.tool_calls = [ToolSelection(tool_id="s", tool_name="search", tool_kwargs={"q": str(len(llm_input))})]
        return output


def test_an_agent_of_ones_own_lands(store: Any) -> None:
    agent = LeanLoop(under(Limit(model_calls=2)), store=store).agent(
        Stubborn(llm=ScriptedLLM(script=["so far"]), tools=[search])
    )
    result = result_of(agent, "x")
    assert result["leanloop"]["landed"]
    assert str(result) == "so far"


@STREAMING
def test_a_codeact_agent_lands_without_running_code(store: Any, streaming: bool) -> None:
    ran: list[str] = []

    def execute(code: str) -> str:
        """Run code."""
        ran.append(code)
        return f"ran {len(ran)}"

    llm = ScriptedTextLLM(script=lambda m, _: f"So far.<execute>print({len(m)})</execute>")
    agent = LeanLoop(under(Limit(model_calls=3)), store=store).agent(
        CodeActAgent(code_execute_fn=execute, llm=llm, streaming=streaming)
    )
    result = result_of(agent, "Compute.")
    assert len(ran) == 2
    assert str(result) == "So far."
    assert result["leanloop"]["tool_calls"] == {"execute": 2}
    assert result["leanloop"]["model_calls"] == 3
