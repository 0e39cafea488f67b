"""Query engines under a budget: a query is a task, every model inside is guarded, and what runs out is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, TypeVar, cast

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    PydanticResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.chat_engine.types import BaseChatEngine
from llama_index.core.indices.base import BaseIndex
from llama_index.core.objects import ObjectRetriever
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType

from leanloop.adapters.llama_index.components import Components, speaker_of
from leanloop.adapters.llama_index.covered import lands_elsewhere
from leanloop.adapters.llama_index.findings import EMPTY, Findings, current_findings, gathering
from leanloop.adapters.llama_index.guard import Guard
from leanloop.adapters.llama_index.postprocessor import limit_of
from leanloop.adapters.llama_index.query_landing import QueryEnd, landed
from leanloop.adapters.llama_index.query_stream import streamed
from leanloop.errors import LeanLoopError, TaskStopped, UsageError
from leanloop.plugins.current import current_task
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps, aperform, perform

__all__ = ["guard_parts", "guarded_engine"]

Engine = TypeVar("Engine", bound=BaseQueryEngine)

_RESPONSES = (Response, PydanticResponse, StreamingResponse, AsyncStreamingResponse)

QueryFlow = Steps[RESPONSE_TYPE]
"""It makes no call by itself: those of the models inside have flows of their own."""


def guarded_engine(engine: Engine, guard: Guard) -> Engine:
    """A twin of `engine` with twins of all it is made of; one that is guarded already stays under its own budget.

    Raises:
        UsageError: `engine` is no query engine of LlamaIndex.
    """
    if isinstance(cast("object", engine), BaseChatEngine):
        raise UsageError(
            f"query_engine() takes no {type(engine).__name__}: guard the model of a chat engine, "
            "index.as_chat_engine(llm=loop.llm(llm)), and chat within leanloop.task(loop.budget)."
        )
    if not isinstance(cast("object", engine), BaseQueryEngine):
        raise UsageError(
            f"query_engine() takes a query engine of LlamaIndex, not {type(engine).__name__}: index.as_query_engine()."
        )
    return cast("Engine", _components(guard).twin(engine))


def guard_parts(twin: object, guard: Guard) -> None:
    """Guard the engine or retriever that `twin`, the twin of a tool, holds."""
    _components(guard).hold(twin)


def _components(guard: Guard) -> Components:
    return Components(guard, _METHODS, limit_of(guard.budget.retrieved))


class _Queries:
    """Guards a query engine, by whichever of its methods it is asked."""

    leanloop_: ClassVar[Guard]

    def query(self, str_or_query_bundle: QueryType) -> RESPONSE_TYPE:
        """Guarded."""
        return _query(self, "query", str_or_query_bundle)

    async def aquery(self, str_or_query_bundle: QueryType) -> RESPONSE_TYPE:
        """Guarded."""
        return await _aquery(self, "aquery", str_or_query_bundle)

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        return _query(self, "_query", query_bundle)

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        return await _aquery(self, "_aquery", query_bundle)


class _Synthesizes:
    """Notes what an answer is written from, and the answer."""

    def synthesize(
        self,
        query: QueryType,
        nodes: list[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **response_kwargs: Any,
    ) -> RESPONSE_TYPE:
        """Noted."""
        inner: Any = getattr(super(), "synthesize")  # noqa: B009
        findings = _begin_answer(self, nodes, additional_source_nodes)
        response: RESPONSE_TYPE | None = None
        try:
            response = inner(query, nodes, additional_source_nodes, **response_kwargs)
        finally:
            if findings is not None:
                findings.end_answer(response)
        return cast("RESPONSE_TYPE", response)

    async def asynthesize(
        self,
        query: QueryType,
        nodes: list[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **response_kwargs: Any,
    ) -> RESPONSE_TYPE:
        """Noted."""
        inner: Any = getattr(super(), "asynthesize")  # noqa: B009
        findings = _begin_answer(self, nodes, additional_source_nodes)
        response: RESPONSE_TYPE | None = None
        try:
            response = await inner(query, nodes, additional_source_nodes, **response_kwargs)
        finally:
            if findings is not None:
                findings.end_answer(response)
        return cast("RESPONSE_TYPE", response)


def _begin_answer(
    synthesizer: object, nodes: Sequence[NodeWithScore], besides: Sequence[NodeWithScore] | None
) -> Findings | None:
    findings = current_findings()
    if findings is not None:
        findings.begin_answer(cast("BaseSynthesizer", synthesizer), nodes, besides)
    return findings


class _Retrieves:
    """Notes what is retrieved."""

    def retrieve(self, str_or_query_bundle: QueryType) -> list[NodeWithScore]:
        """Noted."""
        inner: Any = getattr(super(), "retrieve")  # noqa: B009
        return _found(inner(str_or_query_bundle))

    async def aretrieve(self, str_or_query_bundle: QueryType) -> list[NodeWithScore]:
        """Noted."""
        inner: Any = getattr(super(), "aretrieve")  # noqa: B009
        return _found(await inner(str_or_query_bundle))


def _found(nodes: list[NodeWithScore]) -> list[NodeWithScore]:
    findings = current_findings()
    if findings is not None:
        findings.found(nodes)
    return nodes


class _MakesEngines:
    """Guards the engines an index makes while a query goes on (ComposableGraphQueryEngine)."""

    leanloop_: ClassVar[Guard]

    def as_query_engine(self, *args: Any, **kwargs: Any) -> BaseQueryEngine:
        """Guarded."""
        inner: Any = getattr(super(), "as_query_engine")  # noqa: B009
        return guarded_engine(cast("BaseQueryEngine", inner(*args, **kwargs)), self.leanloop_)


class _FindsTools:
    """Guards the tools found while a query goes on (ToolRetrieverRouterQueryEngine)."""

    leanloop_: ClassVar[Guard]

    def retrieve(self, str_or_query_bundle: QueryType) -> list[Any]:
        """Guarded."""
        inner: Any = getattr(super(), "retrieve")  # noqa: B009
        return cast("list[Any]", _components(self.leanloop_).twin(inner(str_or_query_bundle)))

    async def aretrieve(self, str_or_query_bundle: QueryType) -> list[Any]:
        """Guarded."""
        inner: Any = getattr(super(), "aretrieve")  # noqa: B009
        return cast("list[Any]", _components(self.leanloop_).twin(await inner(str_or_query_bundle)))


_METHODS: dict[type, type] = {
    BaseQueryEngine: _Queries,
    BaseSynthesizer: _Synthesizes,
    BaseRetriever: _Retrieves,
    BaseIndex: _MakesEngines,
    ObjectRetriever: _FindsTools,
}


def _query(engine: _Queries, name: str, given: QueryType) -> RESPONSE_TYPE:
    inner: Callable[[QueryType], RESPONSE_TYPE] = getattr(super(_Queries, engine), name)
    if _begun(engine):
        return inner(given)
    return perform(_asked(engine, given, Io(inner, _unused, given), asynchronous=False))


async def _aquery(engine: _Queries, name: str, given: QueryType) -> RESPONSE_TYPE:
    inner: Callable[[QueryType], Awaitable[RESPONSE_TYPE]] = getattr(super(_Queries, engine), name)
    if _begun(engine):
        return await inner(given)
    return await aperform(_asked(engine, given, Io(_unused, inner, given), asynchronous=True))


_unused: Any = None
"""One query is run by one driver, which never asks for the other form."""


def _begun(engine: _Queries) -> bool:
    """Whether one method of an engine called another: `query` calls `_query`, FLARE's `_aquery` calls its `_query`."""
    findings = current_findings()
    return findings is not None and findings.engine is engine


def _asked(engine: _Queries, given: QueryType, inner: Io[RESPONSE_TYPE], *, asynchronous: bool) -> QueryFlow:
    """One query: a task of its own, or part of the current one.

    A query that is part of another in the same task raises where it is stopped, and the outer one answers. One in a
    tool answers without a model: the landing is the agent's.
    """
    outer, task = current_findings(), engine.leanloop_.member().task
    own = task is not current_task()
    inside = outer if outer is not None and outer.task is task else None
    question = given if isinstance(given, str) else given.query_str
    findings = Findings(engine, question, task, inside)
    end = QueryEnd(findings, speaker_of(engine), lands=own or not lands_elsewhere())
    streams = False
    try:
        try:
            with gathering(findings):
                response: RESPONSE_TYPE = yield inner
            swallowed = task.stopped or findings.failure  # on the way (SubQuestionQueryEngine)
            if swallowed is not None and _says_nothing(response):
                raise swallowed
        except TaskStopped as stop:
            findings.ended()
            if inside is not None or task.budget.at_limit == "raise":
                raise
            response = yield from landed(end, stop, asynchronous=asynchronous)
        except LeanLoopError as error:
            findings.failed(error)
            raise
        if not isinstance(cast("object", response), _RESPONSES):  # a user's engine may answer with what it likes
            return response
        if outer is not None:
            outer.part(question, response)
        if inside is None:
            end.put_receipt(response)
            if isinstance(response, StreamingResponse | AsyncStreamingResponse):
                streams = True
                streamed(response, end, owns=own)
    finally:
        if own and not streams:
            yield from task.hold.give_back()
    return response


def _says_nothing(response: RESPONSE_TYPE) -> bool:
    if isinstance(response, StreamingResponse | AsyncStreamingResponse):  # to be read yet: nothing it could be from
        return not response.source_nodes
    return str(response).strip() in EMPTY
