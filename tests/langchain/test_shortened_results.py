"""What LangChain's results keep when their text is shortened, and who may read the rest."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
from langchain.agents.middleware import AgentMiddleware
from langchain.tools import InjectedToolCallId
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, interrupt

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop, wrap, wrap_tool
from leanloop.adapters.langchain.asking import history_asking
from leanloop.adapters.langchain.changed import with_text
from leanloop.adapters.langchain.messages import from_langchain, to_langchain
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.budgets.context_rules import ContextRules, SummaryRules
from leanloop.budgets.message import Changed, Message, ToolRequest
from leanloop.budgets.result_rules import ResultRules
from leanloop.budgets.tokens import counter_for

BUDGET = Budget(agent="a", limits=(Limit(cycles=40),), results=ResultRules(max_tokens=300))
LOG = "\n".join(f"line {number} of what the tool gave" for number in range(900))
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,x"}}


def question() -> dict[str, Any]:
    return {"messages": [HumanMessage("Find out.")]}


def gave(run: Any, create_agent: Any, store: Any, ask: Any, given: Any) -> Any:
    """The messages of a run in which a tool is called once."""
    script = ScriptedModel(script=[ask((given.name, {"q": "x"})), AIMessage("done")])
    agent = create_agent(script, [given], middleware=[LeanLoop(BUDGET, store=store)])
    return run(agent, question())["messages"]


def test_status_artifact_and_pictures_survive(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    artifact = object()

    @tool
    def give(q: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> ToolMessage:
        """Give."""
        blocks: list[Any] = [{"type": "text", "text": LOG}, PICTURE, {"type": "text", "text": "and more"}]
        extras = {"name": "give", "id": "kept", "artifact": artifact, "additional_kwargs": {"by": "me"}}
        return ToolMessage(blocks, tool_call_id=tool_call_id, status="error", response_metadata={"took": 1}, **extras)

    said = gave(run, create_agent, store, ask, give)[2]
    text, picture = said.content
    assert text["text"].startswith("[shortened: ")
    assert picture == PICTURE
    assert (said.status, said.name, said.id, said.additional_kwargs) == ("error", "give", "kept", {"by": "me"})
    assert (said.response_metadata, said.artifact) == ({"took": 1}, artifact)


def test_a_command_keeps_all_it_says_but_the_text(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def give(q: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Give."""
        other = HumanMessage("besides", id="other")
        return Command(update={"messages": [ToolMessage(LOG, tool_call_id=tool_call_id, id="kept"), other]})

    messages = gave(run, create_agent, store, ask, give)
    assert messages[2].id == "kept"
    assert messages[2].content.startswith("[shortened: ")
    assert messages[3].content == "besides"


def test_a_list_of_outcomes_keeps_all_but_the_text(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def give(q: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> list[Any]:
        """Give."""
        return [Command(update={"messages": [HumanMessage("first")]}), ToolMessage(LOG, tool_call_id=tool_call_id)]

    messages = gave(run, create_agent, store, ask, give)
    assert messages[2].content == "first"
    assert messages[3].content.startswith("[shortened: ")


def test_a_result_within_its_limit_is_the_very_same_object(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    made: list[ToolMessage] = []

    @tool
    def give(q: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> ToolMessage:
        """Give."""
        made.append(ToolMessage("short", tool_call_id=tool_call_id))
        return made[0]

    assert gave(run, create_agent, store, ask, give)[2] is made[0]


def test_an_agent_without_tools_stays_without(run: Any, create_agent: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("done")])
    run(create_agent(model, middleware=[LeanLoop(BUDGET, store=store)]), question())
    assert not model.seen[0][1].get("tools")


def test_a_middleware_that_chooses_tools_does_not_take_reading_away(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    class Chooses(AgentMiddleware[Any, Any, Any]):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tools=[one for one in request.tools if one.name == "give"]))

        async def awrap_model_call(self, request: Any, handler: Any) -> Any:
            return await handler(request.override(tools=[one for one in request.tools if one.name == "give"]))

    @tool
    def give(q: str) -> str:
        """Give."""
        return LOG

    model = ScriptedModel(script=[ask(("give", {"q": "x"})), AIMessage("done")])
    agent = create_agent(model, [give], middleware=[Chooses(), LeanLoop(BUDGET, store=store)])
    messages = run(agent, question())["messages"]
    assert [tool["function"]["name"] for tool in model.seen[0][1]["tools"]] == ["give", "read_result"]
    assert messages[2].content.startswith("[shortened: ")


def test_a_sub_agent_of_deepagents_reads_on_with_the_tool_it_is_given(
    run: Any, create_deep_agent: Any, store: Any, ask: Any
) -> None:
    @tool
    def give(q: str) -> str:
        """Give."""
        return LOG

    def script(messages: Any, settings: dict[str, Any]) -> AIMessage:
        asked = str(messages[-1].content)
        handle = re.search(r"r[a-z2-7]{12}", asked)
        if messages[-1].type == "human":
            if handle is None:
                return ask(("give", {"q": "x"}))  # type: ignore[no-any-return]
            return ask(("read_result", {"handle": handle.group(), "lines": "700"}))  # type: ignore[no-any-return]
        if asked.startswith("[shortened: ") and handle is not None:
            task = {"description": f"Read line 700 of {handle.group()}.", "subagent_type": "general-purpose"}
            return ask(("task", task))  # type: ignore[no-any-return]
        return AIMessage(asked)

    loop = LeanLoop(BUDGET, store=store)
    agent = create_deep_agent(model=ScriptedModel(script=script), tools=[give, loop.read_result], middleware=[loop])
    last = run(agent, question())["messages"][-1]
    assert "line 699 of what" in last.text
    assert last.response_metadata["leanloop"]["tool_calls"] == {"give": 1, "task": 1, "read_result": 1}


def test_a_person_who_is_asked_in_a_tool_is_no_result(create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def give(q: str) -> str:
        """Give."""
        return str(interrupt(q)) + LOG

    model = ScriptedModel(script=[ask(("give", {"q": "x"})), AIMessage("done")])
    agents = [
        create_agent(model, [give], middleware=[LeanLoop(BUDGET, store=store)], checkpointer=saver)
        for saver in [InMemorySaver()] * 2  # the second has never seen the run: another process
    ]
    place = {"configurable": {"thread_id": "1"}}
    assert "__interrupt__" in agents[0].invoke(question(), place)
    result = agents[1].invoke(Command(resume="yes"), place)["messages"][2]
    assert result.content.startswith("[shortened: ")
    assert "yesline 0 of" in result.content


def graph(model: Any, *tools: Any) -> Any:
    def step(state: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [model.bind_tools(list(tools)).invoke(state["messages"])]}

    made: Any = StateGraph(MessagesState)
    made.add_node("model", step)
    made.add_node("tools", ToolNode(list(tools)))
    made.add_edge(START, "model")
    made.add_conditional_edges("model", tools_condition, {"tools": "tools", END: END})
    made.add_edge("tools", "model")
    return made.compile()


def reading(messages: Any, settings: dict[str, Any]) -> AIMessage:
    """Call `give`, read line 700 of what it gave, and answer with that."""
    results = [message for message in messages if message.type == "tool"]
    if not results:
        return AIMessage("", tool_calls=[{"name": "give", "args": {"q": "x"}, "id": "c1"}])
    handle = re.search(r"r[a-z2-7]{12}", str(results[0].content))
    if handle is None or len(results) > 1:
        return AIMessage(str(results[-1].content))
    call = {"name": "read_result", "args": {"handle": handle.group(), "lines": "700"}, "id": "c2"}
    return AIMessage("", tool_calls=[call])


@pytest.mark.parametrize("own", [True, False])
def test_a_graph_of_ones_own_reads_back(store: Any, own: bool) -> None:
    @tool
    def give(q: str) -> str:
        """Give."""
        return LOG

    budget = LeanLoop(BUDGET, store=store) if own else LeanLoop()
    model = wrap(ScriptedModel(script=reading), budget if own else None)
    made = graph(model, wrap_tool(give, budget if own else None), budget.read_result)
    with leanloop.task(BUDGET, store=store) as task:
        messages = made.invoke(question())["messages"]
    assert messages[2].content.startswith("[shortened: ")
    assert "line 699 of what" in messages[-1].content
    assert task.receipt().tool_calls == {"give": 1, "read_result": 1}


def test_a_graph_of_ones_own_shares_a_batch_and_is_given_no_part_twice(store: Any) -> None:
    @tool
    def give(q: str) -> str:
        """Give."""
        return f"{q}\n{LOG}"

    def script(messages: Any, settings: dict[str, Any]) -> AIMessage:
        done = [str(message.content) for message in messages if message.type == "tool"]
        if not done:
            calls = [{"name": "give", "args": {"q": q}, "id": f"c-{q}"} for q in ("one", "two", "three", "four")]
        elif len(done) < 6:
            handle = re.search(r"r[a-z2-7]{12}", done[0])
            assert handle is not None
            calls = [{"name": "read_result", "args": {"handle": handle[0], "lines": "7"}, "id": f"r{len(done)}"}]
        else:
            return AIMessage("done")
        return AIMessage("", tool_calls=calls)

    budget = Budget(agent="a", results=ResultRules(max_tokens=4_000, batch=2_000))
    loop = LeanLoop(budget, store=store)
    made = graph(wrap(ScriptedModel(script=script), loop), wrap_tool(give, loop), loop.read_result)
    with leanloop.task(budget, store=store):
        results = [message.text for message in made.invoke(question())["messages"] if message.type == "tool"]
    sizes = [counter_for("gpt-4o-mini").text(text) for text in results[:4]]
    assert 1_500 <= sum(sizes) <= 2_000
    assert "line 5 of" in results[4]
    assert "already" in results[5]


def test_a_call_that_the_latest_step_did_not_ask_for_has_no_history(store: Any) -> None:
    task = leanloop.Task(BUDGET, store=store)
    assert history_asking("give", '{"q": "x"}', task) == ()
    asked = Message("assistant", "", (ToolRequest("1", "give", '{"q": "x"}'), ToolRequest("2", "take", "none")))
    task.latest_step = (Message("user", "Go."), asked)
    assert history_asking("give", '{"q": "x", "injected": 1}', task) is task.latest_step
    assert history_asking("give", '{"q": "y"}', task) == ()
    assert history_asking("send", '{"q": "x"}', task) == ()
    assert history_asking("take", "[1]", task) is task.latest_step


def test_a_graph_that_cannot_read_back_is_given_all_of_it(store: Any) -> None:
    @tool
    def give(q: str) -> str:
        """Give."""
        return LOG

    with leanloop.task(BUDGET, store=store):
        messages = graph(wrap(ScriptedModel(script=reading)), wrap_tool(give)).invoke(question())["messages"]
    assert messages[2].content == LOG


def test_a_wrapped_tools_artifact_and_pictures_survive(store: Any) -> None:
    artifact = object()

    @tool(response_format="content_and_artifact")
    def give(q: str) -> tuple[Any, object]:
        """Give."""
        return [{"type": "text", "text": LOG}, PICTURE], artifact

    loop = LeanLoop(BUDGET, store=store)
    made = graph(wrap(ScriptedModel(script=reading), loop), wrap_tool(give, loop), loop.read_result)
    said = made.invoke(question())["messages"][2]
    assert said.content[0]["text"].startswith("[shortened: ")
    assert said.content[1] == PICTURE
    assert said.artifact is artifact


@pytest.mark.parametrize(
    ("given", "text"), [({"rows": [1] * 3_000}, "[shortened: "), (None, "null"), ({"a": {1}}, "{'a': {1}}")]
)
def test_what_a_wrapped_tool_gives_that_is_no_text_is_shortened_as_langchain_writes_it(
    store: Any, given: Any, text: str
) -> None:
    @tool
    def give(q: str) -> Any:
        """Give."""
        return given

    loop = LeanLoop(BUDGET, store=store)
    made = graph(wrap(ScriptedModel(script=reading), loop), wrap_tool(give, loop), loop.read_result)
    assert made.invoke(question())["messages"][2].content.startswith(text)


def test_the_tool_by_itself_says_that_there_is_nothing(run: Any) -> None:
    bare = LeanLoop(Budget(agent="a", results=None))
    assert bare.tools == []
    call = {"type": "tool_call", "id": "1", "name": "read_result", "args": {"handle": "r234567abcdef"}}
    said = run(bare.read_result, call)
    assert said.status == "error"
    assert "no result with this handle" in said.content
    assert "takes a handle" in run(LeanLoop(BUDGET).read_result, {"lines": "1-2"})


def test_a_changed_text_keeps_the_message() -> None:
    whole = ToolMessage([{"type": "text", "text": "long"}, PICTURE], tool_call_id="c", id="m", artifact=1)
    neutral = from_langchain(whole)
    said = to_langchain(Message("tool", "short", images=neutral.images, raw=Changed.of(whole)))
    assert said.content == [{"type": "text", "text": "short"}, PICTURE]
    bare = to_langchain(Message("tool", "short", raw=Changed.of(Changed.of(whole))))
    assert bare.content == [{"type": "text", "text": "short"}]
    assert isinstance(bare, ToolMessage)
    assert (bare.id, bare.artifact) == ("m", 1)
    assert with_text(ToolMessage([PICTURE], tool_call_id="c"), "short").content[0] == {"type": "text", "text": "short"}
    assert whole.content[0] == {"type": "text", "text": "long"}


def test_a_summary_is_asked_for_without_tools_and_seen_by_nobody(create_agent: Any, store: Any, ask: Any) -> None:
    rules = ContextRules(keep=1, at_tokens=2_500, summary=SummaryRules(max_tokens=100))
    budget = Budget(agent="a", limits=(Limit(cycles=40),), notify=(), context=rules)

    @tool
    def give(q: str) -> str:
        """Give."""
        return "\n".join(f"{q}: fact {number}" for number in range(80))

    def script(messages: Any, settings: dict[str, Any]) -> AIMessage:
        if not settings.get("tools"):
            return AIMessage("a secret summary")
        done = sum(message.type == "tool" for message in messages)
        return ask(("give", {"q": f"topic {done}"})) if done < 12 else AIMessage("done")

    model = ScriptedModel(script=script)
    agent = create_agent(model, [give], middleware=[LeanLoop(budget, store=store)])
    shown = list(agent.stream(question(), {"recursion_limit": 99}, stream_mode="messages"))
    summaries = [settings for _, settings in model.seen if not settings.get("tools")]
    assert summaries
    assert all("tool_choice" not in settings for settings in summaries)
    assert "a secret summary" not in "".join(str(chunk.content) for chunk, _ in shown)
    assert any("a secret summary" in str(message.content) for message in model.seen[-1][0])
