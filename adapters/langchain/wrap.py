"""A chat model under a budget wherever it is used: LCEL chains, LangGraph graphs, plain code.

The result is an instance of a subclass of the user's own class, so that isinstance checks, tool binding,
structured output and provider attributes stay. The original is left as it was.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableBinding

from leanloop.adapters.copied import copied
from leanloop.adapters.langchain.chat import ChatChunks, ChatRequest, Sent, chat_reply, chat_result
from leanloop.adapters.langchain.covered import GUARDED, in_model_call, in_tool_call, model_call_covered
from leanloop.adapters.langchain.middleware import LeanLoop
from leanloop.adapters.langchain.provider import model_name
from leanloop.adapters.langchain.run import Run
from leanloop.adapters.langchain.stop import bubbling
from leanloop.budgets.budget import Budget
from leanloop.errors import ModelUnavailable, TaskStopped, UsageError
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.current import current_task
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_stream import astream, stream
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.landing_reserve import without_hold
from leanloop.plugins.task import Task

__all__ = ["loop_of", "wrap"]

Model = TypeVar("Model")


def wrap(model: Model, budget: LeanLoop | Budget | str | Path | None = None) -> Model:
    """`model` under a budget: every call is reserved and counted; one that does not fit lands, or raises.

    Calls within one run of a graph, or inside ``with leanloop.task(...)``, are one task; any other call
    is a task of its own.

    Args:
        model: a chat model, or a binding of one (``model.bind_tools(...)``).
        budget: a budget, the path of its file, or a `LeanLoop` whose tasks it shares. Without one, calls
            belong to the current task.

    Raises:
        UsageError: `model` is neither.
    """
    loop = loop_of(budget)
    if isinstance(model, RunnableBinding):
        binding = cast("RunnableBinding[Any, Any]", model)
        return cast("Model", binding.model_copy(update={"bound": wrap(binding.bound, loop)}))
    if not isinstance(model, BaseChatModel):
        raise UsageError(
            f"wrap() takes a chat model or a binding of one, not {type(model).__name__}. "
            "Wrap the model first, then add fallbacks, retries or parsers to it."
        )
    kind = type(model)
    bases: list[type] = [_Generates]
    # A model that cannot stream must not look as if it could: LangChain asks whether _stream is overridden.
    if _overrides(kind, "_stream"):
        bases.append(_Streams)
    if _overrides(kind, "_astream"):
        bases.append(_StreamsAsync)
    # Under its own name, by which traces and LangChain's cache know it.
    guarded: Any = type(kind.__name__, (*bases, kind), {"__module__": kind.__module__})
    guarded.leanloop_ = loop  # afterwards: pydantic takes what stands in a class's body for a field
    return cast("Model", copied(model, guarded))


def _overrides(kind: type, method: str) -> bool:
    return getattr(kind, method) is not getattr(BaseChatModel, method)


def loop_of(budget: LeanLoop | Budget | str | Path | None) -> LeanLoop:
    """The `LeanLoop` meant by what a user may pass as a budget."""
    if isinstance(budget, LeanLoop):
        return budget
    if isinstance(budget, str | Path):
        return LeanLoop.from_file(budget)
    return LeanLoop(budget)


@contextmanager
def _calls(
    model: object, messages: Sequence[BaseMessage], settings: dict[str, Any]
) -> Generator[tuple[ChatRequest, Run], None, None]:
    loop: LeanLoop = cast("Any", model).leanloop_
    member = loop.runs.around(messages)
    try:
        history = member.transcript.of(messages)
        yield ChatRequest(model, messages, settings, history, loop.models, session=member.session), member
    except TaskStopped as stop:
        raise bubbling(stop) from None


def _flow(loop: LeanLoop, call: ModelCall, task: Task) -> ModelFlow:
    """The flow of one call, by whose the task is.

    The task of an agent, met inside one of its tools, is metered and no more: the agent lands, not this call.
    A task made here has no known end, so nothing stays set aside in it from one call to the next.
    """
    if task is not current_task():
        return _noted(without_hold(loop.stack.model_flow(call, task), task), call, task)
    return (
        BudgetGuard().on_model(call, task) if in_tool_call() else _noted(loop.stack.model_flow(call, task), call, task)
    )


def _noted(flow: ModelFlow, call: ModelCall, task: Task) -> ModelFlow:
    """The flow; the tools that the model asks for are told of the step (`asking`)."""
    reply = yield from flow
    if reply.message.tool_calls:
        task.latest_step = (*call.messages, reply.message)
    return reply


def _method(sent: Sent, own: object, name: str, inner: Any) -> Any:
    """`inner`, the method of that name the guarded model has itself, or that of the model that takes its place.

    Raises:
        ModelUnavailable: a stream is wanted, and the substitute has none.
    """
    if sent.model is own:
        return inner
    kind: type = sent.model.__class__
    if name in {"_stream", "_astream"} and not any(_overrides(kind, one) for one in ("_stream", name)):
        raise ModelUnavailable(
            model_name(sent.model), f"{kind.__name__} cannot stream; call invoke, or name a model that can."
        )
    return getattr(sent.model, name)


def _covered(source: Iterator[ChatGenerationChunk]) -> Generator[ChatGenerationChunk, None, None]:
    """The chunks, each made where it is known that the call is counted already: a stream may call another method."""
    with closing(cast("Generator[ChatGenerationChunk, None, None]", source)):
        while True:
            with model_call_covered():
                chunk = next(source, None)
            if chunk is None:
                return
            yield chunk


async def _acovered(source: AsyncIterator[ChatGenerationChunk]) -> AsyncGenerator[ChatGenerationChunk, None]:
    async with aclosing(cast("AsyncGenerator[ChatGenerationChunk, None]", source)):
        while True:
            with model_call_covered():
                chunk = await anext(source, None)
            if chunk is None:
                return
            yield chunk


class _Generates:
    """Guards `invoke` and `ainvoke`, their lookup in LangChain's cache included."""

    leanloop_: ClassVar[LeanLoop]

    def _get_ls_params(self, stop: list[str] | None = None, **settings: Any) -> dict[str, Any]:
        """Tells callbacks, by the run's metadata, that the call is counted here."""
        inner: Any = getattr(super(), "_get_ls_params")  # noqa: B009
        return {**inner(stop=stop, **settings), GUARDED: True}

    def _generate_with_cache(self, messages: list[BaseMessage], **settings: Any) -> ChatResult:
        inner: Any = getattr(super(), "_generate_with_cache")  # noqa: B009
        if in_model_call():
            return cast("ChatResult", inner(messages, **settings))

        def send(call: ModelCall) -> ModelReply:
            sent = asked.to_langchain(call)
            method = _method(sent, self, "_generate_with_cache", inner)
            with model_call_covered():
                return chat_reply(method(sent.messages, **sent.settings))

        with _calls(self, messages, settings) as (asked, member):
            return chat_result(run(_flow(self.leanloop_, asked.call, member.task), send), asked.call.model)

    async def _agenerate_with_cache(self, messages: list[BaseMessage], **settings: Any) -> ChatResult:
        inner: Any = getattr(super(), "_agenerate_with_cache")  # noqa: B009
        if in_model_call():
            return cast("ChatResult", await inner(messages, **settings))

        async def send(call: ModelCall) -> ModelReply:
            sent = asked.to_langchain(call)
            with model_call_covered():
                return chat_reply(
                    await _method(sent, self, "_agenerate_with_cache", inner)(sent.messages, **sent.settings)
                )

        with _calls(self, messages, settings) as (asked, member):
            return chat_result(await arun(_flow(self.leanloop_, asked.call, member.task), send), asked.call.model)


class _Streams:
    """Guards `stream`."""

    leanloop_: ClassVar[LeanLoop]

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **settings: Any
    ) -> Iterator[ChatGenerationChunk]:
        inner: Any = getattr(super(), "_stream")  # noqa: B009
        settings |= {"stop": stop, "run_manager": run_manager}
        if in_model_call():
            yield from inner(messages, **settings)
            return

        def send(call: ModelCall) -> Generator[ChatGenerationChunk, None, None]:
            sent = asked.to_langchain(call)
            return _covered(_method(sent, self, "_stream", inner)(sent.messages, **sent.settings))

        with _calls(self, messages, settings) as (asked, member):
            stack = self.leanloop_.stack
            flow, chunks = _flow(self.leanloop_, asked.call, member.task), ChatChunks(asked.call.model)
            yield from stream(flow, send, chunks, held=stack.holds_stream)


class _StreamsAsync:
    """Guards `astream`."""

    leanloop_: ClassVar[LeanLoop]

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **settings: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        inner: Any = getattr(super(), "_astream")  # noqa: B009
        settings |= {"stop": stop, "run_manager": run_manager}
        if in_model_call():
            async with aclosing(inner(messages, **settings)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return

        def send(call: ModelCall) -> AsyncGenerator[ChatGenerationChunk, None]:
            sent = asked.to_langchain(call)
            return _acovered(_method(sent, self, "_astream", inner)(sent.messages, **sent.settings))

        with _calls(self, messages, settings) as (asked, member):
            stack = self.leanloop_.stack
            flow = _flow(self.leanloop_, asked.call, member.task)
            parts = ChatChunks(asked.call.model)
            async with aclosing(astream(flow, send, parts, held=stack.holds_stream)) as chunks:
                async for chunk in chunks:
                    yield chunk
