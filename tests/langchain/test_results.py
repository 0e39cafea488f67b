"""What tools give, and what people send, comes through as it is; the receipt is on the last message."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from langchain.tools import InjectedToolCallId
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.types import Command

from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Budget(agent="a", limits=(Limit(tokens=5_000_000, tool_calls=20, cycles=20),), results=None)


def question() -> dict[str, Any]:
    return {"messages": [HumanMessage("Find out.")]}


def both(run: Any, create_agent: Any, store: Any, tools: list[Any], script: list[AIMessage]) -> tuple[Any, Any]:
    """The messages of a bare run and of a guarded one of the same script."""
    bare = create_agent(ScriptedModel(script=script), tools)
    guarded = create_agent(ScriptedModel(script=script), tools, middleware=[LeanLoop(BUDGET, store=store)])
    return run(bare, question())["messages"], run(guarded, question())["messages"]


OUTPUTS: dict[str, Any] = {
    "bytes": b"\x00\xff\x89PNG",
    "much": "word " * 300_000,
    "one letter": "a" * 1_000_000,
    "nothing": "",
    "none": None,
    "a number": 42,
    "nested": {"rows": [{"a": 1}, {"a": None}]},
    "blocks": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,x"}}],
    "surrogate": "broken \ud83d half",
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_a_tools_output_passes_unharmed(run: Any, create_agent: Any, store: Any, ask: Any, kind: str) -> None:
    @tool
    def give(q: str) -> Any:
        """Give."""
        return OUTPUTS[kind]

    bare, guarded = both(run, create_agent, store, [give], [ask(("give", {"q": "x"})), AIMessage("done")])
    assert guarded[2].content == bare[2].content
    assert guarded[2].status == "success"
    assert guarded[-1].text == "done"


def test_an_artifact_is_kept(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    artifact = {"png": b"\x89PNG"}

    @tool(response_format="content_and_artifact")
    def chart(q: str) -> tuple[str, Any]:
        """Draw."""
        return "a chart", artifact

    _, guarded = both(run, create_agent, store, [chart], [ask(("chart", {"q": "x"})), AIMessage("done")])
    assert guarded[2].artifact is artifact


def test_a_command_changes_the_state_as_it_says(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def note(q: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Note."""
        return Command(update={"messages": [ToolMessage(f"noted {q}", tool_call_id=tool_call_id, id="kept")]})

    bare, guarded = both(run, create_agent, store, [note], [ask(("note", {"q": "x"})), AIMessage("done")])
    assert [message.text for message in guarded] == [message.text for message in bare]
    assert guarded[2].id == "kept"
    assert guarded[-1].response_metadata["leanloop"]["tool_calls"] == {"note": 1}


def test_the_users_messages_come_back_as_the_same_objects(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def look(q: str) -> str:
        """Look."""
        return "seen"

    picture = {"type": "image", "base64": "aGk=", "mime_type": "image/png", "extras": {"kept": True}}
    sent = [
        HumanMessage([{"type": "text", "text": "hi"}, picture], id="m1", additional_kwargs={"a": 1}),
        AIMessage("hello", id="m2", response_metadata={"b": 2}),
        HumanMessage("Find out.", id="m3", name="ann"),
    ]
    model = ScriptedModel(script=[ask(("look", {"q": "x"})), AIMessage("done")])
    agent = create_agent(model, [look], middleware=[LeanLoop(BUDGET, store=store)])
    result = run(agent, {"messages": sent})
    assert all(one is other for one, other in zip(sent, result["messages"], strict=False))
    for prompt, _ in model.seen:
        assert all(one is other for one, other in zip(sent, prompt, strict=False))


def test_notes_are_sent_behind_the_history_and_never_kept_in_it(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    @tool
    def look(q: str) -> str:
        """Look."""
        return f"seen {q}"

    budget = Budget(agent="a", limits=(Limit(tool_calls=10),))
    model = ScriptedModel(script=[*(ask(("look", {"q": f"{n}"})) for n in range(9)), AIMessage("done")])
    agent = create_agent(model, [look], middleware=[LeanLoop(budget, store=store)])
    result = run(agent, question())
    assert not any(message.text.startswith("[budget]") for message in result["messages"])
    told = [message.text for message in model.seen[-1][0] if message.text.startswith("[budget]")]
    assert ["3 tool calls of 10" in told[0], "1 tool call of 10" in told[1]] == [True, True]
    for (earlier, _), (later, _) in zip(model.seen, model.seen[1:], strict=False):
        assert [message.text for message in later[: len(earlier)]] == [message.text for message in earlier]


def test_the_receipt_stands_on_the_last_message_as_plain_json(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    @tool
    def look(q: str) -> str:
        """Look."""
        return "seen"

    model = ScriptedModel(script=[ask(("look", {"q": "x"})), AIMessage("done", response_metadata={"own": "kept"})])
    agent = create_agent(model, [look], middleware=[LeanLoop(BUDGET, store=store)])
    *others, last = run(agent, question())["messages"]
    receipt = last.response_metadata["leanloop"]
    assert json.loads(json.dumps(receipt)) == receipt
    assert (receipt["agent"], receipt["model_calls"], receipt["cycles"]) == ("a", 2, 2)
    assert receipt["tool_calls"] == {"look": 1}
    assert receipt["stopped"] is None
    assert not any("leanloop" in message.response_metadata for message in others)
    assert last.usage_metadata


def test_parallel_tools_that_give_much_are_all_kept(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def much(q: str) -> str:
        """Give much."""
        return f"{q} " * 20_000

    script = [ask(*(("much", {"q": f"w{n}"}) for n in range(8))), AIMessage("done")]
    bare, guarded = both(run, create_agent, store, [much], script)
    assert [message.content for message in guarded] == [message.content for message in bare]
