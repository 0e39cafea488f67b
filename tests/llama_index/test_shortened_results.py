"""What LlamaIndex's results keep when their text is shortened, and which agents read the rest."""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, CodeActAgent, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool, ToolOutput

import leanloop
from leanloop import Budget, Limit, MemoryStore
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.changed import message_with_text
from leanloop.adapters.llama_index.messages import to_llama
from leanloop.adapters.llama_index.read_result import read_tool, reading_in
from leanloop.adapters.llama_index.scripted import ScriptedLLM, ScriptedTextLLM
from leanloop.budgets.context_rules import ContextRules, SummaryRules
from leanloop.budgets.message import Changed, Image, Message
from leanloop.budgets.result_rules import ResultRules

BUDGET = Budget(agent="a", limits=(Limit(cycles=40),), results=ResultRules(max_tokens=300))
LOG = "\n".join(f"line {number} of what the tool gave" for number in range(900))
PICTURE = ImageBlock(url="https://example.org/a.png")
HANDLE = re.compile(r"r[a-z2-7]{12}")


def give(q: str) -> str:
    """Give."""
    return LOG


def calls(*made: tuple[str, str, dict[str, Any]]) -> ChatMessage:
    blocks = [ToolCallBlock(tool_call_id=i, tool_name=n, tool_kwargs=a) for i, n, a in made]
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)


def loop(budget: Budget = BUDGET) -> LeanLoop:
    return LeanLoop(budget, store=MemoryStore())


def functions(messages: Sequence[ChatMessage], settings: dict[str, Any]) -> ChatMessage | str:
    """Call `give`, read line 700 of what it gave, and answer with that."""
    results = [message for message in messages if message.role is MessageRole.TOOL]
    if not results:
        return calls(("c1", "give", {"q": "x"}))
    handle = HANDLE.search(results[0].content or "")
    if handle is None or len(results) > 1:
        return results[-1].content or ""
    return calls(("c2", "read_result", {"handle": handle.group(), "lines": "700"}))


def reasoning(messages: Sequence[ChatMessage], settings: dict[str, Any]) -> str:
    """The same in the words of ReAct."""
    told = [message.content or "" for message in messages if (message.content or "").startswith("Observation: ")]
    if not told:
        return 'Thought: I look.\nAction: give\nAction Input: {"q": "x"}'
    handle = HANDLE.search(told[0])
    if handle is None or len(told) > 1:
        return f"Thought: I can answer.\nAnswer: {told[-1]}"
    return f'Thought: On.\nAction: read_result\nAction Input: {{"handle": "{handle.group()}", "lines": "700"}}'


def coding(messages: Sequence[ChatMessage], settings: dict[str, Any]) -> str:
    """The same in CodeAct's code, which knows no `read_result` where it is run."""
    told = [message.content or "" for message in messages if (message.content or "").startswith("Result of executing")]
    if not told:
        return "I look. <execute>print(give('x'))</execute>"
    handle = HANDLE.search(told[0])
    if handle is None or len(told) > 1:
        return told[-1]
    return f"On. <execute>print(read_result('{handle.group()}', lines='700'))</execute>"


async def execute(code: str) -> str:
    assert "read_result" not in code
    return LOG


AGENTS: dict[str, Callable[[], Any]] = {
    "function": lambda: FunctionAgent(llm=ScriptedLLM(script=functions), tools=[give]),
    "react": lambda: ReActAgent(llm=ScriptedTextLLM(script=reasoning), tools=[give]),
    "codeact": lambda: CodeActAgent(code_execute_fn=execute, llm=ScriptedTextLLM(script=coding), tools=[give]),
    "workflow": lambda: AgentWorkflow(
        agents=[FunctionAgent(name="one", description="one", llm=ScriptedLLM(script=functions), tools=[give])]
    ),
    "workflow of a guarded agent": lambda: AgentWorkflow(
        agents=[
            loop().agent(FunctionAgent(name="one", description="1", llm=ScriptedLLM(script=functions), tools=[give]))
        ]
    ),
}


@pytest.mark.parametrize("name", AGENTS)
async def test_every_kind_of_agent_reads_back(name: str) -> None:
    result = await loop().agent(AGENTS[name]()).run("go")
    assert "line 699 of what" in str(result)
    assert result["leanloop"]["tool_calls"]["read_result"] == 1


@pytest.mark.parametrize("name", AGENTS)
async def test_with_results_off_no_kind_of_agent_is_changed(name: str) -> None:
    if "guarded" in name:
        pytest.skip("the agent has a budget of its own")
    result = await loop(BUDGET.model_copy(update={"results": None})).agent(AGENTS[name]()).run("go")
    assert LOG in str(result)


async def test_agents_of_a_workflow_read_what_others_were_shown() -> None:
    def hands_over(messages: Sequence[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
        done = [message for message in messages if message.role is MessageRole.TOOL]
        call = ("c9", "handoff", {"to_agent": "writer", "reason": "it is read"})
        return calls(call) if done else calls(("c1", "give", {"q": "x"}))

    def writes(messages: Sequence[ChatMessage], settings: dict[str, Any]) -> ChatMessage | str:
        told = [message.content or "" for message in messages if message.role is MessageRole.TOOL]
        handle = HANDLE.search(told[0])
        assert handle is not None
        read = next((text for text in told if "line 699" in text), None)
        return read or calls(("c2", "read_result", {"handle": handle.group(), "lines": "700"}))

    first = FunctionAgent(
        name="reader", description="r", llm=ScriptedLLM(script=hands_over), tools=[give], can_handoff_to=["writer"]
    )
    second = FunctionAgent(name="writer", description="w", llm=ScriptedLLM(script=writes))
    result = await loop().agent(AgentWorkflow(agents=[first, second], root_agent="reader")).run("go")
    assert "line 699 of what" in str(result)
    assert second.tools is None


async def test_tools_that_are_retrieved_are_shortened_too() -> None:
    class Finds:
        async def aretrieve(self, query: str) -> list[Any]:
            return [FunctionTool.from_defaults(give)]

    agent = FunctionAgent(llm=ScriptedLLM(script=functions), tool_retriever=None, tools=[])
    agent.tool_retriever = Finds()  # type: ignore[assignment]
    result = await loop().agent(agent).run("go")
    assert "line 699 of what" in str(result)


async def test_pictures_input_and_output_survive() -> None:
    seen: list[ToolOutput] = []

    class Draws(FunctionTool):
        async def acall(self, *args: Any, **kwargs: Any) -> ToolOutput:
            blocks: list[Any] = [TextBlock(text=LOG), PICTURE, TextBlock(text="and more")]
            return ToolOutput(tool_name="give", blocks=blocks, raw_input={"by": "me"}, raw_output=42, is_error=True)

    agent = FunctionAgent(llm=ScriptedLLM(script=functions), tools=[Draws.from_defaults(give)])
    handler = loop().agent(agent).run("go")
    async for event in handler.stream_events():
        seen += [event.tool_output] if getattr(event, "tool_output", None) is not None else []
    await handler
    text, picture = seen[0].blocks
    assert isinstance(text, TextBlock)
    assert text.text.startswith("[shortened: ")
    assert picture == PICTURE
    assert (seen[0].raw_input, seen[0].raw_output, seen[0].is_error) == ({"by": "me"}, 42, True)


def test_a_loop_of_ones_own_reads_back() -> None:
    guard = loop()
    given, reads = guard.tools([FunctionTool.from_defaults(give), read_tool()])
    llm = guard.llm(ScriptedLLM(script=functions))
    with leanloop.task(BUDGET, store=MemoryStore()) as task:
        assert given.call(q="x").content == LOG  # no model was offered the tool yet
        llm.chat_with_tools([given, guard.read_result], "go")
        shown = given.call(q="x").content
        handle = HANDLE.search(shown)
        assert handle is not None
        assert shown.startswith("[shortened: ")
        assert "line 699 of what" in reads.call(handle=handle.group(), lines="700").content
    assert task.receipt().tool_calls == {"give": 2, "read_result": 1}


async def test_the_tool_without_a_task_or_with_results_off_says_so() -> None:
    with pytest.raises(leanloop.UsageError, match="guard it"):
        read_tool().call(handle="r234567abcdef")
    off = LeanLoop(BUDGET.model_copy(update={"results": None}), store=MemoryStore())
    with pytest.raises(leanloop.UsageError, match="no result with this handle"):
        off.read_result.call(handle="r234567abcdef")
    with pytest.raises(leanloop.UsageError, match="no result with this handle"):
        await off.read_result.acall(handle="r234567abcdef")


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("read_result('r2')", '{"handle":"r2"}'),
        ('print(read_result(handle="r2", search="a\'b"))', '{"handle":"r2","search":"a\'b"}'),
        ("part = read_result('r2', '1-2', page=3)", '{"handle":"r2","lines":"1-2","page":3}'),
        ("x = 1\nread_result('r2')", None),
        ("read_result(handle)", None),
        ("print(read_result('r2'), 1)", None),
        ("other(read_result('r2'))", None),
        ("read_result('r2'", None),
        ("read_result(" + "(" * 300, None),
        ("read_result('" + "a" * 5_000 + "')", None),
        ("1", None),
    ],
)
def test_code_that_is_one_call_of_the_tool_is_read_as_one(code: str, arguments: str | None) -> None:
    found = reading_in(code)
    assert (found and found.replace(" ", "")) == (arguments and arguments.replace(" ", ""))


def test_a_changed_text_keeps_the_message() -> None:
    whole = ChatMessage(
        role=MessageRole.TOOL,
        blocks=[TextBlock(text="long"), PICTURE, TextBlock(text="more")],
        additional_kwargs={"tool_call_id": "c1"},
    )
    said = to_llama(Message("tool", "short", images=(Image(),), raw=Changed.of(whole)))
    assert said.blocks == [TextBlock(text="short"), PICTURE]
    assert said.additional_kwargs == {"tool_call_id": "c1"}
    assert to_llama(Message("tool", "short", raw=Changed.of(whole))).blocks == [TextBlock(text="short")]
    assert len(whole.blocks) == 3
    none = ChatMessage(role=MessageRole.TOOL, blocks=[PICTURE])
    assert message_with_text(none, "short").blocks == [TextBlock(text="short"), PICTURE]


async def test_a_summary_is_asked_for_without_tools_and_seen_by_nobody() -> None:
    rules = ContextRules(keep=1, at_tokens=2_500, summary=SummaryRules(max_tokens=100))
    budget = Budget(agent="a", limits=(Limit(cycles=40),), notify=(), context=rules)

    def fetch(q: str) -> str:
        """Fetch."""
        return "\n".join(f"{q}: fact {number}" for number in range(80))

    def script(messages: Sequence[ChatMessage], settings: dict[str, Any]) -> ChatMessage | str:
        if not settings.get("tools"):
            return "a secret summary"
        done = sum(message.role is MessageRole.TOOL for message in messages)
        return calls((f"c{done}", "fetch", {"q": f"topic {done}"})) if done < 12 else "done"

    llm = ScriptedLLM(script=script)
    guard = loop(budget)
    handler = guard.agent(FunctionAgent(llm=llm, tools=[fetch])).run("go")
    shown = [str(getattr(event, "delta", "")) async for event in handler.stream_events()]
    assert str(await handler) == "done"
    summaries = [settings for _, settings in llm.seen if not settings.get("tools")]
    assert summaries
    assert all("tool_choice" not in settings for settings in summaries)
    assert "secret" not in "".join(shown)
    assert any("a secret summary" in (message.content or "") for message in llm.seen[-1][0])
