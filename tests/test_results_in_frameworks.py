"""Long tool results in every framework: shortened where they arrive, read back, never lost, and the same receipt."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportDeprecated=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from agent_tools import Query
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import StructuredTool, ToolException
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool

from leanloop import Budget, Limit, MemoryStore
from leanloop.adapters import langchain, llama_index
from leanloop.adapters.langchain.messages import from_langchain
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.langchain.tools import spec_of
from leanloop.adapters.llama_index.messages import from_llama
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.adapters.llama_index.tools import specs_of
from leanloop.budgets.context_rules import ContextRules
from leanloop.budgets.message import Message, ToolSpec
from leanloop.budgets.result_rules import ResultRules
from leanloop.budgets.store import LedgerStore
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage

Calls = Sequence[tuple[str, Mapping[str, object]]]
Script = Callable[[Sequence[Message]], str | Calls]
"""What the model says to the messages it is sent: text, or calls of tools with their arguments."""


class Failed(ToolException):
    """What a tool raises whose work went wrong."""


@dataclass
class Agent:
    """What an agent is made of. `sub` are agents that are tools of it, under its budget and with its `read_result`."""

    script: Script
    budget: Budget
    tools: Mapping[str, Callable[[str], str]] = field(default_factory=dict[str, Callable[[str], str]])
    sub: Mapping[str, Script] = field(default_factory=dict[str, Script])
    direct: frozenset[str] = frozenset()


@dataclass
class Ran:
    """`sent` is what each call of the model was sent, `stored` what the framework kept, both as neutral messages."""

    answer: str
    receipt: Mapping[str, Any]
    sent: list[tuple[Message, ...]]
    tools: list[list[str]]
    stored: tuple[Message, ...]

    @property
    def results(self) -> list[Message]:
        return [message for message in self.stored if message.role == "tool"]


class Framework(Protocol):
    def run(self, agent: Agent, store: LedgerStore, **tags: str) -> Ran: ...


def billed(messages: Sequence[Message], tools: Sequence[ToolSpec], said: Message) -> Usage:
    """What a provider would report; LangChain's results carry the tool's name as well, LlamaIndex's do not."""
    counter = counter_for("gpt-4o-mini")
    return Usage(counter.prompt([replace(message, name=None) for message in messages], tools), counter.reply(said))


def named(said: str | Calls, turn: int) -> list[tuple[str, str, dict[str, object]]]:
    """Id, name and arguments of the calls."""
    calls: Calls = () if isinstance(said, str) else said
    return [(f"c{turn}-{number}", name, dict(arguments)) for number, (name, arguments) in enumerate(calls)]


class LangChain:
    def __init__(self, mode: str) -> None:
        self._mode = mode

    def run(self, agent: Agent, store: LedgerStore, **tags: str) -> Ran:
        sent: list[tuple[Message, ...]] = []
        offered: list[list[str]] = []
        loop = langchain.LeanLoop(agent.budget, store=store)
        tools = [self._tool(name, does, name in agent.direct) for name, does in agent.tools.items()]
        for name, script in agent.sub.items():
            inner = create_agent(self._model(script, [], []), [*tools, loop.read_result])
            tools.append(self._tool(name, self._asking(inner)))
        made = create_agent(self._model(agent.script, sent, offered), tools, middleware=[loop])
        result = self._run(made, {"configurable": {"leanloop": tags}, "recursion_limit": 500})
        stored = tuple(from_langchain(message) for message in result["messages"])
        answered = [m.response_metadata["leanloop"] for m in result["messages"] if "leanloop" in m.response_metadata]
        return Ran(_last(result).text, answered[-1] if answered else {}, sent, offered, stored)

    @staticmethod
    def _asking(inner: Any) -> Callable[[str], str]:
        return lambda q: str(_last(inner.invoke(_asked(q))).text)

    def _run(self, made: Any, place: dict[str, Any]) -> Any:
        if self._mode == "async":
            return asyncio.run(made.ainvoke(_asked("go"), place))
        if self._mode == "streamed":
            return list(made.stream(_asked("go"), place, stream_mode="values"))[-1]
        return made.invoke(_asked("go"), place)

    @staticmethod
    def _model(script: Script, sent: list[tuple[Message, ...]], offered: list[list[str]]) -> ScriptedModel:
        def answer(messages: list[Any], settings: dict[str, Any]) -> AIMessage:
            told = tuple(from_langchain(message) for message in messages)
            specs = [spec_of(tool) for tool in settings.get("tools") or ()]
            said = script(told)
            calls = [{"name": n, "args": a, "id": i} for i, n, a in named(said, len(told))]
            message = AIMessage(said if isinstance(said, str) else "", tool_calls=calls)
            sent.append(told)
            offered.append([spec.name for spec in specs])
            use = billed(told, specs, from_langchain(message))
            usage = {"input_tokens": use.input, "output_tokens": use.output, "total_tokens": use.total}
            return message.model_copy(update={"usage_metadata": usage})

        return ScriptedModel(script=answer)

    @staticmethod
    def _tool(name: str, does: Callable[[str], str], direct: bool = False) -> Any:
        return StructuredTool.from_function(
            does, name=name, description=name, args_schema=Query, return_direct=direct, handle_tool_error=True
        )


def _asked(text: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def _last(result: Any) -> Any:
    return result["messages"][-1]


class LlamaIndex:
    def __init__(self, *, streaming: bool) -> None:
        self._streaming = streaming

    def run(self, agent: Agent, store: LedgerStore, **tags: str) -> Ran:
        sent: list[tuple[Message, ...]] = []
        offered: list[list[str]] = []
        loop = llama_index.LeanLoop(agent.budget, store=store)
        tools = [self._tool(name, does, name in agent.direct) for name, does in agent.tools.items()]
        for name, script in agent.sub.items():
            tools.append(self._sub(name, script, tools))
        made = FunctionAgent(llm=self._model(agent.script, sent, offered), tools=list(tools), streaming=self._streaming)
        memory = ChatMemoryBuffer.from_defaults(token_limit=10**9)

        async def go() -> Any:
            return await loop.agent(made).run("go", memory=memory, leanloop=tags)

        result = asyncio.run(go())
        stored = tuple(from_llama(message) for message in memory.get_all())
        return Ran(str(result), result["leanloop"], sent, offered, stored)

    def _sub(self, name: str, script: Script, tools: list[FunctionTool]) -> FunctionTool:
        inner = FunctionAgent(llm=self._model(script, [], []), tools=list(tools), streaming=self._streaming)

        async def ask(q: str) -> str:
            return str(await llama_index.LeanLoop().agent(inner).run(q))

        return FunctionTool.from_defaults(async_fn=ask, name=name, description=name, fn_schema=Query)

    @staticmethod
    def _model(script: Script, sent: list[tuple[Message, ...]], offered: list[list[str]]) -> Any:
        def answer(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatResponse:
            told = tuple(from_llama(message) for message in messages)
            specs = specs_of(settings.get("tools"))
            said = script(told)
            calls = [ToolCallBlock(tool_call_id=i, tool_name=n, tool_kwargs=a) for i, n, a in named(said, len(told))]
            text = TextBlock(text=said if isinstance(said, str) else "")
            message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[text, *calls])
            sent.append(told)
            offered.append([spec.name for spec in specs])
            use = billed(told, specs, from_llama(message))
            raw = {"usage": {"prompt_tokens": use.input, "completion_tokens": use.output}}
            return ChatResponse(message=message, raw=raw)

        return ScriptedLLM(script=answer)

    @staticmethod
    def _tool(name: str, does: Callable[[str], str], direct: bool = False) -> FunctionTool:
        return FunctionTool.from_defaults(does, name=name, description=name, fn_schema=Query, return_direct=direct)


FRAMEWORKS: Mapping[str, Framework] = {
    "langchain, plain": LangChain("plain"),
    "langchain, awaited": LangChain("async"),
    "langchain, streamed": LangChain("streamed"),
    "llama_index, streamed": LlamaIndex(streaming=True),
    "llama_index, whole": LlamaIndex(streaming=False),
}


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> Framework:
    return FRAMEWORKS[request.param]


# What tools give and models say

ROWS = [{"id": number, "name": f"item {number}", "price": number * 3, "note": "x" * number} for number in range(200)]
LOG = "\n".join(
    f"2026-01-01 12:00:{n % 60:02} INFO step {n} of the build, with what it did" if n != 321 else "ERROR: disk full"
    for n in range(900)
)
RESULTS: Mapping[str, Callable[[str], str]] = {"rows": lambda q: json.dumps(ROWS), "log": lambda q: LOG}
MARKER = re.compile(r"\[shortened: ")


SHORT = ResultRules(max_tokens=500)


def under(*limits: Limit, **settings: Any) -> Budget:
    settings.setdefault("results", SHORT)
    return Budget(agent="a", limits=limits or (Limit(cycles=200),), notify=(), **settings)


def handle_in(messages: Sequence[Message]) -> str:
    """The handle that the latest shortened result names."""
    found = [re.search(r"\br[a-z2-7]{12}\b", message.text) for message in reversed(messages) if message.role == "tool"]
    return next(match.group() for match in found if match is not None)


def results_in(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message.role == "tool"]


def then_read(tool: str, *reads: Mapping[str, object]) -> Script:
    """Call a tool, then read its result back in these ways, then answer with the last thing read."""

    def script(messages: Sequence[Message]) -> str | Calls:
        done = len(results_in(messages))
        if done == 0:
            return [(tool, {"q": "all of it"})]
        if done <= len(reads):
            return [("read_result", {"handle": handle_in(results_in(messages)[:1]), **reads[done - 1]})]
        return f"I have read: {messages[-1].text}"

    return script


def test_a_long_result_is_shortened_below_one_line_that_says_so(framework: Framework) -> None:
    ran = framework.run(Agent(then_read("log"), under(), RESULTS), MemoryStore())
    (result,) = ran.results
    assert MARKER.match(result.text)
    assert "ERROR: disk full" in result.text
    assert counter_for("gpt-4o-mini").text(result.text) <= 500
    assert ran.sent[1][-1].text == result.text
    assert [saving["plugin"] for saving in ran.receipt["savings"]] == ["result limit"]
    assert ran.receipt["notes"] == []


@pytest.mark.parametrize(
    ("tool", "read", "found"),
    [
        ("log", {"lines": "700-702"}, "step 700 of the build"),
        ("log", {"search": "STEP 555 "}, "step 555 of the build"),
        ("rows", {"path": "$[150].name"}, "item 150"),
        ("rows", {"search": "item 133"}, "item 133"),
        ("log", {}, "of the build"),
    ],
)
def test_what_was_left_out_is_read_back(
    framework: Framework, tool: str, read: Mapping[str, object], found: str
) -> None:
    ran = framework.run(Agent(then_read(tool, read), under(), RESULTS), MemoryStore())
    assert found in ran.answer
    assert ran.receipt["tool_calls"] == {tool: 1, "read_result": 1}
    assert not ran.results[1].is_error


def test_read_result_is_offered_from_the_first_call_on_and_always(framework: Framework) -> None:
    ran = framework.run(Agent(then_read("log", {"lines": "1-2"}), under(), RESULTS), MemoryStore())
    assert [sorted(names) for names in ran.tools] == [["log", "read_result", "rows"]] * 3
    assert len({tuple(names) for names in ran.tools}) == 1


def test_results_off_changes_nothing(framework: Framework) -> None:
    ran = framework.run(Agent(then_read("log"), under(results=None), RESULTS), MemoryStore())
    assert ran.results[0].text == LOG
    assert [sorted(names) for names in ran.tools] == [["log", "rows"]] * 2
    assert ran.receipt["savings"] == []


def test_a_tool_of_ones_own_by_that_name_stays_and_results_are_left_whole(framework: Framework) -> None:
    tools = {**RESULTS, "read_result": lambda q: f"my own, of {q}"}

    def script(messages: Sequence[Message]) -> str | Calls:
        said: list[str | Calls] = [[("log", {"q": "x"})], [("read_result", {"q": "mine"})], "done"]
        return said[len(results_in(messages))]

    ran = framework.run(Agent(script, under(), tools), MemoryStore())
    assert [result.text for result in ran.results] == [LOG, "my own, of mine"]
    assert ran.tools[0].count("read_result") == 1


def test_a_failed_tool_stays_an_error(framework: Framework) -> None:
    def fails(q: str) -> str:
        raise Failed("no such table: orders\n" + LOG)

    def script(messages: Sequence[Message]) -> str | Calls:
        return "done" if results_in(messages) else [("fails", {"q": "x"})]

    ran = framework.run(Agent(script, under(), {"fails": fails}), MemoryStore())
    (result,) = ran.results
    assert MARKER.match(result.text)
    assert "no such table: orders" in result.text
    if isinstance(framework, LangChain):  # LlamaIndex's messages do not say it
        assert result.is_error


def test_what_goes_to_the_user_is_never_shortened(framework: Framework) -> None:
    def script(messages: Sequence[Message]) -> str | Calls:
        return [("log", {"q": "x"})]

    ran = framework.run(Agent(script, under(), RESULTS, direct=frozenset({"log"})), MemoryStore())
    assert ran.answer == LOG
    assert len(ran.sent) == 1


def test_parallel_results_share_what_a_step_may_have(framework: Framework) -> None:
    rules = ResultRules(max_tokens=2_000, batch=3_000)

    def script(messages: Sequence[Message]) -> str | Calls:
        return "done" if results_in(messages) else [("log", {"q": f"part {n}"}) for n in range(5)]

    ran = framework.run(Agent(script, under(results=rules), RESULTS), MemoryStore())
    counter = counter_for("gpt-4o-mini")
    assert len(ran.results) == 5
    assert all(MARKER.match(result.text) for result in ran.results)
    assert sum(counter.text(result.text) for result in ran.results) <= 3_000


def test_the_same_part_is_given_once(framework: Framework) -> None:
    reads = [{"lines": "700-710"}, {"lines": "700-710"}]
    ran = framework.run(Agent(then_read("log", *reads), under(), RESULTS), MemoryStore())
    assert "step 705 of" in ran.results[1].text
    assert "step 705 of" not in ran.results[2].text
    assert "already" in ran.results[2].text


def test_reading_back_is_limited(framework: Framework) -> None:
    rules = ResultRules(max_tokens=500, reads=2, read_tokens=300)
    reads = [{"lines": f"{n}00-"} for n in (1, 2, 3)]
    ran = framework.run(Agent(then_read("log", *reads), under(results=rules), RESULTS), MemoryStore())
    counter = counter_for("gpt-4o-mini")
    assert all(counter.text(result.text) <= 300 for result in ran.results[1:])
    assert "2 times in one task" in ran.answer


def test_reading_back_counts_as_a_tool_call(framework: Framework) -> None:
    budget = under(Limit(tool_calls={"read_result": 1}, cycles=20))
    ran = framework.run(Agent(then_read("log", {"lines": "5-6"}, {"lines": "8-9"}), budget, RESULTS), MemoryStore())
    assert "Not run. The limit of 1 call of read_result" in ran.answer


def test_a_sub_agent_reads_what_its_parent_was_shown(framework: Framework) -> None:
    def parent(messages: Sequence[Message]) -> str | Calls:
        done = results_in(messages)
        if not done:
            return [("log", {"q": "x"})]
        return [("ask", {"q": f"what is in line 700 of {handle_in(done)}"})] if len(done) == 1 else messages[-1].text

    def child(messages: Sequence[Message]) -> str | Calls:
        if results_in(messages):
            return f"It says: {messages[-1].text}"
        handle = re.search(r"r[a-z2-7]{12}", messages[-1].text)
        assert handle is not None
        return [("read_result", {"handle": handle.group(), "lines": "700"})]

    ran = framework.run(Agent(parent, under(), RESULTS, sub={"ask": child}), MemoryStore())
    assert "step 699 of the build" in ran.answer
    assert ran.receipt["tool_calls"]["read_result"] == 1


def test_a_handle_outlives_the_process_in_a_file_and_belongs_to_its_tenant(
    framework: Framework, tmp_path: Path
) -> None:
    rules = ResultRules(max_tokens=500, store=f"sqlite:///{tmp_path / 'results.db'}")
    first = framework.run(Agent(then_read("log"), under(results=rules), RESULTS), MemoryStore(), tenant="one")
    handle = handle_in(first.results)

    def later(messages: Sequence[Message]) -> str | Calls:
        return messages[-1].text if results_in(messages) else [("read_result", {"handle": handle, "lines": "700"})]

    again = Agent(later, under(results=rules), RESULTS)
    assert "step 699 of the build" in framework.run(again, MemoryStore(), tenant="one").answer
    other = framework.run(again, MemoryStore(), tenant="two").answer
    forged = Agent(
        lambda ms: ms[-1].text if results_in(ms) else [("read_result", {"handle": "r234567abcdef"})],
        under(results=rules),
        RESULTS,
    )
    assert "no result with this handle" in other
    assert framework.run(forged, MemoryStore(), tenant="one").answer == other


def test_where_the_store_is_gone_the_result_is_whole_and_the_receipt_says_so(
    framework: Framework, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    rules = ResultRules(max_tokens=500, store=f"folder:{tmp_path / 'file' / 'results'}")
    ran = framework.run(Agent(then_read("log"), under(results=rules), RESULTS), MemoryStore())
    assert ran.results[0].text == LOG
    assert len(ran.receipt["notes"]) == 1


def test_the_loop_guard_still_sees_equal_results(framework: Framework) -> None:
    def script(messages: Sequence[Message]) -> str | Calls:
        return "stopped" if "circles" in messages[-1].text else [("log", {"q": "the same"})]

    ran = framework.run(Agent(script, under(), RESULTS), MemoryStore())
    assert "went in circles" in ran.receipt["stopped"]
    assert ran.receipt["tool_calls"]["log"] < 5


def steps(count: int) -> Script:
    """So many calls, each with a question of its own, then an answer."""

    def script(messages: Sequence[Message]) -> str | Calls:
        done = len(results_in(messages))
        if messages[-1].role == "user" and "[budget]" in messages[-1].text:
            return "landed"
        return [("fetch", {"q": f"topic {done}"})] if done < count else f"answer after {done}"

    return script


def fetched(q: str) -> str:
    return "\n".join(f"{q}, fact {n}: {n * 7919}" for n in range(60))


LONG: dict[str, Any] = {"results": ResultRules(), "context": ContextRules(keep=2, at_tokens=6_000)}


def test_old_results_are_cleared_in_batches_from_what_is_sent_alone(framework: Framework) -> None:
    ran = framework.run(Agent(steps(30), under(**LONG), {"fetch": fetched}), MemoryStore())
    assert ran.answer == "answer after 30"
    assert [result.text for result in ran.results] == [fetched(f"topic {n}") for n in range(30)]
    changed = sum(
        any(old.text != new.text for old, new in zip(before, after, strict=False))
        for before, after in zip(ran.sent, ran.sent[1:], strict=False)
    )
    last = results_in(ran.sent[-1])
    cleared = [message for message in last if len(message.text) < 300]
    assert 10 < len(cleared) < 29
    assert 0 < changed < len(cleared)
    assert handle_in(cleared[:1])  # what is cleared together is kept as one
    assert [m.tool_call_id for m in last] == [m.tool_call_id for m in ran.results]
    assert any(saving["plugin"] == "context editing" for saving in ran.receipt["savings"])


def test_what_was_cleared_is_read_back(framework: Framework) -> None:
    def script(messages: Sequence[Message]) -> str | Calls:
        done = results_in(messages)
        if len(done) < 20:
            return [("fetch", {"q": f"topic {len(done)}"})]
        if len(done) == 20:
            return [("read_result", {"handle": handle_in(done[:1]), "search": "fact 41:"})]
        return messages[-1].text

    ran = framework.run(Agent(script, under(**LONG), {"fetch": fetched}), MemoryStore())
    assert f"topic 0, fact 41: {41 * 7919}" in ran.answer


def test_a_task_lands_after_results_were_cleared(framework: Framework) -> None:
    budget = under(Limit(cycles=20), **LONG)
    ran = framework.run(Agent(steps(99), budget, {"fetch": fetched}), MemoryStore())
    assert ran.receipt["landed"]
    assert ran.answer == "landed"
    assert any(len(message.text) < 300 for message in results_in(ran.sent[-1]))


SAME = {
    "a long log": Agent(then_read("log", {"lines": "700-702"}), under(), RESULTS),
    "rows": Agent(then_read("rows", {"path": "$[150].name"}, {"search": "item 133"}), under(), RESULTS),
    "a long run": Agent(steps(30), under(**LONG), {"fetch": fetched}),
}


@pytest.mark.parametrize("name", SAME)
def test_every_framework_comes_to_the_same_receipt(name: str) -> None:
    seen: dict[str, object] = {}
    for at, one in FRAMEWORKS.items():
        ran = one.run(SAME[name], MemoryStore())
        receipt = ran.receipt
        parts = ("tokens", "usd", "model_calls", "tool_calls", "cycles", "notes")
        # What was not sent is estimated, by a counter that learns from each call.
        savings = [(saving["plugin"], saving["what"], saving["calls"]) for saving in receipt["savings"]]
        seen[at] = ran.answer, savings, [receipt[part] for part in parts]
    assert len({repr(what) for what in seen.values()}) == 1, seen
