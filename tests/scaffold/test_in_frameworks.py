"""A model that errs in known ways, in both frameworks: each tool corrects what it is for.

The model is a function of what it is sent, so what it does with a tool shows what the framework sent it.
"""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportDeprecated=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool

from leanloop import Budget, Limit, Message, ToolRequest
from leanloop.adapters import langchain, llama_index
from leanloop.adapters.langchain.messages import from_langchain
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.messages import from_llama
from leanloop.adapters.llama_index.scripted import ScriptedLLM, ScriptedTextLLM
from leanloop.budgets.scaffold_rules import COGNITIVE_TOOLS, ScaffoldRules
from leanloop.plugins.scaffold.catalogue import built_in

MODEL = "gpt-4o-mini"
SYSTEM = "You are a careful agent with a secret: 4711."
PROMPTS = {built_in(name).prompt: name for name in COGNITIVE_TOOLS}

Sent = tuple[tuple[Message, ...], tuple[str, ...]]
"""What the model was sent: messages, and the names of its tools."""

Says = Callable[[Sequence[Message], Sequence[str]], Message]


class Weakness(NamedTuple):
    """A way in which the model errs, and the tool that helps.

    `wrong` is what it answers by itself, `right` once it was told `thought`.
    """

    tool: str
    question: str
    given: Mapping[str, str]
    thought: str
    wrong: str
    right: str


WEAKNESSES = [
    Weakness(  # takes "all but 9" for "9"
        "understand_question",
        "A farmer has 17 sheep. All but 9 die. How many are left?",
        {"question": "A farmer has 17 sheep. All but 9 die. How many are left?"},
        "Asked: the sheep alive. Easily misread: 'all but 9 die' says that 9 live.",
        "8",
        "9",
    ),
    Weakness(  # does not know the formula
        "recall_related",
        "What is the sum of the angles of a polygon with 7 corners, in degrees?",
        {"question": "What is the sum of the angles of a polygon with 7 corners, in degrees?"},
        "Rules: a polygon with n corners has angles of (n - 2) * 180 degrees together.",
        "1260",
        "900",
    ),
    Weakness(  # slips in a multiplication
        "examine_answer",
        "What is 17 * 24?",
        {"question": "What is 17 * 24?", "reasoning": "17 * 24 = 17 * 20 + 17 * 4 = 340 + 58 = 398"},
        "Does not hold. '17 * 4 = 58': it is 68.",
        "398",
        "408",
    ),
    Weakness(  # walks into a dead end
        "backtracking",
        "Make 24 of 4, 7, 8 and 8.",
        {"question": "Make 24 of 4, 7, 8 and 8.", "reasoning": "8 + 8 + 7 = 23, and 4 is too many. Stuck."},
        "Sound up to: nothing. Other ways: make a 6, as 7 - 8 / 8, and multiply it by the 4.",
        "It cannot be done.",
        "(7 - 8 / 8) * 4",
    ),
]


def erring(weakness: Weakness, sent: list[Sent]) -> Says:
    def says(messages: Sequence[Message], tools: Sequence[str]) -> Message:
        sent.append((tuple(messages), tuple(tools)))
        if messages[0].text in PROMPTS:  # the separate call: it knows what to do with what it is given
            return Message("assistant", weakness.thought if PROMPTS[messages[0].text] == weakness.tool else "?")
        if any(weakness.thought in message.text for message in messages[1:]):
            return Message("assistant", weakness.right)
        if weakness.tool in tools:
            return Message("assistant", "", (ToolRequest("c1", weakness.tool, json.dumps(weakness.given)),))
        return Message("assistant", weakness.wrong)

    return says


def budget(*limits: Limit, **rules: Any) -> Budget:
    return Budget(agent="a", limits=limits, notify=(), scaffold=ScaffoldRules(models=(MODEL,), **rules))


def search(q: str) -> str:
    """Searches."""
    return f"found {q}"


Outcome = tuple[str, Mapping[str, Any]]


class LangChain:
    """create_agent; `mode` is how it is run."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def run(self, question: str, says: Says, rules: Budget) -> Outcome:
        def script(messages: list[Any], settings: dict[str, Any]) -> AIMessage:
            names = [tool["function"]["name"] for tool in settings.get("tools") or ()]
            said = says([_plain(from_langchain(message)) for message in messages], names)
            calls = [{"name": c.name, "args": json.loads(c.arguments), "id": c.id} for c in said.tool_calls]
            return AIMessage(said.text, tool_calls=calls)

        tools = [StructuredTool.from_function(search)]
        loop = langchain.LeanLoop(rules)
        agent: Any = create_agent(ScriptedModel(script=script), tools, middleware=[loop], system_prompt=SYSTEM)
        given = {"messages": [("user", question)]}
        last: Any = None
        if self._mode == "async":
            last = asyncio.run(agent.ainvoke(given))["messages"][-1]
        elif self._mode == "stream":
            parts: list[Any] = []
            for kind, part in agent.stream(given, stream_mode=["messages", "values"]):
                if kind == "messages":
                    parts.append(part[0])
                else:
                    last = part["messages"][-1]
            assert not any(getattr(part, "tool_call_chunks", None) for part in parts)
            assert "".join(part.text for part in parts) == last.text  # nothing of what it thought
        else:
            last = agent.invoke(given)["messages"][-1]
        return last.text, last.response_metadata["leanloop"]


class LlamaIndex:
    """FunctionAgent, guarded."""

    def __init__(self, *, streaming: bool) -> None:
        self._streaming = streaming

    def run(self, question: str, says: Says, rules: Budget) -> Outcome:
        def script(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
            names = [tool["function"]["name"] for tool in settings.get("tools") or ()]
            said = says([_plain(from_llama(message)) for message in messages], names)
            calls = [
                ToolCallBlock(tool_call_id=c.id, tool_name=c.name, tool_kwargs=json.loads(c.arguments))
                for c in said.tool_calls
            ]
            return ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=said.text), *calls])

        made = FunctionAgent(
            llm=ScriptedLLM(script=script),
            tools=[FunctionTool.from_defaults(search)],
            streaming=self._streaming,
            system_prompt=SYSTEM,
        )
        agent = llama_index.LeanLoop(rules).agent(made)

        async def go() -> Outcome:
            handler: Any = agent.run(user_msg=question)
            deltas = [getattr(event, "delta", "") async for event in handler.stream_events()]
            result = await handler
            if self._streaming:
                assert "".join(deltas) == str(result)
            return str(result), result["leanloop"]

        return asyncio.run(go())


def _plain(message: Message) -> Message:
    """What both frameworks say in the same way; only LangChain's results name their tool."""
    calls = tuple(ToolRequest(c.id, c.name, json.dumps(json.loads(c.arguments))) for c in message.tool_calls)
    return Message(message.role, message.text, calls, message.tool_call_id)


FRAMEWORKS = {
    "langchain": LangChain("sync"),
    "langchain, async": LangChain("async"),
    "langchain, stream": LangChain("stream"),
    "llama_index": LlamaIndex(streaming=False),
    "llama_index, stream": LlamaIndex(streaming=True),
}

every_framework = pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=list(FRAMEWORKS))


@every_framework
@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda weakness: weakness.tool)
def test_each_tool_corrects_what_it_is_for(framework: LangChain | LlamaIndex, weakness: Weakness) -> None:
    alone: list[Sent] = []
    off, _ = framework.run(weakness.question, erring(weakness, alone), Budget(agent="a"))
    assert (off, len(alone)) == (weakness.wrong, 1)

    sent: list[Sent] = []
    on, receipt = framework.run(weakness.question, erring(weakness, sent), budget(Limit(tokens=50_000)))
    assert on == weakness.right
    (first, tools), (thought, no_tools), (second, tools_again) = sent
    assert set(tools) == {"search", "read_result", *COGNITIVE_TOOLS}
    assert tools == tools_again

    # The separate call sees the tool's prompt and its inputs, and nothing else of the agent.
    given = "\n\n".join(f"<{name}>\n{text}\n</{name}>" for name, text in weakness.given.items())
    assert thought == (Message("system", built_in(weakness.tool).prompt), Message("user", given))
    assert no_tools == ()
    assert "4711" not in f"{thought}"

    # The step begins again as it began, byte for byte, and goes on with what was exchanged.
    asked = ToolRequest("c1", weakness.tool, json.dumps(weakness.given))
    assert first[0].text.startswith(SYSTEM)
    assert second[: len(first)] == first
    assert second[len(first) :] == (
        Message("assistant", "", (asked,)),
        Message("tool", weakness.thought, tool_call_id="c1"),
    )

    assert receipt["model_calls"] == 3
    assert receipt["tool_calls"] == {weakness.tool: 1}
    assert receipt["cycles"] == 1
    (limit,) = receipt["limits"]
    assert limit["spent"] == receipt["tokens"]
    (saving,) = receipt["savings"]
    assert saving["plugin"] == "scaffold"
    assert saving["tokens"] < 0


def endless(messages: Sequence[Message], tools: Sequence[str]) -> Message:
    """Thinks as long as it may, each time of something else."""
    if messages[0].text in PROMPTS:
        return Message("assistant", "Asked: something.")
    if "understand_question" not in tools:
        return Message("assistant", "at last")
    given = json.dumps({"question": f"question {len(messages)}"})
    return Message("assistant", "", (ToolRequest(f"c{len(messages)}", "understand_question", given),))


@every_framework
def test_a_model_that_thinks_without_end_is_stopped(framework: LangChain | LlamaIndex) -> None:
    answer, receipt = framework.run("How many?", endless, budget(per_step=3))
    assert answer == "at last"
    assert receipt["tool_calls"] == {"understand_question": 3}
    assert receipt["model_calls"] == 3 + 5


@every_framework
def test_thinking_lands_at_the_limit_with_what_was_thought(framework: LangChain | LlamaIndex) -> None:
    landings: list[Sequence[Message]] = []

    def says(messages: Sequence[Message], tools: Sequence[str]) -> Message:
        if "[budget] This task ends here." in messages[-1].text:
            landings.append(messages)
            return Message("assistant", "landed")
        return endless(messages, tools)

    answer, receipt = framework.run("How many?", says, budget(Limit(model_calls=4)))
    assert answer == "landed"
    assert receipt["landed"]
    assert receipt["model_calls"] <= 4
    assert any(message.text == "Asked: something." for message in landings[0])


def test_an_agent_in_prose_uses_the_protocol_in_the_text() -> None:
    """ReActAgent, whose model calls no tools: it thinks first, then acts."""
    seen: list[list[ChatMessage]] = []

    def script(messages: list[ChatMessage], _: dict[str, Any]) -> str:
        seen.append(messages)
        text = "\n".join(message.content or "" for message in messages)
        if messages[0].content in PROMPTS:
            return "Asked: something."
        if "@thought" not in text:
            return "@think understand_question\nquestion: How many?\n@end\nThought: I know.\nAnswer: 41"
        if "found x" not in text:
            return 'Thought: I search.\nAction: search\nAction Input: {"q": "x"}'
        return "Thought: I can answer without using any more tools.\nAnswer: 42"

    made = ReActAgent(llm=ScriptedTextLLM(script=script), tools=[FunctionTool.from_defaults(search)], streaming=False)
    agent = llama_index.LeanLoop(budget(form="text")).agent(made)

    async def go() -> Any:
        return await agent.run(user_msg="How many?")

    result = asyncio.run(go())
    assert str(result) == "42"
    assert result["leanloop"]["tool_calls"] == {"understand_question": 1, "search": 1}
    said = [message.content for message in seen[-1]]
    assert "@thought understand_question\nAsked: something.\n@end" in said  # kept at its place in the second step
