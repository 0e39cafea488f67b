"""The thinking gate around what runs on LlamaIndex, and what each class says a model can do."""

# What is called by name has no type, and LlamaIndex's `run` is an overload of which the first is deprecated:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportDeprecated=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.indices import SummaryIndex
from llama_index.core.llms import LLM, MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.schema import TextNode
from llama_index.core.tools import FunctionTool, QueryEngineTool
from llama_index.core.workflow import Context
from refused import refused

import leanloop
from leanloop import Budget, Limit, ModelCall, ModelFlow, ModelReply, ModelUnavailable, Plugin, parse_budget
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM, ScriptedTextLLM
from leanloop.budgets.degrade_step import Effort
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.outcomes.memory import MemoryOutcomes

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

EFFORTS: tuple[Effort, ...] = ("none", "low", "medium", "high")


def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is a word"


TOOLS: list[Any] = [FunctionTool.from_defaults(look_up)]


def loop_under(text: str, judge: Callable[[ModelCall], float], *limits: Limit, **more: Any) -> LeanLoop:
    budget = parse_budget(f"agent: a\nunknown_model: free\n{text}", environ={}).model_copy(update={"limits": limits})
    return LeanLoop(budget, difficulty=judge, outcomes=MemoryOutcomes(), **more)


def searching(rounds: int) -> Callable[[list[ChatMessage], dict[str, Any]], ChatMessage]:
    def reply(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
        asked = max(n for n, message in enumerate(messages) if message.role is MessageRole.USER)
        done = sum(message.role is MessageRole.TOOL for message in messages[asked:])
        call = ToolCallBlock(tool_call_id=f"c{done}", tool_name="look_up", tool_kwargs={"word": f"w{done}"})
        done_or_call: list[Any] = [TextBlock(text="done")] if done >= rounds or not settings.get("tools") else [call]
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=done_or_call)

    return reply


def efforts_of(llm: ScriptedTextLLM) -> list[object]:
    return [settings.get("reasoning_effort") for _, settings in llm.seen]


class Named(ChatMemoryBuffer):
    """A memory with a name, as `Memory` has one, which leaves a database open."""

    session_id: str = "m1"


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
async def test_where_thinking_may_not_be_switched_in_a_tool_loop_it_is_decided_once_a_turn(streaming: bool) -> None:
    llm = ScriptedLLM(script=searching(2), efforts=EFFORTS, steady=True)
    hard = iter([0.9, 0.1])
    loop = loop_under("thinking: {above: 0.5}", lambda _: next(hard))
    agent, memory = loop.agent(FunctionAgent(llm=llm, tools=TOOLS, streaming=streaming)), Named.from_defaults()
    for _ in range(2):
        await agent.run("go", memory=memory)
    assert efforts_of(llm) == ["high"] * 3 + ["none"] * 3


async def test_an_agent_that_tells_its_steps_in_prose_thinks_too() -> None:
    said = ['Thought: I look.\nAction: look_up\nAction Input: {"word": "a"}', "Thought: I know.\nAnswer: done"]
    llm = ScriptedTextLLM(script=said, efforts=EFFORTS)
    agent = loop_under("thinking: {above: 0.5}", lambda _: 1.0).agent(ReActAgent(llm=llm, tools=TOOLS))
    assert str(await agent.run("go")) == "done"
    assert efforts_of(llm) == ["high", "high"]


@pytest.mark.parametrize("wanted", [0.9, 0.1])
def test_a_querys_answer_is_thought_about_as_its_question_deserves(wanted: float) -> None:
    llm = ScriptedTextLLM(script=["an answer"], efforts=EFFORTS)
    index = SummaryIndex(nodes=[TextNode(text="Kiel is a town.")])
    engine = loop_under("thinking: {above: 0.5}", lambda _: wanted).query_engine(index.as_query_engine(llm=llm))
    response = engine.query("Where is Kiel?")
    assert str(response) == "an answer"
    assert efforts_of(llm) == ["high" if wanted > 0.5 else "none"]


async def test_a_query_within_an_agent_is_a_call_of_its_own() -> None:
    inner = ScriptedTextLLM(script=["Kiel is a town."], efforts=EFFORTS)
    index = SummaryIndex(nodes=[TextNode(text="Kiel is a town.")])
    tool = QueryEngineTool.from_defaults(index.as_query_engine(llm=inner), name="look_up", description="Look up.")

    def script(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
        made = searching(1)(messages, settings)
        for block in made.blocks:
            if isinstance(block, ToolCallBlock):
                block.tool_kwargs = {"input": "Kiel"}
        return made

    llm = ScriptedLLM(script=script, efforts=EFFORTS, steady=True)
    loop = loop_under("thinking: {above: 0.5}", lambda call: 0.9 if call.tools else 0.1)
    engine: Any = loop.query_engine(tool.query_engine)
    agent = loop.agent(FunctionAgent(llm=llm, tools=[QueryEngineTool(query_engine=engine, metadata=tool.metadata)]))
    await agent.run("go")
    assert (efforts_of(llm), efforts_of(inner)) == (["high", "high"], ["none"])


def test_a_model_that_cannot_be_asked_is_left_alone_and_it_is_said_once() -> None:
    llm = MockLLM()
    loop = loop_under("thinking: {above: 0.5}", lambda _: 0.9)
    guarded = loop.llm(llm)
    with leanloop.task(loop.budget) as task:
        for _ in range(3):
            guarded.complete("hello")
    (said,) = [note for note in task.receipt().notes if "effort" in note]
    assert said.startswith("MockLLM does not know the thinking effort none and high")


def test_that_a_model_cannot_be_asked_for_less_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    class Less(Plugin):
        def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
            reply: ModelReply = yield replace(call, effort="low")
            return reply

    guarded = LeanLoop(Budget(agent="a"), plugins=[Less()]).llm(ScriptedLLM(script=["done"], model="plain"))
    for _ in range(2):
        guarded.chat([ChatMessage(content="hello")])
    said = (
        "plain takes no reasoning effort, so its thinking is left as it is (effort low was asked for). Name a model "
        "that reasons, or take the effort out of the budget file (thinking, degrade)."
    )
    assert caplog.messages.count(said) == 1


# With the providers' own classes


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
async def test_anthropics_budget_is_set_aside_above_the_users_own_cap(
    streaming: bool, llm: Callable[..., Any], provider: Any
) -> None:
    def reply(body: dict[str, Any]) -> Any:
        thought = {"thought": "hmm"} if (body.get("thinking") or {}).get("type") == "enabled" else {}
        count = len(provider.payloads)
        return "done" if count > 2 else {"id": f"c{count}", "name": "look_up", "args": {"word": f"w{count}"}, **thought}

    provider.reply = reply
    loop = loop_under("thinking: {above: 0.5}", lambda _: 1.0, Limit(usd=1))
    own = llm("anthropic", max_tokens=600)
    result = await loop.agent(FunctionAgent(llm=own, tools=TOOLS, streaming=streaming)).run("go")
    assert str(result) == "done"
    for body in provider.payloads:
        assert (body["thinking"]["budget_tokens"], body["max_tokens"]) == (4_096, 4_696)
        assert refused("anthropic", body) == []
    assert own.max_tokens == 600


@pytest.mark.parametrize("kind", ["anthropic", "openai", "google"])
async def test_the_landing_of_a_run_that_thought_is_not_refused(
    kind: str, llm: Callable[..., Any], provider: Any
) -> None:
    def reply(body: dict[str, Any]) -> Any:
        thought = {"thought": "hmm"} if (body.get("thinking") or {}).get("type") == "enabled" else {}
        count = len(provider.payloads)
        return "done" if count > 2 else {"id": f"c{count}", "name": "look_up", "args": {"word": f"w{count}"}, **thought}

    provider.reply = reply
    model = {"anthropic": "claude-haiku-4-5", "openai": "gpt-5", "google": "gemini-2.5-flash"}[kind]
    loop = loop_under("thinking: {above: 0.5}", lambda _: 1.0, Limit(cycles=3))
    result = await loop.agent(FunctionAgent(llm=llm(kind, model=model), tools=TOOLS)).run("go")
    assert result["leanloop"]["landed"]
    assert [refused(kind, body, model) for body in provider.payloads] == [[], [], []]


def test_less_is_thought_before_a_task_lands_for_want_of_money(llm: Callable[..., Any], provider: Any) -> None:
    loop = loop_under("thinking: {above: 0.5}\nlanding: {tokens: 100}", lambda _: 1.0, Limit(tokens=2_000))
    own = llm("anthropic", max_tokens=300)
    with leanloop.task(loop.budget) as task:
        assert str(loop.llm(own).chat([ChatMessage(content="hello")]).message.content) == "it is done"
    assert "thinking" not in provider.sent
    assert not task.receipt().landed


# What a model can do

CAN: list[tuple[str, dict[str, Any], bool, tuple[str, ...], str | None]] = [
    ("openai", {"model": "gpt-4o"}, False, (), None),
    ("openai", {"model": "gpt-5"}, True, ("minimal", "low", "medium", "high"), "medium"),
    ("openai", {"model": "gpt-5", "reasoning_effort": "high"}, True, ("minimal", "low", "medium", "high"), "high"),
    ("openai", {"model": "gpt-5.4"}, False, ("none", "low", "medium", "high", "xhigh"), "none"),
    ("openai", {"model": "gpt-5.4"}, True, ("none",), "none"),
    ("responses", {"model": "gpt-5.4"}, True, ("none", "low", "medium", "high", "xhigh"), "none"),
    (
        "responses",
        {"model": "gpt-5.5", "reasoning_options": {"effort": "low"}},
        False,
        ("none", "low", "medium", "high", "xhigh"),
        "low",
    ),
    ("anthropic", {"model": "claude-haiku-4-5"}, True, ("none", "low", "medium", "high", "xhigh", "max"), "none"),
    (
        "anthropic",
        {"model": "claude-opus-5", "thinking_dict": {"type": "disabled"}},
        True,
        ("none", "low", "medium", "high", "xhigh", "max"),
        "none",
    ),
    ("google", {"model": "gemini-2.5-pro"}, True, ("minimal", "low", "medium", "high"), None),
    ("google", {"model": "gemini-3-flash-preview"}, True, ("minimal", "low", "medium", "high"), "high"),
    ("ollama", {"model": "llama3"}, True, (), None),
    ("ollama", {"model": "llama3", "thinking": True}, True, ("none", "medium"), "medium"),
    ("ollama", {"model": "gpt-oss:20b", "thinking": "low"}, True, ("low", "medium", "high"), "low"),
    ("openai_like", {}, True, (), None),
    (
        "openai_like",
        {"additional_kwargs": {"extra_body": {"enable_thinking": False}}},
        True,
        ("none", "medium"),
        "none",
    ),
    ("deepseek", {}, False, ("none", "low", "high", "max"), "high"),
    ("deepseek", {}, True, ("none",), "high"),
]


class Asks(Plugin):
    """Asks what the model of a name can do."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.can: Abilities | None = None

    def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
        assert call.abilities is not None
        self.can = call.abilities(self.name or call.model)
        reply: ModelReply = yield call
        return reply


def abilities(llm: Any, *, tools: bool = False, name: str | None = None, **more: Any) -> Abilities:
    asks = Asks(name)
    budget = Budget(agent="a", limits=(Limit(cycles=9),), unknown_model="free")
    guarded = LeanLoop(budget, plugins=[asks], **more).llm(llm)
    if tools:
        guarded.chat_with_tools(TOOLS, user_msg="hello")
    else:
        guarded.chat([ChatMessage(content="hello")])
    assert asks.can is not None
    return asks.can


@pytest.mark.parametrize(("kind", "settings", "tools", "efforts", "default"), CAN)
def test_a_class_tells_what_its_model_can_be_asked_for(  # noqa: PLR0917
    kind: str,
    settings: dict[str, Any],
    tools: bool,
    efforts: tuple[str, ...],
    default: str | None,
    llm: Callable[..., Any],
    provider: Any,
) -> None:
    can = abilities(llm(kind, **settings), tools=tools)
    assert (can.efforts, can.default) == (efforts, default)
    assert can.steady is (kind in ("anthropic", "deepseek") and bool(efforts))
    assert provider.paths.count("/api/show") <= 1, "no server is asked for it, but by the class itself for its call"


def test_limits_and_tokens_are_told(llm: Callable[..., Any]) -> None:
    can = abilities(llm("anthropic", model="claude-haiku-4-5"))
    assert (can.context, can.tools, can.provider) == (200_000, True, "anthropic")
    assert can.thinking_tokens == {"low": 1_024, "medium": 2_048, "high": 4_096, "xhigh": 8_192, "max": 16_384}
    can = abilities(llm("ollama", model="qwen3:8b", context_window=4_000))
    assert (can.context, can.tools, can.thinking_tokens) == (4_000, True, {})


def test_other_models_are_told_of_by_their_own_names(llm: Callable[..., Any]) -> None:
    own, other = llm("openai", model="gpt-4o"), llm("anthropic", model="claude-opus-4-6")
    assert abilities(own, name="gpt-5").efforts == ("minimal", "low", "medium", "high")
    models = {"deep": other}
    assert abilities(own, name="deep", models=models).steady
    with pytest.raises(ModelUnavailable, match="OpenAI knows no model of that name"):
        abilities(own, name="gpt-99")
    with pytest.raises(ModelUnavailable, match="give it to leanloop"):
        abilities(MockLLM(), name="another")


def test_a_model_of_another_name_takes_what_it_can_take(llm: Callable[..., Any], provider: Any) -> None:
    class Elsewhere(Plugin):
        def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
            reply: ModelReply = yield replace(call, model="gpt-5", max_output=900)
            return reply

    budget = Budget(agent="a", limits=(Limit(cycles=9),), unknown_model="free")
    LeanLoop(budget, plugins=[Elsewhere()]).llm(llm("openai", model="gpt-4o")).chat([ChatMessage(content="hello")])
    assert (provider.sent["model"], provider.sent["temperature"]) == ("gpt-5", 1.0)
    assert refused("openai", provider.sent) == []


# The conversation, and how sure the model is


class Notes(Plugin):
    """Notes what a test asks about."""

    def __init__(self) -> None:
        self.sessions: list[str] = []
        self.logprobs: list[float | None] = []

    def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
        self.sessions.append(call.session)
        reply: ModelReply = yield call
        self.logprobs.append(reply.logprob)
        return reply


@pytest.mark.filterwarnings("ignore:Skipping serialization of known unserializable key")
async def test_a_memory_a_context_or_a_tag_names_the_conversation() -> None:
    notes = Notes()
    loop = LeanLoop(Budget(agent="a"), plugins=[notes])
    agent = loop.agent(FunctionAgent(llm=ScriptedLLM(script=["done"]), tools=TOOLS))
    memory, context = Named.from_defaults(), Context(agent)
    await agent.run("go")
    await agent.run("go", memory=memory)
    await agent.run("go", memory=memory)
    await agent.run("go", ctx=context)
    await agent.run("go", ctx=context)
    await agent.run("go", leanloop={"session": "s1"})
    await agent.run("go", memory=ChatMemoryBuffer.from_defaults())
    none, first, again, third, fourth, named, older = notes.sessions
    assert (none, named, older) == ("", "s1", "")
    assert first == again == "m1"
    assert third == fourth
    assert third not in ("", first)


@pytest.mark.parametrize("method", ["chat", "stream_chat", "achat", "astream_chat"])
def test_how_likely_a_reply_was_is_told_where_answers_may_be_rejected(
    method: str, llm: Callable[..., Any], provider: Any
) -> None:
    provider.reply = lambda _: "yes it is"
    notes = Notes()
    routes = "routes: {cheap: gpt-4o-mini, frontier: gpt-4o}"
    loop = loop_under(routes, lambda _: 0.0, plugins=[notes])
    guarded = loop.llm(llm("openai", model="gpt-4o-mini", logprobs=True))

    async def awaited() -> None:
        answer = await getattr(guarded, method)([ChatMessage(content="hello")])
        if "stream" in method:
            assert [chunk async for chunk in answer]

    if method.startswith("a"):
        asyncio.run(awaited())
    else:
        list(getattr(guarded, method)([ChatMessage(content="hello")]))
    assert notes.logprobs == [pytest.approx(-0.2)]


def test_a_reply_without_likelihoods_has_none() -> None:
    notes = Notes()
    loop = loop_under("routes: {cheap: gpt-4o-mini, frontier: gpt-4o}", lambda _: 0.0, plugins=[notes])
    llm: LLM = loop.llm(ScriptedLLM(script=["done"], model="gpt-4o-mini"))
    llm.chat([ChatMessage(content="hello")])
    assert notes.logprobs == [None]
