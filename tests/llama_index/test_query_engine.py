"""Guarded query engines: one query is one task, every model inside is counted, and what runs out is answered."""

# What LlamaIndex's engines are made from is partly untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportAttributeAccessIssue=false, reportArgumentType=false
# pyright: reportReturnType=false, reportOptionalSubscript=false, reportDeprecated=false
# mypy: disable-error-code="attr-defined, arg-type, union-attr, index, return-value, deprecated"
from __future__ import annotations

import asyncio
import gc
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from llama_index.core import (
    ComposableGraph,
    Document,
    MockEmbedding,
    Settings,
    SummaryIndex,
    TreeIndex,
    VectorStoreIndex,
)
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.base.response.schema import AsyncStreamingResponse, PydanticResponse, StreamingResponse
from llama_index.core.evaluation import RelevancyEvaluator
from llama_index.core.indices.query.query_transform import HyDEQueryTransform, StepDecomposeQueryTransform
from llama_index.core.objects import ObjectIndex
from llama_index.core.postprocessor import AutoPrevNextNodePostprocessor, LLMRerank
from llama_index.core.query_engine import (
    CitationQueryEngine,
    CustomQueryEngine,
    FLAREInstructQueryEngine,
    MultiStepQueryEngine,
    RetrieverQueryEngine,
    RetryQueryEngine,
    RouterQueryEngine,
    SubQuestionQueryEngine,
    ToolRetrieverRouterQueryEngine,
    TransformQueryEngine,
)
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import QueryBundle
from llama_index.core.selectors import LLMSingleSelector
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.tools import FunctionTool, QueryEngineTool
from pydantic import BaseModel

import leanloop
from leanloop import Budget, BudgetExceeded, Limit, MemoryStore
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.budgets.budget import Landing
from leanloop.errors import UsageError

MODES = pytest.mark.parametrize("mode", ["sync", "async"])
LANDED = "From the passages: done."


def script(messages: list[ChatMessage], settings: dict[str, Any]) -> str:
    """Answers whatever LlamaIndex's own prompts ask for, each in its form."""
    prompt = "\n".join(message.content or "" for message in messages)
    if "[budget]" in prompt:
        return LANDED
    if "NEIGHBOURS?" in prompt:
        return "none"
    if "sub-questions" in prompt:
        asked = [{"sub_question": f"part {n}", "tool_name": "docs"} for n in range(3)]
        return json.dumps({"items": asked})
    if "choices are given below" in prompt:
        return json.dumps([{"choice": 1, "reason": "the only one"}])
    if "Relevance:" in prompt:
        return "Doc: 1, Relevance: 7\nDoc: 2, Relevance: 3"
    return "YES, an answer."


def index(texts: int = 6, words: int = 120) -> VectorStoreIndex:
    texts_of = [f"passage {n} " + "word " * words for n in range(texts)]
    documents = [Document(text=text, metadata={"file_name": f"{n}.md"}) for n, text in enumerate(texts_of)]
    return VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=2))


def plain(llm: ScriptedLLM, mode: ResponseMode = ResponseMode.COMPACT, **settings: Any) -> RetrieverQueryEngine:
    return index().as_query_engine(llm=llm, response_mode=mode, similarity_top_k=3, **settings)


def tool(llm: ScriptedLLM) -> QueryEngineTool:
    return QueryEngineTool.from_defaults(plain(llm), name="docs", description="documents")


def synthesizer(llm: ScriptedLLM) -> Any:
    return get_response_synthesizer(llm=llm)


class Own(CustomQueryEngine):
    """A user's engine, without a synthesizer."""

    llm: Any
    retriever: Any

    def custom_query(self, query_str: str) -> str:
        nodes = self.retriever.retrieve(query_str)
        return str(self.llm.complete(f"Answer from: {nodes[0].node.get_content()}"))


def sub_questions(llm: ScriptedLLM, *, use_async: bool) -> SubQuestionQueryEngine:
    questions = LLMQuestionGenerator.from_defaults(llm=llm)
    return SubQuestionQueryEngine(questions, synthesizer(llm), [tool(llm)], verbose=False, use_async=use_async)


def graph(llm: ScriptedLLM) -> BaseQueryEngine:
    parts = [SummaryIndex.from_documents([Document(text=f"part {n}")]) for n in range(2)]
    Settings.llm = llm
    return ComposableGraph.from_indices(SummaryIndex, parts, index_summaries=["one", "two"]).as_query_engine()


def found_tools(llm: ScriptedLLM) -> BaseQueryEngine:
    tools = ObjectIndex.from_objects([tool(llm)], index_cls=VectorStoreIndex, embed_model=MockEmbedding(embed_dim=2))
    Settings.llm = llm
    return ToolRetrieverRouterQueryEngine(tools.as_retriever())


def neighbours(llm: ScriptedLLM) -> BaseQueryEngine:
    Settings.llm = llm  # AutoPrevNext has no model of its own: it asks for this one at each call
    found = index()
    near = AutoPrevNextNodePostprocessor(
        docstore=found.docstore, infer_prev_next_tmpl="NEIGHBOURS? {context_str}{query_str}"
    )
    return found.as_query_engine(llm=llm, similarity_top_k=1, node_postprocessors=[near])


ENGINES: dict[str, tuple[Callable[[ScriptedLLM], BaseQueryEngine], int]] = {
    "retriever": (plain, 1),
    "tree summarize": (lambda llm: plain(llm, ResponseMode.TREE_SUMMARIZE), 1),
    "refine": (lambda llm: plain(llm, ResponseMode.REFINE), 3),
    "accumulate": (lambda llm: plain(llm, ResponseMode.ACCUMULATE), 3),
    "rerank": (lambda llm: plain(llm, node_postprocessors=[LLMRerank(llm=llm, top_n=2)]), 2),
    "sub-questions": (lambda llm: sub_questions(llm, use_async=False), 5),
    "sub-questions at once": (lambda llm: sub_questions(llm, use_async=True), 5),
    "router": (lambda llm: RouterQueryEngine(LLMSingleSelector.from_defaults(llm=llm), [tool(llm)], llm=llm), 2),
    "found tools": (found_tools, 1),
    "transform": (lambda llm: TransformQueryEngine(plain(llm), HyDEQueryTransform(llm=llm)), 2),
    "multi-step": (
        lambda llm: MultiStepQueryEngine(
            plain(llm), StepDecomposeQueryTransform(llm=llm), response_synthesizer=synthesizer(llm), num_steps=2
        ),
        5,
    ),
    "citation": (lambda llm: CitationQueryEngine.from_args(index(), llm=llm, similarity_top_k=1), 1),
    "retry": (lambda llm: RetryQueryEngine(plain(llm), RelevancyEvaluator(llm=llm)), 2),
    "flare": (lambda llm: FLAREInstructQueryEngine(plain(llm), llm=llm, max_iterations=2), 4),
    "graph": (graph, 3),
    "tree": (lambda llm: TreeIndex.from_documents([Document(text="t")], llm=llm).as_query_engine(llm=llm), 1),
    "neighbours": (neighbours, 2),
    "own": (lambda llm: Own(llm=llm, retriever=index().as_retriever()), 1),
}


@pytest.fixture(autouse=True)
def settings_of_llama_index() -> Any:
    """LlamaIndex's own, left as they were."""
    held = dict(vars(Settings))
    Settings.embed_model = MockEmbedding(embed_dim=2)
    yield
    vars(Settings).update(held)


@pytest.fixture
def llm() -> ScriptedLLM:
    return ScriptedLLM(script=script)


def ask(engine: BaseQueryEngine, mode: str, question: str = "what?") -> Any:
    return engine.query(question) if mode == "sync" else asyncio.run(engine.aquery(question))


def under(store: MemoryStore, at_limit: Any = "land", **limit: Any) -> LeanLoop:
    return LeanLoop(Budget(agent="docs", limits=(Limit(**limit),), at_limit=at_limit), store=store)


@MODES
@pytest.mark.parametrize("name", ENGINES)
def test_every_model_call_of_an_engine_is_counted_once(
    name: str, mode: str, llm: ScriptedLLM, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    made, _ = ENGINES[name]
    engine = made(llm)
    before = ask(engine, mode)
    calls, llm.seen[:] = len(llm.seen), []

    after = ask(under(store, tokens=200_000).query_engine(engine), mode)

    assert str(after) == str(before)
    assert after.metadata["leanloop"]["model_calls"] == len(llm.seen) == calls
    assert not after.metadata["leanloop"]["landed"]


@MODES
@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_that_runs_out_ends_with_what_it_has(
    name: str, mode: str, llm: ScriptedLLM, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    made, calls = ENGINES[name]
    for most in range(1, calls + 1):
        engine = made(llm)
        llm.seen.clear()
        response = ask(under(store, model_calls=most).query_engine(engine), mode)
        receipt = response.metadata["leanloop"]
        assert len(llm.seen) == receipt["model_calls"] <= most
        assert str(response) not in ("", "None", "Empty Response")
        if receipt["landed"]:
            assert f"{most} model call" in receipt["stopped"]
        paid_for_passages = receipt["model_calls"] > 1 and name not in ("flare", "tree")
        assert response.source_nodes or not paid_for_passages or name == "own"


@MODES
@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_that_may_not_land_raises(
    name: str, mode: str, llm: ScriptedLLM, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    made, calls = ENGINES[name]
    engine = under(store, at_limit="raise", model_calls=calls - 1).query_engine(made(llm))
    if name == "found tools":  # one tool, so that no model has to choose
        assert calls == 1

    with pytest.raises(BudgetExceeded, match="model call"):
        ask(engine, mode)


def holds(engine: Any) -> dict[str, dict[str, int]]:
    """Which objects an engine and its parts hold."""
    parts = [engine, engine.retriever, engine._response_synthesizer, *engine._node_postprocessors]
    return {type(part).__name__: {name: id(value) for name, value in vars(part).items()} for part in parts}


@MODES
def test_the_users_engine_stays_as_it_was(mode: str, llm: ScriptedLLM, store: MemoryStore) -> None:
    engine = plain(llm, node_postprocessors=[LLMRerank(llm=llm)])
    held = holds(engine)
    settings = dict(vars(Settings))

    twin = under(store, model_calls=1).query_engine(engine)
    ask(twin, mode)

    assert holds(engine) == held
    assert engine._response_synthesizer._llm is llm
    assert dict(vars(Settings)) == settings
    assert isinstance(twin, type(engine))
    assert type(twin).__name__ == "RetrieverQueryEngine"
    assert twin.retriever._vector_store is engine.retriever._vector_store
    assert str(engine.query("unguarded?")) == "YES, an answer."


def test_a_part_held_twice_has_one_twin(llm: ScriptedLLM, store: MemoryStore) -> None:
    shared = plain(llm)
    tools = [QueryEngineTool.from_defaults(shared, name=name, description=name) for name in ("a", "b")]
    router = RouterQueryEngine(LLMSingleSelector.from_defaults(llm=llm), tools, llm=llm)

    twin = under(store, model_calls=9).query_engine(router)

    assert twin._query_engines[0] is twin._query_engines[1] is not shared


def test_a_guarded_engine_stays_under_its_own_budget(llm: ScriptedLLM, store: MemoryStore) -> None:
    loop = under(store, model_calls=9)
    engine = loop.query_engine(plain(llm))

    assert loop.query_engine(engine) is engine
    outer = under(store, model_calls=5).query_engine(TransformQueryEngine(engine, HyDEQueryTransform(llm=llm)))
    assert outer._query_engine is engine


def test_what_is_no_query_engine_is_refused(store: MemoryStore) -> None:
    with pytest.raises(UsageError, match="takes a query engine of LlamaIndex, not str"):
        under(store, model_calls=1).query_engine("engine")  # type: ignore[type-var]


@MODES
def test_refine_keeps_the_answer_it_had(mode: str, store: MemoryStore) -> None:
    said = iter(["first", "second", "third"])
    llm = ScriptedLLM(script=lambda messages, settings: next(said))

    response = ask(under(store, model_calls=3).query_engine(plain(llm, ResponseMode.REFINE)), mode)

    assert str(response).startswith("second\n\n[budget] No more could be read or checked. The limit of 3 model calls")
    assert response.metadata["leanloop"]["landed"]
    assert len(response.source_nodes) == 3


@MODES
def test_what_an_inner_engine_had_written_is_the_answer_of_the_outer_one(
    mode: str, llm: ScriptedLLM, store: MemoryStore
) -> None:
    refined = QueryEngineTool.from_defaults(plain(llm, ResponseMode.REFINE), name="docs", description="documents")
    router = RouterQueryEngine(LLMSingleSelector.from_defaults(llm=llm), [refined], llm=llm)

    response = ask(under(store, model_calls=3).query_engine(router), mode)

    assert str(response).startswith("YES, an answer.\n\n[budget] No more could be read or checked.")
    assert len(response.source_nodes) == 3


@MODES
def test_a_structured_engine_that_found_nothing_raises(mode: str, llm: ScriptedLLM, store: MemoryStore) -> None:
    engine = under(store, embedding_tokens=0).query_engine(plain(llm, output_cls=Answer))

    with pytest.raises(BudgetExceeded, match="embedding token"):
        ask(engine, mode)


@MODES
def test_an_engine_that_answers_in_a_form_of_its_own_is_left_to_it(
    mode: str, llm: ScriptedLLM, store: MemoryStore
) -> None:
    class Counts(Own):
        def custom_query(self, query_str: str) -> Any:
            return {"words": len(super().custom_query(query_str).split())}

    engine = under(store, model_calls=9).query_engine(Counts(llm=llm, retriever=index().as_retriever()))

    assert ask(engine, mode) == {"words": 3}


def test_models_are_found_in_lists_and_mappings_within_reason(llm: ScriptedLLM, store: MemoryStore) -> None:
    class Many(Own):
        llms: Any

        def custom_query(self, query_str: str) -> str:
            return str(self.llms["by name"][0][0].complete(query_str))

    twin: Any = under(store, model_calls=9).query_engine(
        Many(llm=None, retriever=None, llms={"by name": [(llm,)], "too deep": [[[[llm]]]]})
    )

    assert twin.query("what?").metadata["leanloop"]["model_calls"] == 1
    assert twin.llms["too deep"][0][0][0][0] is llm


def test_tools_found_asynchronously_are_guarded(llm: ScriptedLLM, store: MemoryStore) -> None:
    engine: Any = under(store, model_calls=0).query_engine(found_tools(llm))

    (found,) = asyncio.run(engine._retriever.aretrieve("docs"))

    assert "stopped before it was finished" in str(found.query_engine.query("what?"))


@MODES
def test_a_landing_reads_what_fits(mode: str, llm: ScriptedLLM, store: MemoryStore) -> None:
    found = index(words=2_000).as_query_engine(llm=llm, similarity_top_k=3)

    response = ask(under(store, tokens=3_000).query_engine(found), mode)

    assert str(response) == LANDED
    assert response.metadata["leanloop"]["tokens"] <= 3_000
    assert sum(len(message.content or "") for message in llm.seen[0][0]) < 3 * 2_000 * 5


@MODES
def test_passages_are_the_answer_where_no_model_can_be_asked(mode: str, llm: ScriptedLLM, store: MemoryStore) -> None:
    response = ask(under(store, tokens=50).query_engine(plain(llm)), mode)

    assert not llm.seen
    assert str(response).startswith("This task stopped before it was finished. The limit of 50 tokens")
    assert len(re.findall(r"Result of \d.md:\n", str(response))) == 3
    assert len(response.source_nodes) == 3


@MODES
def test_a_query_in_a_task_is_part_of_it(mode: str, llm: ScriptedLLM, store: MemoryStore) -> None:
    budget = Budget(agent="docs", limits=(Limit(model_calls=3),))
    engine = LeanLoop(budget).query_engine(plain(llm))

    with leanloop.task(budget, store=store) as task:
        answers = [str(ask(engine, mode)) for _ in range(4)]

    assert answers[:2] == ["YES, an answer."] * 2
    assert answers[2] == LANDED
    assert answers[3].startswith("This task stopped before it was finished.")
    assert task.receipt().model_calls == len(llm.seen) == 3


@MODES
def test_an_engine_without_a_budget_of_its_own_draws_from_the_current_task(
    mode: str, llm: ScriptedLLM, store: MemoryStore
) -> None:
    with leanloop.task(Budget(agent="any", limits=(Limit(model_calls=9),)), store=store) as task:
        ask(LeanLoop().query_engine(plain(llm)), mode)

    assert task.receipt().model_calls == 1


@MODES
def test_embeddings_in_a_query_count(mode: str, llm: ScriptedLLM, store: MemoryStore) -> None:
    engine = under(store, embedding_tokens=100).query_engine(plain(llm))

    receipt = ask(engine, mode, "how is this counted?").metadata["leanloop"]
    assert receipt["embeddings"][0]["calls"] == 1

    stopped = ask(engine, mode, "many words " * 100)
    assert "embedding token" in stopped.metadata["leanloop"]["stopped"]
    assert str(stopped).startswith("This task stopped before it was finished.")


class Answer(BaseModel):
    """A structured answer."""

    text: str


def structured(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
    said = "landed" if any("[budget]" in (message.content or "") for message in messages) else "whole"
    call = ToolCallBlock(tool_call_id="c", tool_name="Answer", tool_kwargs={"text": said})
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])


@MODES
@pytest.mark.parametrize("how", ["output_cls", "as_structured_llm"])
def test_a_structured_answer_lands_in_its_schema_or_raises(mode: str, how: str, store: MemoryStore) -> None:
    llm = ScriptedLLM(script=structured)

    def engine() -> Any:
        if how == "output_cls":
            return plain(llm, output_cls=Answer)
        return plain(llm.as_structured_llm(Answer))

    whole = ask(under(store, model_calls=2).query_engine(engine()), mode)
    assert "whole" in str(whole)
    landed = ask(under(store, model_calls=1).query_engine(engine()), mode)
    assert isinstance(landed, PydanticResponse)
    assert landed.response == Answer(text="landed")
    with pytest.raises(BudgetExceeded):
        ask(under(store, tokens=50).query_engine(engine()), mode)


@MODES
@pytest.mark.parametrize("most", [1, 2, 3, 9])
@pytest.mark.parametrize("how", [ResponseMode.REFINE, ResponseMode.COMPACT, ResponseMode.TREE_SUMMARIZE])
def test_a_streaming_answer_lands_as_a_stream(
    mode: str, most: int, how: ResponseMode, llm: ScriptedLLM, store: MemoryStore
) -> None:
    engine = under(store, model_calls=most).query_engine(plain(llm, how, streaming=True))

    async def read() -> tuple[Any, str]:
        response: Any = await engine.aquery("what?")
        return response, "".join([chunk async for chunk in response.response_gen])

    if mode == "sync":
        response: Any = engine.query("what?")
        assert isinstance(response, StreamingResponse)
        text = "".join(response.response_gen)
    else:
        response, text = asyncio.run(read())
        assert isinstance(response, AsyncStreamingResponse)

    receipt = response.metadata["leanloop"]
    assert len(llm.seen) == receipt["model_calls"] <= most
    whole = most > (3 if how is ResponseMode.REFINE else 1)
    assert receipt["landed"] is not whole
    assert text.startswith(LANDED if most == 1 else "YES, an answer.")
    assert ("[budget]" in text) is (not whole and most > 1)


def test_a_stream_closed_early_settles(llm: ScriptedLLM, store: MemoryStore) -> None:
    response = under(store, tokens=20_000).query_engine(plain(llm, streaming=True)).query("what?")

    next(response.response_gen)
    response.response_gen.close()

    assert response.metadata["leanloop"]["model_calls"] == 1


def test_an_async_stream_closed_early_settles(llm: ScriptedLLM, store: MemoryStore) -> None:
    engine = under(store, tokens=20_000).query_engine(plain(llm, streaming=True))

    async def begin() -> Any:
        response: Any = await engine.aquery("what?")
        await anext(response.response_gen)
        await response.response_gen.aclose()
        return response

    assert asyncio.run(begin()).metadata["leanloop"]["model_calls"] == 1


@MODES
def test_a_stream_that_is_never_read_keeps_nothing_set_aside(mode: str, llm: ScriptedLLM, store: Any) -> None:
    response = ask(under(store, model_calls=9).query_engine(plain(llm, ResponseMode.REFINE, streaming=True)), mode)
    assert store.reserved()

    del response
    gc.collect()

    assert not store.reserved()


@pytest.mark.filterwarnings("ignore:coroutine method 'aclose'")
@MODES
def test_a_stream_that_may_not_land_raises(mode: str, llm: ScriptedLLM, store: MemoryStore) -> None:
    engine = under(store, at_limit="raise", model_calls=0).query_engine(plain(llm, streaming=True))

    with pytest.raises(BudgetExceeded):
        str(ask(engine, mode))


@MODES
def test_an_engine_that_streams_answers_with_a_stream_wherever_it_was_stopped(
    mode: str, llm: ScriptedLLM, store: MemoryStore
) -> None:
    rerank = plain(llm, node_postprocessors=[LLMRerank(llm=llm)], streaming=True)

    response = ask(under(store, model_calls=0).query_engine(rerank), mode)

    assert isinstance(response, StreamingResponse if mode == "sync" else AsyncStreamingResponse)
    assert str(response).startswith("This task stopped before it was finished.")


def test_sub_questions_that_were_all_refused_are_said_to_be_also_in_a_stream(
    llm: ScriptedLLM, store: MemoryStore
) -> None:
    questions = LLMQuestionGenerator.from_defaults(llm=llm)
    writes = get_response_synthesizer(llm=llm, streaming=True)
    engine = SubQuestionQueryEngine(questions, writes, [tool(llm)], verbose=False)

    assert str(under(store, model_calls=2).query_engine(engine).query("what?")) == LANDED


def calling(name: str, **arguments: str) -> ChatMessage:
    asked = ToolCallBlock(tool_call_id="c1", tool_name=name, tool_kwargs=arguments)
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[asked])


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded itself", "guarded by the agent"])
@pytest.mark.parametrize(("most", "answer"), [(9, "YES, an answer."), (2, ".md:\n"), (3, "YES, an answer.")])
def test_an_engine_as_a_tool_draws_from_the_agents_task(
    guarded: bool, most: int, answer: str, llm: ScriptedLLM, store: MemoryStore
) -> None:
    def agents_script(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage | str:
        results = [message.content for message in messages if message.role is MessageRole.TOOL]
        return f"It says: {results[0]}" if results else calling("docs", input="what?")

    loop = under(store, model_calls=most)
    made = QueryEngineTool.from_defaults(
        loop.query_engine(plain(llm)) if guarded else plain(llm), name="docs", description="documents"
    )
    agent = loop.agent(FunctionAgent(llm=ScriptedLLM(script=agents_script), tools=[made]))

    async def go() -> Any:
        handler: Any = agent.run("what?")
        async for _ in handler.stream_events():
            pass
        return await handler

    result: Any = asyncio.run(go())
    assert answer in str(result)
    assert result["leanloop"]["model_calls"] == 2 + len(llm.seen) <= most
    assert result["leanloop"]["landed"] is (most < 9)


def test_an_unfinished_answer_in_a_tool_is_handed_to_the_agent(llm: ScriptedLLM, store: MemoryStore) -> None:
    refined = QueryEngineTool.from_defaults(plain(llm, ResponseMode.REFINE), name="docs", description="documents")
    agents = ScriptedLLM(
        script=lambda messages, _: next(
            (f"It says: {m.content}" for m in messages if m.role is MessageRole.TOOL), calling("docs", input="what?")
        )
    )
    agent = under(store, model_calls=4).agent(FunctionAgent(llm=agents, tools=[refined]))

    async def go() -> Any:
        return await agent.run("what?")

    result: Any = asyncio.run(go())
    assert str(result).startswith("It says: YES, an answer.\n\n[budget] No more could be read")
    assert result["leanloop"]["landed"]


def test_an_engine_under_a_budget_of_its_own_in_a_tool_lands_by_itself(llm: ScriptedLLM, store: MemoryStore) -> None:
    inner = LeanLoop(Budget(agent="inner", limits=(Limit(model_calls=1),)))
    asks = FunctionTool.from_defaults(fn=lambda: str(inner.query_engine(plain(llm)).query("what?")), name="asks")
    agents = ScriptedLLM(
        script=lambda messages, _: (
            f"It says: {messages[-1].content}" if messages[-1].role is MessageRole.TOOL else calling("asks")
        )
    )
    agent = under(store, model_calls=9).agent(FunctionAgent(llm=agents, tools=[asks]))

    async def go() -> Any:
        return await agent.run("what?")

    result: Any = asyncio.run(go())
    assert str(result) == f"It says: {LANDED}"
    assert result["leanloop"]["model_calls"] == 3
    assert not result["leanloop"]["landed"]


@pytest.mark.parametrize("how", ["tasks", "threads"])
@pytest.mark.parametrize("limit", [{"model_calls": 20}, {"tokens": 9_000}, {"usd": Decimal("0.002")}])
def test_queries_side_by_side_never_overshoot_a_budget_they_share(
    how: str, limit: dict[str, Any], llm: ScriptedLLM, store: Any
) -> None:
    shared = Limit(per="day", **limit)
    budget = Budget(agent="docs", limits=(shared,), landing=Landing(tokens=100), max_output=200, unknown_model="free")
    engine = LeanLoop(budget, store=store).query_engine(sub_questions(llm, use_async=how == "tasks"))

    async def at_once() -> list[Any]:
        return await asyncio.gather(*(engine.aquery("what?") for _ in range(32)))

    if how == "tasks":
        responses = asyncio.run(at_once())
    else:
        with ThreadPoolExecutor(32) as pool:
            responses = list(pool.map(engine.query, ["what?"] * 32))

    (resource, most), *_ = shared.amounts().items()
    (spent,) = store.spent(resource)
    assert 0 < spent <= most
    assert sum(response.metadata["leanloop"]["model_calls"] for response in responses) == len(llm.seen)
    assert all(str(response) not in ("", "None", "Empty Response") for response in responses)


def test_retrieving_and_writing_apart_from_a_query_is_guarded(llm: ScriptedLLM, store: MemoryStore) -> None:
    engine = under(store, model_calls=1).query_engine(plain(llm))

    nodes = engine.retrieve(QueryBundle("what?"))
    response = engine.synthesize(QueryBundle("what?"), nodes)

    assert str(response) == LANDED


def test_a_plugin_of_the_user_sees_the_calls_of_a_query(llm: ScriptedLLM, store: MemoryStore) -> None:
    seen: list[str] = []

    class Sees(leanloop.Plugin):
        def on_model(self, call: Any, task: Any) -> Any:
            seen.append(call.purpose)
            return (yield call)

    LeanLoop(Budget(agent="docs"), plugins=[Sees()], store=store).query_engine(plain(llm)).query("what?")

    assert seen == ["step"]


def test_a_store_of_documents_is_not_copied(llm: ScriptedLLM, store: MemoryStore) -> None:
    found = index()
    near = AutoPrevNextNodePostprocessor(docstore=SimpleDocumentStore(), llm=llm)

    twin = under(store, model_calls=1).query_engine(found.as_query_engine(llm=llm, node_postprocessors=[near]))

    assert twin._node_postprocessors[0].docstore is near.docstore
    assert near.llm is llm is not twin._node_postprocessors[0].llm
