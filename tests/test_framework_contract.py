"""One table of scenarios, run on every framework: the same budget, the same script, the same receipt."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportDeprecated=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest
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

from leanloop import Budget, BudgetExceeded, Limit, LoopDetected, MemoryStore, TaskStopped, UsageError
from leanloop.adapters import langchain, llama_index
from leanloop.adapters.langchain.messages import from_langchain
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.langchain.tools import spec_of
from leanloop.adapters.llama_index.messages import from_llama
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.adapters.llama_index.tools import specs_of
from leanloop.budgets.answer_rules import KnownAnswer
from leanloop.budgets.budget import Landing
from leanloop.budgets.cache_rules import CacheRules, ToolCacheRules
from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.budgets.degrade_step import DegradeStep
from leanloop.budgets.difficulty_rules import DifficultyRules
from leanloop.budgets.message import Message, ToolSpec
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.budgets.result_rules import ResultRules
from leanloop.budgets.route_rules import RouteRules
from leanloop.budgets.scaffold_rules import ScaffoldRules
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import LedgerStore
from leanloop.budgets.thinking_rules import ThinkingRules
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage
from leanloop.plugins.scaffold import CognitiveTool

Said = str | Sequence[tuple[str, str]]
Reply = Callable[[int, bool], Said]
"""What the model says after so many tool results: text, or calls of tools with one argument each. The second
argument is False where it may call none."""


WEIGH = CognitiveTool("weigh", "Weighs.", {"q": "what"}, "Weigh what you are given.")
"""Offered to agents whose budget names it."""


@dataclass(frozen=True)
class Agent:
    """An agent of a scenario: what its model says, its budget and its tools. A tool may be an agent, or a person."""

    reply: Reply
    budget: Budget
    tools: Mapping[str, Callable[[str], str] | Agent | None] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Outcome:
    answer: str
    receipt: Mapping[str, Any]


class Framework(Protocol):
    def together(
        self, agent: Agent, store: LedgerStore, runs: int, **given: object
    ) -> list[Outcome | BaseException]: ...


def billed(messages: Sequence[Message], tools: Sequence[ToolSpec], said: Message) -> Usage:
    """What a provider would report. LangChain's results carry the tool's name as well, LlamaIndex's do not.

    That a tool does not exist each framework says in its own words.
    """
    counter = counter_for("gpt-4o-mini")
    told = [
        replace(message, name=None, text="?" if "missing" in message.text else message.text) for message in messages
    ]
    return Usage(counter.prompt(told, tools), counter.reply(said))


class LangChain:
    """create_agent with the middleware."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def together(self, agent: Agent, store: LedgerStore, runs: int, **given: object) -> list[Outcome | BaseException]:
        made = self._agent(agent, store, top=True)

        async def many() -> list[Outcome | BaseException]:
            one = self._run if self._mode == "async" else lambda *a: asyncio.to_thread(self._run_sync, *a)
            return await asyncio.gather(*(one(made, str(n), given) for n in range(runs)), return_exceptions=True)

        return asyncio.run(many())

    def _agent(self, agent: Agent, store: LedgerStore | None, *, top: bool = False) -> Any:
        def script(messages: list[Any], settings: dict[str, Any]) -> AIMessage:
            done = sum(message.type == "tool" for message in messages)
            said = agent.reply(done, bool(settings.get("tools")) and settings.get("tool_choice") != "none")
            calls = enumerate([] if isinstance(said, str) else said)
            message = AIMessage(
                said if isinstance(said, str) else "",
                tool_calls=[{"name": name, "args": {"q": q}, "id": f"c{done}-{i}"} for i, (name, q) in calls],
            )
            specs = [spec_of(tool) for tool in settings.get("tools") or ()]
            usage = billed([from_langchain(message) for message in messages], specs, from_langchain(message))
            return message.model_copy(
                update={
                    "usage_metadata": {
                        "input_tokens": usage.input,
                        "output_tokens": usage.output,
                        "total_tokens": usage.total,
                    }
                }
            )

        return create_agent(
            ScriptedModel(script=script),
            [self._tool(name, tool) for name, tool in agent.tools.items()],
            middleware=[langchain.LeanLoop(agent.budget, store=store, cognitive_tools=(WEIGH,))],
            checkpointer=InMemorySaver() if top else None,
        )

    def _tool(self, name: str, does: Any) -> StructuredTool:
        if isinstance(does, Agent):
            return langchain_tool(name, None, self._agent(does, None))
        return langchain_tool(name, does)

    async def _run(self, made: Any, name: str, given: Mapping[str, object]) -> Outcome:
        place = {"configurable": {"thread_id": name, "leanloop": given}, "recursion_limit": 200}
        result = await made.ainvoke(_question("go"), place)
        while "__interrupt__" in result:
            result = await made.ainvoke(Command(resume="yes"), place)
        return _langchain_outcome(result)

    def _run_sync(self, made: Any, name: str, given: Mapping[str, object]) -> Outcome:
        place = {"configurable": {"thread_id": name, "leanloop": given}, "recursion_limit": 200}
        result: Any = {}
        asked: Any = _question("go")
        while not result or "__interrupt__" in result:
            for result in made.stream(asked, place, stream_mode="values"):  # noqa: B007
                pass
            asked = Command(resume="yes")
        return _langchain_outcome(result)


def _question(text: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def _langchain_outcome(result: Any) -> Outcome:
    last = result["messages"][-1]
    return Outcome(last.text, last.response_metadata["leanloop"])


class LlamaIndex:
    """FunctionAgent, guarded."""

    def __init__(self, *, streaming: bool) -> None:
        self._streaming = streaming

    def together(self, agent: Agent, store: LedgerStore, runs: int, **given: object) -> list[Outcome | BaseException]:
        made = self._agent(agent, store)

        async def many() -> list[Outcome | BaseException]:
            return await asyncio.gather(*(self._run(made, given) for _ in range(runs)), return_exceptions=True)

        return asyncio.run(many())

    def _agent(self, agent: Agent, store: LedgerStore | None) -> FunctionAgent:
        def script(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatResponse:
            done = sum(message.role is MessageRole.TOOL for message in messages)
            said = agent.reply(done, bool(settings.get("tools")) and settings.get("tool_choice") != "none")
            calls = [
                ToolCallBlock(tool_call_id=f"c{done}-{i}", tool_name=name, tool_kwargs={"q": q})
                for i, (name, q) in enumerate([] if isinstance(said, str) else said)
            ]
            text = TextBlock(text=said if isinstance(said, str) else "")
            message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[text, *calls])
            specs = specs_of(settings.get("tools"))
            usage = billed([from_llama(message) for message in messages], specs, from_llama(message))
            raw = {"usage": {"prompt_tokens": usage.input, "completion_tokens": usage.output}}
            return ChatResponse(message=message, raw=raw)

        tools = [self._tool(name, tool) for name, tool in agent.tools.items()]
        made = FunctionAgent(llm=ScriptedLLM(script=script), tools=tools, streaming=self._streaming)  # type: ignore[arg-type]
        return llama_index.LeanLoop(agent.budget, store=store, cognitive_tools=(WEIGH,)).agent(made)

    def _tool(self, name: str, does: Any) -> FunctionTool:
        if isinstance(does, Agent):
            return llama_index_tool(name, None, self._agent(does, None))
        return llama_index_tool(name, does)

    async def _run(self, made: FunctionAgent, given: Mapping[str, object]) -> Outcome:
        handler = made.run("go", leanloop=given)
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                handler.ctx.send_event(HumanResponseEvent(response="yes"))  # type: ignore[call-arg]
        result = await handler
        return Outcome(str(result), result["leanloop"])


FRAMEWORKS: Mapping[str, Framework] = {
    "langchain, sync": LangChain("sync"),
    "langchain, async": LangChain("async"),
    "llama_index, streaming": LlamaIndex(streaming=True),
    "llama_index, whole": LlamaIndex(streaming=False),
}


class Ledger(MemoryStore):
    def reserved(self) -> int:
        return sum(account.balance.reserved for account in self.accounts())

    def spent(self, resource: str) -> int:
        return max((one.balance.spent for one in self.accounts() if one.resource == resource), default=0)


# The scenarios


def search(q: str) -> str:
    return f"something about {q}, " * 5


def nothing(q: str) -> str:
    return "nothing"


def steps(count: int, *tools: str, parallel: int = 1) -> Reply:
    """So many calls of the tools in turn, each with an argument of its own, then an answer."""

    def reply(done: int, may_call: bool) -> Said:
        if done >= count or not may_call:
            return f"answer after {done}" if may_call else "answer at the end"
        return [(tools[(done + n) % len(tools)], f"topic {done + n}") for n in range(parallel)]

    return reply


def refuses(count: int) -> Reply:
    """So many calls of a tool, then no answer."""

    def reply(done: int, may_call: bool) -> Said:
        return [("search", f"topic {done}")] if done < count else "I'm sorry, but I can't assist with that."

    return reply


def same(done: int, may_call: bool) -> Said:
    """The same call again and again."""
    return [("search", "the same")] if may_call else "answer at the end"


def under(*limits: Limit, agent: str = "a", **settings: Any) -> Budget:
    return Budget(agent=agent, limits=limits, notify=(), **settings)


def thinking(done: int, may_call: bool) -> Said:
    """Thinks, acts, does both at once, and answers; what it is asked apart has no tools."""
    if not may_call:
        return "a thought"
    calls = [[("weigh", "one")], [("search", "two")], [("weigh", "three"), ("search", "four")]]
    return calls[done] if done < len(calls) else "answer"


ON_AND_ON = steps(99, "search")
THINKING = ScaffoldRules(models=("gpt-4o-mini",), tools=("weigh",), per_step=2)
SEARCH: Mapping[str, Callable[[str], str]] = {"search": search}


@dataclass(frozen=True)
class Scenario:
    """`calls`, `tools`, `cycles` and `landed` are what the receipt must say."""

    agent: Agent
    calls: int
    tools: Mapping[str, int]
    cycles: int
    stopped: str | None = None
    raises: type[TaskStopped] | None = None


SCENARIOS = {
    "no budget": Scenario(Agent(steps(2, "search"), under(), SEARCH), 3, {"search": 2}, 3),
    "within budget": Scenario(
        Agent(steps(3, "search"), under(Limit(tokens=50_000, usd=Decimal(1), cycles=9)), SEARCH), 4, {"search": 3}, 4
    ),
    "tokens": Scenario(
        Agent(ON_AND_ON, under(Limit(tokens=3_000), results=None), SEARCH), 8, {"search": 7}, 8, "3,000 tokens"
    ),
    "usd": Scenario(
        Agent(ON_AND_ON, under(Limit(usd=Decimal("0.001")), results=None), SEARCH), 11, {"search": 10}, 11, "0.001"
    ),
    "model calls": Scenario(
        Agent(ON_AND_ON, under(Limit(model_calls=4)), SEARCH), 4, {"search": 3}, 4, "4 model calls"
    ),
    "cycles": Scenario(Agent(ON_AND_ON, under(Limit(cycles=5)), SEARCH), 5, {"search": 4}, 5, "5 cycles"),
    "raises": Scenario(
        Agent(ON_AND_ON, under(Limit(model_calls=4), at_limit="raise"), SEARCH), 4, {}, 4, raises=BudgetExceeded
    ),
    "tool calls": Scenario(Agent(ON_AND_ON, under(Limit(tool_calls=3)), SEARCH), 5, {"search": 3}, 5, "3 tool calls"),
    "tool calls in parallel": Scenario(
        Agent(steps(99, "search", parallel=3), under(Limit(tool_calls=6)), SEARCH), 4, {"search": 6}, 4, "6 tool calls"
    ),
    "one tool": Scenario(
        Agent(steps(4, "search", "read"), under(Limit(tool_calls={"search": 1})), {"search": search, "read": search}),
        5,
        {"search": 1, "read": 2},
        5,
    ),
    "a loop": Scenario(Agent(same, under(), {"search": nothing}), 6, {"search": 3}, 6, "circles"),
    "a tool it does not have": Scenario(
        Agent(steps(2, "search", "missing"), under(Limit(tool_calls=5)), SEARCH), 3, {"search": 1}, 3
    ),
    "a tool it does not have, again and again": Scenario(
        Agent(steps(99, "missing"), under(Limit(tool_calls=9)), SEARCH), 5, {}, 5, "does not have"
    ),
    "degraded": Scenario(
        Agent(
            steps(5, "search"),
            under(Limit(model_calls=8), degrade=(DegradeStep(at=0.5, to="gpt-4.1-nano"),)),
            SEARCH,
        ),
        6,
        {"search": 5},
        6,
    ),
    "routed": Scenario(
        Agent(
            steps(3, "search"),
            under(
                Limit(model_calls=6),
                routes=RouteRules(cheap=("gpt-4.1-nano",), when_unsure="cheap", falls_at=0.9),
                difficulty=DifficultyRules(explore=None),
            ),
            SEARCH,
        ),
        4,
        {"search": 3},
        4,
    ),
    "routed, and a tier down near the limit, to the landing": Scenario(
        Agent(
            ON_AND_ON,
            under(
                Limit(model_calls=6),
                routes=RouteRules(cheap=("gpt-4.1-nano",), falls_at=0.5),
                difficulty=DifficultyRules(explore=None),
            ),
            SEARCH,
        ),
        6,
        {"search": 5},
        6,
        "6 model calls",
    ),
    "checked, and up where an answer is a refusal": Scenario(
        Agent(
            refuses(2),
            under(
                Limit(model_calls=9, tokens=50_000),
                routes=RouteRules(cheap=("gpt-4.1-nano",), cascade=CascadeRules()),
                difficulty=DifficultyRules(explore=None),
            ),
            SEARCH,
        ),
        4,
        {"search": 2},
        3,
    ),
    "checked by the agreement of three, calls of tools too": Scenario(
        Agent(
            steps(2, "search", parallel=2),
            under(
                Limit(model_calls=20, usd=Decimal(1)),
                routes=RouteRules(cheap=("gpt-4.1-nano",), cascade=CascadeRules(gates=("tool_calls", "agreement"))),
                difficulty=DifficultyRules(explore=None),
                prices={"gpt-4.1-nano": ModelPriceEntry(input=Decimal("0.001"), output=Decimal("0.001"))},
            ),
            SEARCH,
        ),
        6,
        {"search": 2},
        2,
    ),
    "known": Scenario(
        Agent(steps(2, "search"), under(Limit(cycles=3), answers=(KnownAnswer(ask="Go!", say="gone"),)), SEARCH),
        0,
        {},
        1,
    ),
    "known by a pattern, after tools": Scenario(
        Agent(steps(1, "search"), under(answers=(KnownAnswer(match="(?s)something.*", say="gone"),)), SEARCH),
        2,
        {"search": 1},
        2,
    ),
    "a loop that raises": Scenario(
        Agent(same, under(at_limit="raise"), {"search": nothing}), 5, {}, 5, raises=LoopDetected
    ),
    "a sub-agent": Scenario(
        Agent(
            steps(1, "research"),
            under(Limit(tokens=50_000)),
            {"research": Agent(ON_AND_ON, under(Limit(model_calls=3), agent="inner"), SEARCH)},
        ),
        5,
        {"research": 1, "search": 2},
        2,
    ),
    "a sub-agent that uses all up": Scenario(
        Agent(
            steps(9, "research"),
            under(Limit(model_calls=6)),
            {"research": Agent(ON_AND_ON, under(agent="inner"), SEARCH)},
        ),
        6,
        {"research": 1, "search": 3},
        2,
        "6 model calls",
    ),
    "cognitive tools": Scenario(
        Agent(thinking, under(Limit(tokens=50_000), scaffold=THINKING), SEARCH), 6, {"weigh": 2, "search": 2}, 3
    ),
    "cognitive tools that nothing comes of": Scenario(
        Agent(steps(99, "weigh"), under(Limit(model_calls=9), scaffold=THINKING, loop=None), SEARCH),
        6,
        {"weigh": 2},
        1,
    ),
    "cognitive tools that use all up": Scenario(
        Agent(thinking, under(Limit(model_calls=5), scaffold=THINKING), SEARCH),
        5,
        {"weigh": 2, "search": 2},
        3,
        "5 model calls",
    ),
    "a sub-agent that thinks": Scenario(
        Agent(
            steps(1, "research"),
            under(Limit(tokens=50_000)),
            {"research": Agent(thinking, under(agent="inner", scaffold=THINKING), SEARCH)},
        ),
        8,
        {"research": 1, "weigh": 2, "search": 2},
        2,
    ),
    "thinking that the model knows nothing of": Scenario(
        Agent(steps(2, "search"), under(Limit(tokens=50_000), thinking=ThinkingRules()), SEARCH), 3, {"search": 2}, 3
    ),
    "a person is asked": Scenario(
        Agent(steps(2, "approve"), under(Limit(tool_calls=2, tokens=50_000)), {"approve": None}), 3, {"approve": 2}, 3
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_framework_comes_to_the_same_receipt(name: str) -> None:
    scenario = SCENARIOS[name]
    seen: dict[str, object] = {}
    for framework, driver in FRAMEWORKS.items():
        ledger = Ledger()
        (outcome,) = driver.together(scenario.agent, ledger, 1)
        assert ledger.reserved() == 0, f"{framework}: set aside for nobody"
        if scenario.raises is not None:
            assert isinstance(outcome, scenario.raises), framework
            assert ledger.spent("model_calls") in (0, scenario.calls), framework
            seen[framework] = outcome.reason.partition(":")[0]
            continue
        assert isinstance(outcome, Outcome), (framework, outcome)
        receipt = outcome.receipt
        counts = receipt["model_calls"], dict(receipt["tool_calls"]), receipt["cycles"]
        assert counts == (scenario.calls, scenario.tools, scenario.cycles), framework
        assert receipt["landed"] is (scenario.stopped is not None), framework
        assert (scenario.stopped or "") in (receipt["stopped"] or ""), framework
        savings = [(saving["plugin"], saving["what"]) for saving in receipt["savings"]]
        reason = (receipt["stopped"] or "").partition(":")[0]  # what is set aside in the moment varies
        models = [(use["model"], use["calls"]) for use in receipt["models"]]
        notes = [note for note in receipt["notes"] if "thinking" in note]
        seen[framework] = (outcome.answer, reason, receipt["tokens"], receipt["usd"], models, savings, notes)
    assert len({repr(what) for what in seen.values()}) == 1, seen


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_which_models_were_asked_and_what_that_saved_stands_on_the_receipt(framework: str) -> None:
    agent = SCENARIOS["routed, and a tier down near the limit, to the landing"].agent
    (outcome,) = FRAMEWORKS[framework].together(agent, Ledger(), 1)
    assert isinstance(outcome, Outcome), outcome
    uses = {use["model"]: use["calls"] for use in outcome.receipt["models"]}
    assert uses == {"gpt-4o-mini": 3, "gpt-4.1-nano": 3}  # what nothing is known of, then what is near the limit
    (saving,) = outcome.receipt["savings"]
    assert (saving["plugin"], saving["what"]) == ("routes", "calls routed to gpt-4.1-nano")


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("limit", [Limit(model_calls=40, per="day"), Limit(usd=Decimal("0.003"), per="day")])
def test_runs_side_by_side_never_overshoot_a_budget_they_share(framework: str, limit: Limit) -> None:
    ledger = Ledger()
    agent = Agent(ON_AND_ON, under(limit, landing=Landing(tokens=100), max_output=200), SEARCH)
    outcomes = FRAMEWORKS[framework].together(agent, ledger, 32)
    assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    (resource, most), *_ = limit.amounts().items()
    assert 0 < ledger.spent(resource) <= most
    assert ledger.reserved() == 0
    assert all(outcome.receipt["landed"] for outcome in outcomes if isinstance(outcome, Outcome))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_rolling_day_of_each_user_is_kept_in_a_file_and_a_run_is_worth_what_is_said(
    framework: str, tmp_path: Path
) -> None:
    day = Limit(model_calls=5, per="day", rolling=True, scope="user")
    agent = Agent(steps(2, "search"), under(day), SEARCH)
    receipts: list[Mapping[str, Any]] = []
    for user in ("u1", "u2", "u1"):
        ledger = SqliteStore(tmp_path / "ledger.db")  # anew for each run, as another process would open it
        (outcome,) = FRAMEWORKS[framework].together(agent, ledger, 1, user=user, value=2.5)
        assert isinstance(outcome, Outcome), outcome
        receipts.append(outcome.receipt)
        assert [one for one in ledger.accounts() if one.balance.reserved] == []
        ledger.close()
    assert [receipt["model_calls"] for receipt in receipts] == [3, 3, 2]
    assert [receipt["landed"] for receipt in receipts] == [False, False, True]
    assert [(receipt["tags"], receipt["value"]) for receipt in receipts][1] == ({"user": "u2"}, "2.5")


# What is given again


class Cached:
    """An agent with a cache in a file, of each framework: what it is asked before is asked of nobody again."""

    def __init__(self, framework: str, folder: Path) -> None:
        self._driver = FRAMEWORKS[framework]
        self._address = f"sqlite:///{folder}/cache.db"

    def budget(self, *limits: Limit, results: ResultRules | None = None, agent: str = "a", **rules: Any) -> Budget:
        return under(*limits, agent=agent, results=results, cache=CacheRules(store=self._address, **rules))

    def runs(self, agent: Agent, runs: int = 1, **given: object) -> list[Outcome]:
        ledger = Ledger()
        outcomes = self._driver.together(agent, ledger, runs, **given)
        assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert ledger.reserved() == 0
        return [outcome for outcome in outcomes if isinstance(outcome, Outcome)]

    def run(self, agent: Agent, **given: object) -> Outcome:
        return self.runs(agent, 1, **given)[0]


@pytest.fixture(params=FRAMEWORKS)
def cached(request: pytest.FixtureRequest, tmp_path: Path) -> Cached:
    return Cached(request.param, tmp_path)


def given_again(outcome: Outcome) -> tuple[int, int, int]:
    """Answers, results, and what was in no cache."""
    use = outcome.receipt["cache"]
    return use["exact"], use["results"], use["misses"]


def test_a_run_of_three_steps_is_given_again_at_once_and_its_cycles_count(cached: Cached) -> None:
    agent = Agent(steps(2, "search"), cached.budget(Limit(cycles=9)), SEARCH)
    first, second, third = (cached.run(agent) for _ in range(3))
    assert [given_again(outcome) for outcome in (first, second, third)] == [(0, 0, 3), (3, 0, 0), (3, 0, 0)]
    assert {outcome.answer for outcome in (first, second, third)} == {"answer after 2"}
    for hit in (second, third):
        assert (hit.receipt["model_calls"], hit.receipt["tokens"], hit.receipt["usd"]) == (0, 0, "0")
        assert (hit.receipt["cycles"], hit.receipt["tool_calls"]) == (3, {"search": 2})
        (saving,) = [saving for saving in hit.receipt["savings"] if saving["plugin"] == "cache"]
        assert (saving["calls"], saving["tokens"]) == (3, first.receipt["tokens"])
        assert saving["usd"] == first.receipt["usd"]


def test_every_framework_says_the_same_of_a_run_given_again(tmp_path: Path) -> None:
    said: dict[str, object] = {}
    for number, framework in enumerate(FRAMEWORKS):
        (tmp_path / str(number)).mkdir()
        one = Cached(framework, tmp_path / str(number))
        agent = Agent(steps(2, "search"), one.budget(Limit(cycles=9), tools={"search": {}}), SEARCH)
        receipts = [dict(one.run(agent).receipt) for _ in range(2)]
        for receipt in receipts:
            for varying in ("task", "seconds"):
                receipt.pop(varying)
        said[framework] = receipts
    assert len({repr(what) for what in said.values()}) == 1, said


def test_runs_at_one_time_ask_once(cached: Cached) -> None:
    agent = Agent(steps(2, "search"), cached.budget(Limit(cycles=9)), SEARCH)
    outcomes = cached.runs(agent, 8)
    assert sum(outcome.receipt["model_calls"] for outcome in outcomes) == 3
    assert {outcome.answer for outcome in outcomes} == {"answer after 2"}


def test_another_tenant_is_given_nothing(cached: Cached) -> None:
    agent = Agent(steps(1, "search"), cached.budget(Limit(cycles=9), tools={"search": {}}), SEARCH)
    outcomes = [cached.run(agent, tenant=tenant) for tenant in ("t1", "t2", "t1")]
    assert [given_again(outcome) for outcome in outcomes] == [(0, 0, 3), (0, 0, 3), (2, 1, 0)]


def test_a_hit_is_a_cycle_and_a_landing_is_never_given_again(cached: Cached) -> None:
    plenty = Agent(steps(4, "search"), cached.budget(Limit(cycles=9)), SEARCH)
    cached.run(plenty)
    few = Agent(steps(4, "search"), cached.budget(Limit(cycles=3)), SEARCH)
    for _ in range(2):
        outcome = cached.run(few)
        assert outcome.receipt["landed"]
        assert outcome.answer == "answer at the end"
        assert (outcome.receipt["cycles"], outcome.receipt["model_calls"]) == (3, 1)


def test_a_result_is_given_again_until_a_tool_writes(cached: Cached) -> None:
    ran: list[str] = []

    def look(q: str) -> str:
        ran.append(q)
        return f"version {len(ran)}"

    calls = [("look", "x"), ("look", "x"), ("write", "x"), ("look", "x")]
    reply: Reply = lambda done, may_call: [calls[done]] if done < len(calls) else "done"  # noqa: E731
    rules = {"look": ToolCacheRules(evicted_by=("write",))}
    budget = cached.budget(Limit(cycles=9), models=False, tools=rules)
    outcome = cached.run(Agent(reply, budget, {"look": look, "write": nothing}))
    assert ran == ["x", "x"]
    assert given_again(outcome) == (0, 1, 2)
    assert outcome.receipt["tool_calls"] == {"look": 3, "write": 1}


def test_a_result_given_again_is_as_short_as_it_was(cached: Cached) -> None:
    ran: list[str] = []

    def read(q: str) -> str:
        ran.append(q)
        return "\n".join(f"line {number} of {q} says something else" for number in range(500))

    budget = cached.budget(Limit(cycles=9), results=ResultRules(max_tokens=200), models=False, tools={"read": {}})
    first, second = (cached.run(Agent(steps(1, "read"), budget, {"read": read})) for _ in range(2))
    assert ran == ["topic 0"]
    assert given_again(second) == (0, 1, 0)
    assert first.receipt["tokens"] == second.receipt["tokens"] < 2_000  # the model was sent the same


def test_what_a_sub_agent_was_answered_is_given_again_too(cached: Cached) -> None:
    inner = Agent(steps(1, "search"), cached.budget(Limit(cycles=9), agent="inner"), SEARCH)
    agent = Agent(steps(1, "research"), cached.budget(Limit(cycles=9)), {"research": inner})
    first, second = (cached.run(agent) for _ in range(2))
    assert (first.receipt["model_calls"], given_again(first)) == (4, (0, 0, 4))
    assert (second.receipt["model_calls"], given_again(second)) == (0, (4, 0, 0))


def test_an_answer_that_asks_a_person_is_given_again_and_the_person_asked(cached: Cached) -> None:
    agent = Agent(steps(1, "approve"), cached.budget(Limit(cycles=9)), {"approve": None})
    first, second = (cached.run(agent) for _ in range(2))
    assert (first.answer, given_again(first)) == ("answer after 1", (0, 0, 2))
    assert (second.answer, given_again(second)) == ("answer after 1", (2, 0, 0))
    assert second.receipt["tool_calls"] == {"approve": 1}


@pytest.mark.parametrize("kind", [langchain.LeanLoop, llama_index.LeanLoop], ids=["langchain", "llama_index"])
def test_what_the_file_names_and_nobody_gave_is_refused_at_the_start(kind: Any) -> None:
    with pytest.raises(UsageError, match="'prices' was not given"):
        kind(under(answers=(KnownAnswer(function="prices"),)))
    with pytest.raises(UsageError, match="my_check"):
        kind(under(routes=RouteRules(cheap=("gpt-4.1-nano",), cascade=CascadeRules(gates=("my_check",)))))
    kind(under(answers=(KnownAnswer(function="prices"),)), answers={"prices": str.upper})
