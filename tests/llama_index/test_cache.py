"""Answers and results given again in LlamaIndex: to whom, in what form, and what is never kept."""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUntypedFunctionDecorator=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    ImageBlock,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.indices import SummaryIndex
from llama_index.core.llms import CustomLLM, LLMMetadata
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import TextNode
from llama_index.core.tools import FunctionTool, QueryEngineTool, ToolMetadata, ToolOutput
from pydantic import BaseModel

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import Script, ScriptedLLM, ScriptedTextLLM
from leanloop.adapters.llama_index.settings import settings_of
from leanloop.adapters.llama_index.structured_answer import fits
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.message import Message
from leanloop.plugins.cache.canonical import framed

# google-genai's own, where its async client is first used; and LlamaIndex's, when it copies the memory of a run with
# tool calls
pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::workflows.context.state_store.UnserializableKeyWarning"),
]

METHODS = [
    "chat", "achat", "stream_chat", "astream_chat", "complete", "acomplete", "stream_complete", "astream_complete",
]  # fmt: skip
KINDS = ["openai", "responses", "anthropic", "google", "ollama"]
STREAMING = pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])

Made = Callable[..., LeanLoop]


@pytest.fixture
def cached(tmp_path: Path, store: Any) -> Made:
    """LeanLoop with a cache in a file of this test's; `cached(tools={...})` has other rules."""

    def made(embedder: Any = None, limits: tuple[Limit, ...] = (), **rules: Any) -> LeanLoop:
        cache = CacheRules(store=f"sqlite:///{tmp_path}/cache.db", **rules)
        budget = Budget(agent="a", limits=limits or (Limit(cycles=50),), cache=cache, unknown_model="free")
        return LeanLoop(budget, store=store, embedder=embedder)

    return made


def ask(llm: Any, method: str, given: str | list[ChatMessage] = "hello", **kwargs: Any) -> list[Any]:
    """One call by `method`: its response, or the chunks of its stream."""
    if "chat" in method and isinstance(given, str):
        given = [ChatMessage(content=given)]
    made = getattr(llm, method)
    if not method.startswith("a"):
        answer = made(given, **kwargs)
        return list(answer) if "stream" in method else [answer]

    async def awaited() -> list[Any]:
        answer = await made(given, **kwargs)
        return [chunk async for chunk in answer] if "stream" in method else [answer]

    return asyncio.run(awaited())


def hits(result: Any) -> tuple[int, int, int]:
    """Of a run's receipt: answers given again, results given again, and neither."""
    use = result["leanloop"]["cache"]
    return use["exact"], use["results"], use["misses"]


def run(agent: Any, question: str = "go", **kwargs: Any) -> Any:
    async def running() -> Any:
        return await agent.run(question, **kwargs)

    return asyncio.run(running())


def calling(name: str, call_id: str, **arguments: Any) -> ChatMessage:
    block = ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments)
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[block])


def two_searches(messages: list[ChatMessage], settings: dict[str, Any]) -> str | ChatMessage:
    done = sum(message.role is MessageRole.TOOL for message in messages)
    return "found it" if done == 2 else calling("search", f"c{done}", q=f"topic {done}")


def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def searching(llm: Any, does: Any = search, *, streaming: bool = True) -> FunctionAgent:
    return FunctionAgent(llm=llm, tools=[FunctionTool.from_defaults(does)], streaming=streaming)


@STREAMING
def test_a_run_of_three_steps_is_given_again_as_it_was_with_ids_of_its_own(cached: Made, streaming: bool) -> None:
    llm = ScriptedLLM(script=two_searches)
    loop = cached()

    async def running() -> tuple[Any, list[str]]:
        handler = loop.agent(searching(llm, streaming=streaming)).run("go")
        ids = [event.tool_id async for event in handler.stream_events() if type(event).__name__ == "ToolCall"]
        return await handler, ids

    first, second, third = (asyncio.run(running()) for _ in range(3))
    assert len(llm.seen) == 3
    assert [hits(result)[0] for result, _ in (first, second, third)] == [0, 3, 3]
    assert {str(result) for result, _ in (first, second, third)} == {"found it"}
    assert len({*first[1], *second[1], *third[1]}) == 6  # two calls each
    for result, _ in (second, third):
        assert result["leanloop"]["cycles"] == 3
        assert (result["leanloop"]["model_calls"], result["leanloop"]["usd"]) == (0, "0")
        assert result.raw["leanloop_cache"] == "exact"


def test_other_kinds_of_agents_are_given_their_answers_again_too(cached: Made) -> None:
    script = ["Thought: look.\nAction: search\nAction Input: {'q': 'a'}", "Thought: done.\nAnswer: found it"]
    llm = ScriptedTextLLM(script=script)
    loop = cached()
    for expected in (0, 2):
        result = run(loop.agent(ReActAgent(llm=llm, tools=[FunctionTool.from_defaults(search)])))
        assert (str(result), hits(result)[0]) == ("found it", expected)


@pytest.mark.parametrize("method", METHODS)
def test_a_hit_comes_in_the_form_asked_for_and_without_usage(cached: Made, method: str) -> None:
    own = ScriptedLLM(script=["a longer answer", "another answer"])
    llm = cached().llm(own)
    (*_, first), again = ask(llm, method), ask(llm, method)
    assert len(own.seen) == 1
    (hit,) = again
    assert str(hit) == str(first)
    assert hit.delta == "a longer answer"
    assert isinstance(hit, ChatResponse if "chat" in method else CompletionResponse)
    assert hit.raw == {
        "leanloop_cache": "exact",
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def test_a_stream_and_a_whole_answer_are_the_same_answer(cached: Made) -> None:
    own = ScriptedLLM(script=["a longer answer", "another answer"])
    llm = cached().llm(own)
    ask(llm, "astream_chat")
    assert [str(one) for one in ask(llm, "chat")] == ["assistant: a longer answer"]
    assert [str(one) for one in ask(llm, "complete")] == ["another answer"]  # a prompt is sent in another way


def test_who_counts_tokens_counts_none_for_a_hit(cached: Made) -> None:
    counter = TokenCountingHandler()
    llm = cached().llm(ScriptedLLM(script=["an answer"], callback_manager=CallbackManager([counter])))
    ask(llm, "chat")
    counted = counter.total_llm_token_count
    ask(llm, "chat")
    assert counter.total_llm_token_count == counted > 0


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "gpt-4o"},
        {"max_tokens": 99},
        {"system_prompt": "other"},
        {"additional_kwargs": {"seed": 3}},
        {"temperature": 0.5},
        {"tool_choice": "required"},
        {"stop": ["x"]},
        {"tools": [{"type": "function", "function": {"name": "search", "strict": True}}]},
        {"response_format": {"type": "json_object"}},
    ],
    ids="-".join,
)
def test_whatever_else_is_sent_is_another_question(cached: Made, changed: dict[str, Any]) -> None:
    own = ScriptedLLM(script=["one", "two", "three"])
    loop = cached()
    attributes = {name: value for name, value in changed.items() if name in ScriptedLLM.model_fields}
    other = loop.llm(own.model_copy(update=attributes))
    parameters = {name: value for name, value in changed.items() if name not in attributes}
    answers = [str(ask(llm, "chat", **more)[-1]) for llm, more in ((loop.llm(own), {}), (other, parameters))]
    again = [str(ask(llm, "chat", **more)[-1]) for llm, more in ((loop.llm(own), {}), (other, parameters))]
    assert answers == again == ["assistant: one", "assistant: two"]


class ProviderTool(BaseModel):
    """A tool of a provider's own, as an integration sends it."""

    sources: list[str]
    function_declarations: list[str] | None = None


def test_a_tool_of_the_providers_own_is_told_with_its_settings() -> None:
    told = [
        framed(settings_of(ScriptedLLM(script=["x"]), {"tools": [tool]}, "chat"))
        for tool in (ProviderTool(sources=["a"]), ProviderTool(sources=["b"]), FunctionTool.from_defaults(search))
    ]
    assert len(set(told)) == 3


def test_no_secret_is_among_the_settings(llm: Callable[..., Any]) -> None:
    for name in KINDS:
        headers = {"default_headers": {"Authorization": "s3cret"}} if name in {"openai", "responses"} else {}
        keyed = {} if name == "ollama" else {"api_key": "s3cret"}
        assert b"s3cret" not in framed(settings_of(llm(name, **headers, **keyed), {}, "chat"))


def test_a_setting_changed_in_place_is_another_question(cached: Made) -> None:
    llm = cached().llm(ScriptedLLM(script=["one", "two"]))
    ask(llm, "chat")
    llm.max_tokens = 50
    assert str(ask(llm, "chat")[-1]) == "assistant: two"


def test_an_answer_is_given_to_its_own_tenant_only(cached: Made) -> None:
    own = ScriptedLLM(script=["for the first", "for the second"])
    loop = cached()
    for tenant, answer in (("t1", "for the first"), ("t2", "for the second"), ("t1", "for the first")):
        with leanloop.task(loop.budget, tags={"tenant": tenant}):
            assert str(ask(loop.llm(own), "chat")[-1]) == f"assistant: {answer}"


class Counting(CustomLLM):
    """A user's own class, which counts its calls in a field and keeps what it was asked."""

    style: str = "plain"
    calls: int = 0
    asked: list[str] = []  # noqa: RUF012 (pydantic copies it)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="mine")

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self.calls += 1
        self.asked.append(prompt)
        return CompletionResponse(text=f"{self.style} answer {self.calls}")

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError


def test_a_class_of_ones_own_may_count_its_calls_in_a_field(cached: Made) -> None:
    loop = cached()
    llm = loop.llm(Counting())
    assert [str(ask(llm, "complete")[-1]) for _ in range(3)] == ["plain answer 1"] * 3
    assert str(ask(loop.llm(Counting(style="fine")), "complete")[-1]) == "fine answer 1"


def test_a_prompt_written_by_a_function_without_a_name_is_not_cached(cached: Made) -> None:
    own = ScriptedLLM(script=["one", "two"], messages_to_prompt=lambda messages: "x")
    llm = cached().llm(own)
    assert [str(ask(llm, "chat")[-1]) for _ in range(2)] == ["assistant: one", "assistant: two"]


THINKS = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="hm"), TextBlock(text="so")])
DRAWS = ChatMessage(role="assistant", blocks=[TextBlock(text="see"), ImageBlock(image=b"aGk=")])
OLD = ChatMessage(
    role="assistant",
    content="",
    additional_kwargs={"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
)
WEIGHED = ChatResponse(message=ChatMessage(role="assistant", content="x"), logprobs=[[LogProb()]])
CITES = ChatMessage(role="assistant", content="so", additional_kwargs={"citations": ["x"]})


def said(finish: str | None, **message: Any) -> ChatResponse:
    choice = {"finish_reason": finish, "message": {"content": "some", **message}}
    return ChatResponse(message=ChatMessage(role="assistant", content="some"), raw={"choices": [choice]})


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(THINKS, id="thoughts"),
        pytest.param(DRAWS, id="a picture"),
        pytest.param(OLD, id="tool calls in an older form"),
        pytest.param(CITES, id="sources"),
        pytest.param(WEIGHED, id="odds"),
        pytest.param(said("length"), id="cut off"),
        pytest.param(said("content_filter"), id="filtered"),
        pytest.param(said("stop", refusal="I will not."), id="a refusal"),
        pytest.param(said("something new"), id="an end not known"),
    ],
)
@pytest.mark.parametrize("method", ["chat", "stream_chat"])
def test_what_could_not_be_given_again_as_it_is_is_not_kept(cached: Made, answer: Any, method: str) -> None:
    own = ScriptedLLM(script=[answer, "another"])
    llm = cached().llm(own)
    ask(llm, method)
    assert str(ask(llm, method)[-1]) == "assistant: another"


@pytest.mark.parametrize(
    "raw",
    [
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": [{"finish_reason": "tool_calls"}]},
        {"stop_reason": "end_turn"},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"stopReason": "end_turn"},
        {"finish_reason": "FinishReason.STOP"},
        {"done_reason": "stop"},
        {"response": {"status": "completed"}},
        {"status": "completed"},
        {"choices": []},
        {"status": 200},
        None,
    ],
    ids=str,
)
def test_an_answer_that_ended_of_itself_is_kept_whoever_says_so(cached: Made, raw: Any) -> None:
    answer = ChatResponse(message=ChatMessage(role="assistant", content="some"), raw=raw)
    llm = cached().llm(ScriptedLLM(script=[answer, "another"]))
    ask(llm, "chat")
    assert str(ask(llm, "chat")[-1]) == "assistant: some"


@pytest.mark.parametrize(
    "raw",
    [
        {"stop_reason": "max_tokens"},
        {"delta": {"stop_reason": "refusal"}},
        {"stop_reason": "pause_turn"},
        {"finish_reason": "FinishReason.SAFETY"},
        {"done_reason": "length"},
        {"response": {"status": "incomplete"}},
    ],
    ids=str,
)
def test_one_that_did_not_is_not_whoever_says_so(cached: Made, raw: Any) -> None:
    answer = ChatResponse(message=ChatMessage(role="assistant", content="some"), raw=raw)
    llm = cached().llm(ScriptedLLM(script=[answer, "another"]))
    ask(llm, "chat")
    assert str(ask(llm, "chat")[-1]) == "assistant: another"


def picture(**block: Any) -> list[ChatMessage]:
    return [ChatMessage(role="user", blocks=[TextBlock(text="what is this?"), ImageBlock(**block)])]


def test_a_picture_counts_by_what_it_shows(cached: Made, tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"one picture")
    own = ScriptedLLM(script=["a cat", "a dog", "a bird", "a fish"])
    llm = cached().llm(own)
    assert str(ask(llm, "chat", picture(image=b"Y2F0"))[-1]) == "assistant: a cat"
    assert str(ask(llm, "chat", picture(image=b"ZG9n"))[-1]) == "assistant: a dog"
    assert str(ask(llm, "chat", picture(image=b"Y2F0"))[-1]) == "assistant: a cat"
    assert str(ask(llm, "chat", picture(path=str(file)))[-1]) == "assistant: a bird"
    assert str(ask(llm, "chat", picture(path=str(file)))[-1]) == "assistant: a bird"
    file.write_bytes(b"another one")
    assert str(ask(llm, "chat", picture(path=str(file)))[-1]) == "assistant: a fish"


def test_what_stands_at_an_address_may_change(cached: Made) -> None:
    llm = cached().llm(ScriptedLLM(script=["a cat", "a dog"]))
    given = picture(url="https://example.com/latest.png")
    assert [str(ask(llm, "chat", given)[-1]) for _ in range(2)] == ["assistant: a cat", "assistant: a dog"]


def test_calls_at_one_time_are_one_call(cached: Made) -> None:
    own = ScriptedLLM(script=["one answer"] + ["another"] * 9)
    llm = cached().llm(own)

    async def many() -> list[ChatResponse]:
        return list(await asyncio.gather(*(llm.achat([ChatMessage(content="hello")]) for _ in range(10))))

    assert {str(answer) for answer in asyncio.run(many())} == {"assistant: one answer"}
    assert len(own.seen) == 1
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: str(ask(llm, "chat", "in threads")[-1]), range(10)))
    assert len(set(answers)) == 1
    assert len(own.seen) == 2


class Song(BaseModel):
    title: str


@pytest.mark.parametrize("kind", [ScriptedLLM, ScriptedTextLLM])
def test_a_structured_answer_is_kept_where_it_can_be_read(cached: Made, kind: type[ScriptedTextLLM]) -> None:
    def as_said(text: str, call_id: str) -> Any:
        return (
            text
            if kind is ScriptedTextLLM
            else ChatMessage(
                role="assistant",
                blocks=[ToolCallBlock(tool_call_id=call_id, tool_name="Song", tool_kwargs=json.loads(text))],
            )
        )

    own = kind(script=[as_said('{"name": "x"}', "c1"), as_said('{"title": "Yesterday"}', "c2")])
    llm = cached().llm(own)
    prompt = PromptTemplate("A song, please.")
    with pytest.raises(ValueError, match="title"):
        llm.structured_predict(Song, prompt)
    assert [llm.structured_predict(Song, prompt).title for _ in range(2)] == ["Yesterday"] * 2
    assert asyncio.run(llm.astructured_predict(Song, prompt)).title == "Yesterday"
    assert len(own.seen) == 2


def test_what_is_read_as_no_model_of_pydantics_fits() -> None:
    assert fits(Message("assistant", "x"), dict)


def engine_of(loop: LeanLoop, llm: Any, **settings: Any) -> Any:
    index = SummaryIndex([TextNode(text="Lemurs live on Madagascar.")])
    return loop.query_engine(index.as_query_engine(llm=llm, **settings))


@STREAMING
def test_a_query_asked_again_asks_no_model(cached: Made, streaming: bool) -> None:
    own = ScriptedLLM(script=["On Madagascar.", "Elsewhere."])
    engine = engine_of(cached(), own, streaming=streaming)
    for expected in ((0, 1), (1, 0)):
        response = engine.query("Where do lemurs live?")
        assert str(response) == "On Madagascar."
        use = response.metadata["leanloop"]["cache"]
        assert (use["exact"], use["misses"]) == expected
    assert len(own.seen) == 1


def test_a_query_inside_a_tool_asks_no_model_again(cached: Made) -> None:
    writer = ScriptedLLM(script=["On Madagascar.", "Elsewhere."], model="gpt-4o")
    inner = SummaryIndex([TextNode(text="Lemurs live on Madagascar.")]).as_query_engine(llm=writer)
    tool = QueryEngineTool.from_defaults(inner, name="search", description="Search.")
    script: Script = lambda messages, settings: (  # noqa: E731
        "found it" if messages[-1].role is MessageRole.TOOL else calling("search", "c", input="Where do lemurs live?")
    )
    loop, llm = cached(tools={"search": "1h"}), ScriptedLLM(script=script)
    outcomes = [run(loop.agent(FunctionAgent(llm=llm, tools=[tool]))) for _ in range(2)]
    assert len(writer.seen) == 1
    # Its result is more than text, so that the tool is run: what it asks for is what was asked before.
    assert [hits(outcome) for outcome in outcomes] == [(0, 0, 4), (3, 0, 1)]
    assert [outcome["leanloop"]["tool_calls"] for outcome in outcomes] == [{"search": 1}, {"search": 1}]


def test_a_tool_that_only_reads_is_run_once(cached: Made) -> None:
    ran: list[str] = []

    def search(q: str) -> dict[str, str]:
        """Search."""
        ran.append(q)
        return {"about": q}

    loop = cached(models=False, tools={"search": "10m"})
    for expected in ((0, 0, 2), (0, 2, 0)):
        llm = ScriptedLLM(script=two_searches)
        assert hits(run(loop.agent(searching(llm, search)))) == expected
        assert llm.seen[1][0][-1].content == "{'about': 'topic 0'}"
    assert ran == ["topic 0", "topic 1"]


def called(loop: LeanLoop, does: Any, metadata: ToolMetadata | None = None) -> ToolOutput:
    tool = FunctionTool.from_defaults(does, tool_metadata=metadata)
    (twin,) = loop.tools([tool])
    return twin.call(q="a")


@pytest.mark.parametrize(
    "result",
    [
        ToolOutput(blocks=[ImageBlock(image=b"aGk=")], tool_name="search", raw_input={}, raw_output="x"),
        ToolOutput(content="x", tool_name="search", raw_input={}, raw_output=[TextNode(text="x")]),
        ToolOutput(content="no", tool_name="search", raw_input={}, raw_output="no", is_error=True),
    ],
    ids=["a picture", "nodes", "an error"],
)
def test_a_result_that_is_more_than_text_or_an_error_is_not_kept(cached: Made, result: ToolOutput) -> None:
    ran: list[str] = []

    def search(q: str) -> ToolOutput:
        ran.append(q)
        return result

    loop = cached(tools={"search": "10m"})
    assert [called(loop, search).content for _ in range(2)] == [result.content] * 2
    assert ran == ["a", "a"]


def test_a_tool_with_arguments_of_the_users_own_is_run_each_time(cached: Made) -> None:
    def search(q: str, user: str) -> str:
        return f"{q} of {user}"

    loop = cached(tools={"search": "10m"})
    tools = [FunctionTool.from_defaults(search, partial_params={"user": user}) for user in ("u1", "u2")]
    assert [tool.call(q="orders").content for tool in loop.tools(tools)] == ["orders of u1", "orders of u2"]


@pytest.mark.parametrize("meta", [{"ttlMs": 60_000}, {}], ids=["for a minute", "nothing of a time"])
def test_what_a_tool_says_of_itself_is_believed_where_the_file_says_so(cached: Made, meta: dict[str, Any]) -> None:
    class Hints(BaseModel):
        readOnlyHint: bool = True  # noqa: N815 (MCP's name)

    ran: list[str] = []

    def search(q: str) -> str:
        ran.append(q)
        return f"about {q}"

    metadata = ToolMetadata(description="Search.", name="search")
    metadata.annotations, metadata.meta = Hints(), meta  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    loop = cached(hints=True)
    assert [called(loop, search, metadata).content for _ in range(2)] == ["about a"] * 2
    assert len(ran) == (1 if meta else 2)


def test_a_question_in_other_spelling_is_answered_where_nothing_comes_after_it(cached: Made) -> None:
    own = ScriptedLLM(script=["On Madagascar.", "Elsewhere."])
    llm = cached().llm(own)
    ask(llm, "chat", "Where do lemurs live?")
    (hit,) = ask(llm, "chat", "where do lemurs live")
    assert (str(hit), hit.raw["leanloop_cache"]) == ("assistant: On Madagascar.", "normal")


def test_questions_are_compared_by_the_embedding_model_given(cached: Made) -> None:
    own = ScriptedLLM(script=["a first answer", "a second answer"])
    loop = cached(MockEmbedding(embed_dim=4, model_name="voyage-3"), any_temperature=True, semantic="on")
    with leanloop.task(loop.budget) as task:
        for text in ("What do lemurs eat?", "What do the lemurs eat?"):
            ask(loop.llm(own), "chat", text)
    use = task.receipt().cache
    assert use is not None
    assert (use.alike, use.misses) == (0, 2)  # nothing is answered by meaning before `leanloop cache tune`
    (embeddings,) = task.receipt().embeddings
    assert (embeddings.model, embeddings.calls) == ("voyage-3", 2)


def test_a_loop_with_a_cache_goes_through_pickle(cached: Made) -> None:
    loop = LeanLoop(cached().budget, embedder=MockEmbedding(embed_dim=4))
    again = pickle.loads(pickle.dumps(loop))
    assert again.budget == loop.budget
    ask(loop.llm(ScriptedLLM(script=["one"])), "chat")
    assert str(ask(again.llm(ScriptedLLM(script=["two"])), "chat")[-1]) == "assistant: one"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_integration_is_asked_once(
    kind: str, method: str, llm: Callable[..., Any], provider: Any, cached: Made
) -> None:
    twin = cached().llm(llm(kind))
    (*_, first), (*_, again) = ask(twin, method), ask(twin, method)
    assert len(provider.payloads) == 1
    assert (str(again), again.raw["leanloop_cache"]) == (str(first), "exact")


@STREAMING
@pytest.mark.parametrize("kind", KINDS)
def test_every_integration_goes_on_from_tool_calls_given_again(
    kind: str, streaming: bool, llm: Callable[..., Any], provider: Any, cached: Made
) -> None:
    def reply(payload: dict[str, Any]) -> Any:
        done = json.dumps(payload).count("something about")
        return {"name": "search", "id": f"c{done}", "args": {"q": f"x{done}"}} if done < 2 else "found"

    provider.reply = reply
    loop = cached()
    for expected in (0, 3):
        result = run(loop.agent(searching(llm(kind), streaming=streaming)))
        assert (str(result), hits(result)[0]) == ("found", expected)
    assert len(provider.payloads) == 3
    provider.reply = lambda payload: "onwards" if "more" in json.dumps(payload) else reply(payload)
    guarded = loop.agent(searching(llm(kind), streaming=streaming))

    async def on_from_there() -> Any:
        context = loop_context(guarded)
        await guarded.run("go", ctx=context)
        return await guarded.run("more", ctx=context)

    assert str(asyncio.run(on_from_there())) == "onwards"


def loop_context(agent: Any) -> Any:
    from llama_index.core.workflow import Context

    return Context(agent)


def test_a_history_kept_by_the_provider_is_not_cached(llm: Callable[..., Any], provider: Any, cached: Made) -> None:
    twin = cached().llm(llm("responses", track_previous_responses=True))
    ask(twin, "chat")
    ask(twin, "chat")
    assert len(provider.payloads) == 2
