"""The cache in LangChain: answers and results given again to agents, wrapped models and wrapped tools."""

# LangChain's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain.agents.structured_output import AutoStrategy, ProviderStrategy, ToolStrategy
from langchain_anthropic import ChatAnthropic
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt
from pydantic import BaseModel, SecretStr

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop, wrap, wrap_tool
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.budgets.cache_rules import CacheRules
from leanloop.plugins.cache.store import EVERYTHING
from leanloop.plugins.cache.stores import open_cache


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """That of this process, which all tests share."""
    open_cache("memory").forget(tag=EVERYTHING)


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


class City(BaseModel):
    """A city."""

    name: str


def cached(**rules: Any) -> Budget:
    return Budget(agent="a", cache=CacheRules(**rules), limits=(Limit(cycles=25, usd=1),))


def question(text: str = "Find out.") -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def searcher(ask: Any, steps: int = 2, **fields: Any) -> ScriptedModel:
    """Searches `steps` times since the last question, then answers, each time in other words."""
    made = iter(range(10**6))

    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        last = max(place for place, message in enumerate(messages) if message.type == "human")
        done = sum(message.type == "tool" for message in messages[last:])
        if done < steps and settings.get("tools"):
            return ask(("search", {"q": f"topic {done}"}))  # type: ignore[no-any-return]
        return AIMessage(f"answer {next(made)}")

    return ScriptedModel(script=reply, **fields)


def receipt(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = result["messages"][-1].response_metadata["leanloop"]
    return found


def hits(result: dict[str, Any]) -> tuple[int, int]:
    use = receipt(result)["cache"]
    return use["exact"], use["misses"]


def ids(result: dict[str, Any]) -> set[str]:
    found = {message.id for message in result["messages"]}
    calls = {call["id"] for message in result["messages"] for call in getattr(message, "tool_calls", ())}
    return found | calls


def test_a_repeated_agent_hits_in_all_its_steps_at_once(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    model = searcher(ask)
    agent = create_agent(model, [search], system_prompt="Be brief.", middleware=[LeanLoop(cached(), store=store)])
    first, again = run(agent, question()), run(agent, question())
    assert len(model.seen) == 3
    assert (hits(first), hits(again)) == ((0, 3), (3, 0))
    assert [message.text for message in again["messages"]] == [message.text for message in first["messages"]]
    assert not ids(first) & ids(again)
    assert receipt(again)["cycles"] == 3
    assert float(receipt(again)["usd"]) == 0


def test_an_agent_with_a_name_hits_too_and_keeps_its_name(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    model = searcher(ask)
    agents = [
        create_agent(model, [search], middleware=[LeanLoop(cached(), store=store)], name=name)
        for name in ("finder", "finder", "other")
    ]
    first, again, other = (run(agent, question()) for agent in agents)
    assert hits(again) == (3, 0)
    assert {message.name for message in again["messages"] if message.type == "ai"} == {"finder"}
    assert {message.name for message in other["messages"] if message.type == "ai"} == {"other"}
    assert first["messages"][-1].text == again["messages"][-1].text


def test_a_thread_that_is_asked_twice_keeps_both_replies(run: Any, create_agent: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("the answer")])
    loop = LeanLoop(cached(), store=store)
    agent = create_agent(model, [], middleware=[loop], checkpointer=InMemorySaver())
    other = create_agent(model, [], middleware=[loop])
    for thread in ("t1", "t2"):
        config = {"configurable": {"thread_id": thread}}
        run(agent, question("Hello?"), config)
        result = run(agent, question("Hello again?"), config)
        assert [message.type for message in result["messages"]] == ["human", "ai", "human", "ai"]
    assert len(model.seen) == 2
    history = result["messages"]
    result = run(other, {"messages": [*history, HumanMessage("Hello?")]})
    assert len({message.id for message in result["messages"]}) == 6


@pytest.mark.parametrize("form", ["threads", "asyncio"])
def test_ten_calls_at_once_make_one(create_agent: Any, store: Any, form: str) -> None:
    entered = threading.Event()

    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        entered.wait(0.2)  # long enough for the others to come; it is never set
        return AIMessage("the answer")

    model = ScriptedModel(script=reply)
    agent = create_agent(model, [], middleware=[LeanLoop(cached(), store=store)])
    if form == "threads":
        with ThreadPoolExecutor(10) as pool:
            results = list(pool.map(agent.invoke, [question() for _ in range(10)]))
    else:

        async def together() -> list[Any]:
            return await asyncio.gather(*(agent.ainvoke(question()) for _ in range(10)))

        results = asyncio.run(together())
    assert {result["messages"][-1].text for result in results} == {"the answer"}
    assert len(model.seen) == 1
    assert sorted(map(hits, results)) == [(0, 1), *[(1, 0)] * 9]


@pytest.mark.parametrize("mode", ["values", "updates", "messages"])
def test_hits_are_streamed_in_every_mode(run: Any, create_agent: Any, store: Any, ask: Any, mode: str) -> None:
    model = searcher(ask)
    agent = create_agent(model, [search], middleware=[LeanLoop(cached(), store=store)])
    first, again = (run.stream(agent, question(), stream_mode=mode) for _ in range(2))
    assert len(model.seen) == 3

    def said(parts: list[Any]) -> str:
        if mode == "messages":
            return "".join(part.text for part, about in parts if about["langgraph_node"] == "model")
        last = parts[-1] if mode == "values" else parts[-1]["model"]
        return str(last["messages"][-1].text)

    assert said(first) == said(again) == "answer 0"


def test_no_counter_counts_a_hit(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    agent = create_agent(searcher(ask), [search], middleware=[LeanLoop(cached(), store=store)])
    run(agent, question())
    spent = store.spent("usd"), store.spent("tokens")
    counter = UsageMetadataCallbackHandler()
    again = run(agent, question(), {"callbacks": [counter]})
    assert all(usage["total_tokens"] == 0 for usage in counter.usage_metadata.values())
    assert [m.usage_metadata["total_tokens"] for m in again["messages"] if m.type == "ai"] == [0, 0, 0]
    assert (store.spent("usd"), store.spent("tokens")) == spent
    assert again["messages"][-1].response_metadata["leanloop_cache"] == "exact"


def test_a_wrapped_models_hit_is_zero_in_the_counters_of_langchain(run: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("the answer")])
    guarded = wrap(model, LeanLoop(cached(), store=store))
    counter = UsageMetadataCallbackHandler()
    first = run(guarded, "What is a lemur?", {"callbacks": [counter]})
    counted = {name: dict(usage) for name, usage in counter.usage_metadata.items()}
    again = run(guarded, "What is a lemur?", {"callbacks": [counter]})
    assert (len(model.seen), again.text) == (1, "the answer")
    assert counted
    assert {name: dict(usage) for name, usage in counter.usage_metadata.items()} == counted
    assert first.id != again.id
    assert again.usage_metadata == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


def test_a_wrapped_model_streams_its_hits(run: Any, store: Any, ask: Any) -> None:
    model: Any = ScriptedModel(script=[ask(("search", {"q": "a"}), text="I will look it up")])
    guarded = wrap(model, LeanLoop(cached(), store=store)).bind_tools([search])
    first, again = run.stream(guarded, "Find out."), run.stream(guarded, "Find out.")
    assert len(first) > 2
    whole: Any = sum(first[1:], first[0])
    told: Any = sum(again[1:], again[0])
    assert (told.text, [(c["name"], c["args"]) for c in told.tool_calls]) == (
        whole.text,
        [(c["name"], c["args"]) for c in whole.tool_calls],
    )
    assert told.tool_calls[0]["id"] != whole.tool_calls[0]["id"]
    assert told.usage_metadata["total_tokens"] == 0
    assert len(model.seen) == 1


def test_what_invoke_asked_streaming_is_answered_too(run: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("in words")])
    guarded = wrap(model, LeanLoop(cached(), store=store))
    run(guarded, "?")
    parts = run.stream(guarded, "?")
    assert "".join(part.text for part in parts) == "in words"
    assert len(model.seen) == 1


@pytest.mark.parametrize("form", [ToolStrategy(City), AutoStrategy(City)], ids=["tool", "auto"])
def test_a_structured_answer_by_a_tool_is_restored(
    run: Any, create_agent: Any, store: Any, ask: Any, form: Any
) -> None:
    script = [ask(("search", {"q": "a"})), ask(("City", {"name": "Oslo"}))]
    model = ScriptedModel(script=script, model_name="gpt-3.5-turbo")  # one whose provider holds it to no schema
    agent = create_agent(model, [search], response_format=form, middleware=[LeanLoop(cached(), store=store)])
    first, again = run(agent, question()), run(agent, question())
    assert first["structured_response"] == again["structured_response"] == City(name="Oslo")
    assert len(model.seen) == 2
    assert [m.text for m in again["messages"]] == [m.text for m in first["messages"]]
    answered = again["messages"][-1]
    assert isinstance(answered, ToolMessage)
    assert answered.tool_call_id == again["messages"][-2].tool_calls[0]["id"]


def test_an_answer_that_does_not_fit_its_schema_is_not_kept(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    model = ScriptedModel(script=[ask(("City", {"town": 1})), ask(("City", {"name": "Oslo"}))])
    agent = create_agent(model, [], response_format=ToolStrategy(City), middleware=[LeanLoop(cached(), store=store)])
    assert run(agent, question())["structured_response"] == City(name="Oslo")
    model.seen.clear()
    assert run(agent, question())["structured_response"] == City(name="Oslo")
    assert len(model.seen) == 1  # the first step is made again, the second one is the same as before


def test_another_schema_is_another_question(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    class Town(BaseModel):
        """A city."""

        name: str
        country: str

    model = ScriptedModel(script=[ask(("City", {"name": "Oslo"})), ask(("Town", {"name": "Oslo", "country": "N"}))])
    for form in (City, Town):
        agent = create_agent(
            model, [], response_format=ToolStrategy(form), middleware=[LeanLoop(cached(), store=store)]
        )
        run(agent, question())
    assert len(model.seen) == 2


def test_tenants_share_nothing(run: Any, create_agent: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("for one"), AIMessage("for two")])
    agent = create_agent(model, [], middleware=[LeanLoop(cached(), store=store)])

    def asked_by(**tags: str) -> str:
        return str(run(agent, question(), {"configurable": {"leanloop": tags}})["messages"][-1].text)

    assert [asked_by(tenant="one"), asked_by(tenant="two"), asked_by(tenant="one")] == ["for one", "for two", "for one"]
    assert asked_by(tenant="two") == "for two"


@pytest.mark.parametrize(
    "changed",
    [
        {"system_prompt": "Be rude."},
        {"tools": []},
        {"model": ScriptedModel(script=[AIMessage("other")], model_name="gpt-4o")},
        {"model": ScriptedModel(script=[AIMessage("other")], max_tokens=300)},
        {"response_format": ProviderStrategy(City)},
    ],
    ids=["system", "tools", "model", "cap", "format"],
)
def test_whatever_may_change_an_answer_makes_another_call(
    run: Any, create_agent: Any, store: Any, changed: dict[str, Any]
) -> None:
    other = ScriptedModel(script=[AIMessage('{"name": "Oslo"}')])
    given: dict[str, Any] = {"model": ScriptedModel(script=[AIMessage("one")]), "tools": [search]}
    loop = LeanLoop(cached(), store=store)
    run(create_agent(**{**given, "system_prompt": "Be brief."}, middleware=[loop]), question())
    result = run(create_agent(**{**given, "model": other, **changed}, middleware=[loop]), question())
    assert hits(result) == (0, 1)


def test_a_model_that_was_changed_in_place_is_another_one(run: Any, create_agent: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("short"), AIMessage("long")])
    agent = create_agent(model, [], middleware=[LeanLoop(cached(), store=store)])
    run(agent, question())
    model.max_tokens = 4_000
    assert run(agent, question())["messages"][-1].text == "long"


def test_the_size_of_a_picture_is_not_its_content(run: Any, create_agent: Any, store: Any) -> None:
    def picture(content: bytes, number: int) -> dict[str, Any]:
        data = base64.b64encode(content).decode()
        block = {"type": "image", "base64": data, "mime_type": "image/png", "id": f"lc_{number}"}
        return {"messages": [HumanMessage([{"type": "text", "text": "What is this?"}, block])]}

    model = ScriptedModel(script=[AIMessage("a cat"), AIMessage("a dog")])
    agent = create_agent(model, [], middleware=[LeanLoop(cached(), store=store)])
    said = [run(agent, picture(content, n))["messages"][-1].text for n, content in enumerate((b"cat", b"dog", b"cat"))]
    assert said == ["a cat", "a dog", "a cat"]


@pytest.mark.parametrize(
    "said",
    [
        AIMessage([{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "so"}]),
        AIMessage([{"type": "text", "text": "so", "citations": [{"url": "u"}]}]),
        AIMessage([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]),
        AIMessage([{"type": "image", "url": "https://example.org/a.png"}]),
        AIMessage("so", additional_kwargs={"reasoning_content": "hm"}),
        AIMessage("so", response_metadata={"logprobs": {"content": [1]}}),
        AIMessage("", additional_kwargs={"refusal": "no"}),
        AIMessage("", invalid_tool_calls=[{"name": "search", "args": "{", "id": "1", "error": None}]),
        AIMessage("I'm sorry, but I can't help with that."),
        AIMessage(""),
    ],
    ids=["thinking", "cited", "parts", "picture", "reasoning", "logprobs", "refused", "invalid", "sorry", "nothing"],
)
def test_an_answer_that_is_more_or_less_than_text_is_not_kept(run: Any, store: Any, said: AIMessage) -> None:
    model = ScriptedModel(script=[said], reports_usage=False)
    guarded = wrap(model, LeanLoop(Budget(agent="a", cache=CacheRules()), store=store))
    for _ in range(2):
        run(guarded, "?")
    assert len(model.seen) == 2


def test_an_interrupted_run_goes_on_with_hits_before_it(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def approve(q: str) -> str:
        """Ask a person."""
        return f"approved: {interrupt(q)}"

    model = ScriptedModel(script=[ask(("approve", {"q": "may I?"})), AIMessage("done")])
    loop = LeanLoop(cached(), store=store)
    agent = create_agent(model, [approve], middleware=[loop], checkpointer=InMemorySaver())
    for thread in ("t1", "t2"):
        config = {"configurable": {"thread_id": thread}}
        assert "__interrupt__" in run(agent, question(), config)
        result = run(agent, Command(resume="yes"), config)
        assert result["messages"][-1].text == "done"
        assert result["messages"][-2].text == "approved: yes"
    assert hits(result) == (2, 0)
    assert len(model.seen) == 2


class Shelf:
    """Two tools on one number: one reads it, one writes it."""

    def __init__(self) -> None:
        self.number = 1
        self.reads = 0

    def tools(self) -> list[Any]:
        @tool
        def read(key: str) -> str:
            """Read."""
            self.reads += 1
            return f"{key} is {self.number}"

        @tool
        def write(number: int) -> str:
            """Write."""
            self.number = number
            return "ok"

        return [read, write]


RULES: Any = {"models": False, "tools": {"read": {"ttl": 600, "evicted_by": ["write"]}}}


def test_a_tools_result_is_given_again_until_another_one_writes(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    shelf = Shelf()
    steps = [("read", {"key": "a"}), ("read", {"key": "a"}), ("write", {"number": 2}), ("read", {"key": "a"})]
    model = ScriptedModel(script=[*(ask(step) for step in steps), AIMessage("done")])
    agent = create_agent(model, shelf.tools(), middleware=[LeanLoop(cached(**RULES), store=store)])
    result = run(agent, question())
    told = [message for message in result["messages"] if isinstance(message, ToolMessage)]
    assert [message.text for message in told] == ["a is 1", "a is 1", "ok", "a is 2"]
    assert [(message.name, message.status) for message in told][1] == ("read", "success")
    assert shelf.reads == 2
    assert receipt(result)["cache"]["results"] == 1


def test_a_wrapped_tools_result_is_given_again(run: Any, store: Any) -> None:
    shelf = Shelf()
    loop = LeanLoop(cached(**RULES), store=store)
    read, write = (wrap_tool(one, loop) for one in shelf.tools())
    assert [run(read, {"key": "a"}) for _ in range(2)] == ["a is 1", "a is 1"]
    run(write, {"number": 2})
    assert run(read, {"key": "a"}) == "a is 2"
    assert shelf.reads == 2


@pytest.mark.parametrize("kind", ["artifact", "number", "blocks", "error"])
def test_a_result_that_is_more_than_text_is_not_kept(
    run: Any, create_agent: Any, store: Any, ask: Any, kind: str
) -> None:
    reads: list[str] = []

    def body(key: str) -> Any:
        """Read."""
        reads.append(key)
        if kind == "error":
            return ToolMessage("no such key", tool_call_id="", status="error")
        if kind == "blocks":
            return [{"type": "text", "text": "a"}, {"type": "image", "url": "https://example.org/a.png"}]
        return ("text", {"rows": 1}) if kind == "artifact" else 7

    form = "content_and_artifact" if kind == "artifact" else "content"
    read = tool("read", response_format=form)(body)  # type: ignore[call-overload]
    guarded = wrap_tool(read, LeanLoop(cached(**RULES), store=store))
    assert str(run(guarded, {"key": "a"})) == str(run(guarded, {"key": "a"}))
    assert len(reads) == 2
    if kind != "number":  # in an agent it is text
        model = ScriptedModel(script=[ask(("read", {"key": "a"})), ask(("read", {"key": "a"})), AIMessage("done")])
        run(create_agent(model, [read], middleware=[LeanLoop(cached(**RULES), store=store)]), question())
        assert len(reads) == 4


@pytest.mark.parametrize(
    "metadata",
    [
        {"readOnlyHint": True, "ttlMs": 60_000},
        {"annotations": {"readOnlyHint": True}, "_meta": {"ttlMs": 60_000}},
    ],
    ids=["flat", "nested"],
)
def test_what_a_tool_of_an_mcp_server_says_of_itself_is_believed_where_the_file_says_so(
    run: Any, create_agent: Any, store: Any, ask: Any, metadata: dict[str, Any]
) -> None:
    for hints, reads in ((True, 1), (False, 2)):
        open_cache("memory").forget(tag=EVERYTHING)
        shelf = Shelf()
        read = shelf.tools()[0]
        read.metadata = metadata
        model = ScriptedModel(script=[ask(("read", {"key": "a"})), ask(("read", {"key": "a"})), AIMessage("done")])
        budget = cached(models=False, hints=hints)
        run(create_agent(model, [read], middleware=[LeanLoop(budget, store=store)]), question())
        assert shelf.reads == reads


def test_a_sub_agent_with_a_cache_hits_within_an_agent(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    loop = LeanLoop(cached(), store=store)
    worker = ScriptedModel(script=[AIMessage("found")])
    inner = create_agent(worker, [], middleware=[loop])

    @tool
    def research(topic: str) -> str:
        """Let a sub-agent find out."""
        return str(inner.invoke(question(topic))["messages"][-1].text)

    model = ScriptedModel(
        script=[ask(("research", {"topic": "a"})), ask(("research", {"topic": "a"})), AIMessage("ok")]
    )
    outer = create_agent(model, [research], middleware=[LeanLoop(cached(models=False), store=store)])
    result = run(outer, question())
    assert [m.text for m in result["messages"] if m.type == "tool"] == ["found", "found"]
    assert len(worker.seen) == 1
    assert receipt(result)["cache"]["exact"] == 1


def test_a_wrapped_model_within_a_task_is_cached_by_the_tasks_budget(run: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("the answer")])
    with leanloop.task(cached(), store=store) as task:
        guarded = wrap(model)
        for _ in range(2):
            assert run(guarded, [SystemMessage("Be brief."), HumanMessage("?")]).text == "the answer"
    use = task.receipt().cache
    assert use is not None
    assert (use.exact, use.misses, len(model.seen)) == (1, 1, 1)


def openai(provider: Any, **settings: Any) -> ChatOpenAI:
    given: dict[str, Any] = {"model": "gpt-4o-mini", "api_key": SecretStr("none"), "temperature": 0, **settings}
    return ChatOpenAI(base_url=f"{provider.url}/v1", max_retries=0, **given)


def anthropic(provider: Any, **settings: Any) -> ChatAnthropic:
    given: dict[str, Any] = {
        "model_name": "claude-haiku-4-5",
        "api_key": SecretStr("none"),
        "timeout": None,
        **settings,
    }
    return ChatAnthropic(base_url=provider.url, max_retries=0, stop=None, **given)


@pytest.mark.parametrize("make", [openai, anthropic])
def test_real_clients_hit_over_one_server(run: Any, provider: Any, create_agent: Any, store: Any, make: Any) -> None:
    def reply(payload: dict[str, Any]) -> tuple[int, Any]:
        steps = sum(message["role"] == "assistant" for message in payload["messages"])
        return 200, {"id": f"c{steps}", "name": "search", "args": {"q": "a"}} if steps < 2 else "the answer"

    provider.reply = reply
    results = [
        run(create_agent(make(provider), [search], middleware=[LeanLoop(cached(), store=store)]), question())
        for _ in range(2)
    ]
    assert len(provider.payloads) == 3
    assert list(map(hits, results)) == [(0, 3), (3, 0)]


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"seed": 7},
        {"stop": ["x"]},
        {"max_completion_tokens": 77},
        {"reasoning_effort": "low"},
        {"model_kwargs": {"user": "u"}},
        {"extra_body": {"thinking": True}},
        {"default_query": {"api-version": "2"}},
    ],
    ids=str,
)
def test_other_settings_of_a_real_client_make_another_call(run: Any, provider: Any, store: Any, other: Any) -> None:
    loop = LeanLoop(cached(), store=store)
    for changed in (False, True, False, True):
        run(wrap(openai(provider, **(other if changed else {})), loop), "?")
    assert len(provider.payloads) == 2


def test_another_server_may_be_another_model_and_another_key_is_not(run: Any, provider: Any, store: Any) -> None:
    loop = LeanLoop(cached(), store=store)
    run(wrap(openai(provider), loop), "?")
    run(wrap(openai(provider, api_key=SecretStr("another")), loop), "?")
    assert len(provider.payloads) == 1
    elsewhere = ChatOpenAI(
        model="gpt-4o-mini", base_url=f"{provider.url}/v2", api_key=SecretStr("none"), max_retries=0, temperature=0
    )
    run(wrap(elsewhere, loop), "?")
    assert len(provider.payloads) == 2


@pytest.mark.parametrize("bound", [{"temperature": 1.0}, {"tool_choice": "none"}, {"stop": ["x"]}], ids=str)
def test_what_is_bound_to_a_model_counts(run: Any, provider: Any, store: Any, bound: Any) -> None:
    loop = LeanLoop(cached(), store=store)
    model: Any = wrap(openai(provider), loop)
    for each in (model.bind_tools([search]), model.bind_tools([search], **bound)) * 2:
        run(each, "?")
    assert len(provider.payloads) == 2


@pytest.mark.parametrize("reason", ["length", "content_filter", "something_new"])
def test_an_answer_that_was_cut_off_or_filtered_is_not_kept(run: Any, provider: Any, store: Any, reason: str) -> None:
    provider.ends = reason
    loop = LeanLoop(cached(), store=store)
    for _ in range(2):
        run(wrap(openai(provider), loop), "?")
    assert len(provider.payloads) == 2


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "pause_turn"])
def test_the_same_of_anthropics_reasons(run: Any, provider: Any, store: Any, reason: str) -> None:
    provider.ends = reason
    loop = LeanLoop(cached(), store=store)
    for _ in range(2):
        run(wrap(anthropic(provider), loop), "?")
    assert len(provider.payloads) == 2


def test_a_provider_held_to_a_schema_answers_again_in_its_form(
    run: Any, provider: Any, create_agent: Any, store: Any
) -> None:
    provider.always(200, '{"name": "Oslo"}')
    loop = LeanLoop(cached(), store=store)
    for form in (ProviderStrategy(City), City):
        agent = create_agent(openai(provider), [], response_format=form, middleware=[loop])
        first, again = run(agent, question(f"{form}")), run(agent, question(f"{form}"))
        assert first["structured_response"] == again["structured_response"] == City(name="Oslo")
        assert hits(again) == (1, 0)
    assert len(provider.payloads) == 2


def test_a_chain_with_structured_output_gets_its_object_each_time(run: Any, provider: Any, store: Any) -> None:
    provider.always(200, '{"name": "Oslo"}')
    chain: Any = wrap(openai(provider), LeanLoop(cached(), store=store)).with_structured_output(City)
    assert [run(chain, "Where?") for _ in range(2)] == [City(name="Oslo")] * 2

    def rome(payload: dict[str, Any]) -> tuple[int, Any]:
        return 200, {"id": "c1", "name": "City", "args": {"name": "Rome"}}

    provider.reply = rome
    chain = wrap(openai(provider), LeanLoop(cached(), store=store)).with_structured_output(
        City, method="function_calling"
    )
    before = len(provider.payloads)
    assert [run(chain, "Where?") for _ in range(2)] == [City(name="Rome")] * 2
    assert len(provider.payloads) == before + 1
