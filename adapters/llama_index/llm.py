"""An LLM under a budget: an instance of a subclass of the user's own class.

So isinstance checks, native structured output and provider attributes stay, and no method leads around the guard: a
wrapper that only holds the LLM is passed by FunctionAgent, which calls what the LLM adds to the interface. The methods
here are not decorated with LlamaIndex's callbacks, because the inner ones are: each event comes once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, closing
from typing import Any, ClassVar, TypeVar, cast

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.llms import LLM
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.tools import BaseTool

from leanloop.adapters.copied import copied
from leanloop.adapters.llama_index.arriving import Arriving, Piece, Pieces
from leanloop.adapters.llama_index.covered import acovered_stream, covered_stream, in_model_call, model_call_covered
from leanloop.adapters.llama_index.findings import reading
from leanloop.adapters.llama_index.form import CHAT, PROMPT, Form
from leanloop.adapters.llama_index.guard import Guard
from leanloop.adapters.llama_index.provider import Provider
from leanloop.adapters.llama_index.providers import provider_of
from leanloop.adapters.llama_index.request import Request
from leanloop.adapters.llama_index.structured import AnswersInChat, AnswersInChatOnly, AnswersParsed
from leanloop.adapters.llama_index.structured_answer import read_as
from leanloop.adapters.llama_index.substitutes import PREPARED, Prepared
from leanloop.errors import UsageError
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_stream import astream, stream
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.task import Task

__all__ = ["GuardedLLM", "guarded"]

_PASSED = frozenset({"user_msg", "chat_history", "verbose", "allow_parallel_tool_calls"})
"""What every class is given to prepare a call from, beside parameters of its own."""

Model = TypeVar("Model", bound=LLM)
Given = TypeVar("Given")
Response = TypeVar("Response", ChatResponse, CompletionResponse)


def guarded(llm: Model, guard: Guard) -> Model:
    """A twin of `llm` under the budget of `guard`; one that is guarded already stays under its own.

    Raises:
        UsageError: `llm` is no LLM of LlamaIndex.
    """
    if isinstance(llm, GuardedLLM):
        return cast("Model", llm)
    if not isinstance(cast("object", llm), LLM):
        raise UsageError(f"llm() takes an LLM of LlamaIndex, not {type(llm).__name__}: OpenAI(model=...).")
    if isinstance(llm, StructuredLLM):  # it calls its inner LLM, and that is where a call is one call
        outer = copied(llm, type(llm))
        outer.__dict__["llm"] = guarded(llm.llm, guard)
        return cast("Model", outer)
    return cast("Model", copied(llm, guard.kind(type(llm), _methods(llm))))


def _methods(llm: LLM) -> type[GuardedLLM]:
    if type(provider_of(llm)).structured is Provider.structured:
        return _AnswersAsItDoes
    return _AnswersOnly if hasattr(llm, "structured_predict_without_function_calling") else _Answers


class GuardedLLM:
    """Guards each method by which a model is called; the inner ones it leads to are counted with it."""

    leanloop_: ClassVar[Guard]

    def _prepare_chat_with_tools_compat(
        self, tools: Sequence[BaseTool], *args: Any, tool_required: bool = False, **kwargs: Any
    ) -> dict[str, Any]:
        """As LlamaIndex prepares it, and what was wanted: integrations say that in forms of their own."""
        inner: Any = getattr(super(), "_prepare_chat_with_tools_compat")  # noqa: B009
        prepared = cast("dict[str, Any]", inner(tools, *args, tool_required=tool_required, **kwargs))
        settings = {"tool_required": tool_required}
        if "allow_parallel_tool_calls" in kwargs:
            settings["allow_parallel_tool_calls"] = kwargs["allow_parallel_tool_calls"]
        own = {name for name, value in kwargs.items() if value is not None} - _PASSED
        written = frozenset(prepared.keys() - own)
        return {**prepared, PREPARED: Prepared(tools, settings, written)}

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Guarded."""
        return _call(self, "chat", CHAT, messages, kwargs)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Guarded."""
        return await _acall(self, "achat", CHAT, messages, kwargs)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse, None, None]:
        """Guarded."""
        return _stream(self, "stream_chat", CHAT, messages, kwargs)

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncGenerator[ChatResponse, None]:
        """Guarded."""
        return await _astream(self, "astream_chat", CHAT, messages, kwargs)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Guarded."""
        return _call(self, "complete", PROMPT, prompt, {"formatted": formatted, **kwargs})

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Guarded."""
        return await _acall(self, "acomplete", PROMPT, prompt, {"formatted": formatted, **kwargs})

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        """Guarded."""
        return _stream(self, "stream_complete", PROMPT, prompt, {"formatted": formatted, **kwargs})

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> AsyncGenerator[CompletionResponse, None]:
        """Guarded."""
        return await _astream(self, "astream_complete", PROMPT, prompt, {"formatted": formatted, **kwargs})


class _AnswersAsItDoes(AnswersParsed, GuardedLLM):
    """Guards an LLM whose structured answers go through `chat` by themselves."""


class _Answers(AnswersInChat, GuardedLLM):
    """Guards an LLM whose structured answers would go around `chat`."""


class _AnswersOnly(AnswersInChatOnly, GuardedLLM):
    """Guards GoogleGenAI."""


def _inner(llm: object, name: str) -> Any:
    """The user's own method, below the guard."""
    return getattr(super(GuardedLLM, cast("GuardedLLM", llm)), name)


def _method(llm: object, name: str) -> Any:
    """The method that makes the call: the user's own, or that of the LLM that takes its place."""
    return _inner(llm, name) if isinstance(llm, GuardedLLM) else getattr(llm, name)


def _call(llm: GuardedLLM, name: str, form: Form[Given, Response], given: Given, kwargs: dict[str, Any]) -> Response:
    prepared = kwargs.pop(PREPARED, None)
    if in_model_call():
        return cast("Response", _inner(llm, name)(given, **kwargs))
    asked, flow = _begin(llm, form, given, kwargs, prepared)

    def send(call: ModelCall) -> ModelReply:
        out = asked.send(call)
        with model_call_covered():
            return asked.reply(out.read(_method(out.llm, name)(out.given, **out.kwargs)))

    return cast("Response", asked.shown(run(flow, send)))


async def _acall(
    llm: GuardedLLM, name: str, form: Form[Given, Response], given: Given, kwargs: dict[str, Any]
) -> Response:
    prepared = kwargs.pop(PREPARED, None)
    if in_model_call():
        return cast("Response", await _inner(llm, name)(given, **kwargs))
    asked, flow = _begin(llm, form, given, kwargs, prepared)

    async def send(call: ModelCall) -> ModelReply:
        out = asked.send(call)
        with model_call_covered():
            return asked.reply(out.read(await _method(out.llm, name)(out.given, **out.kwargs)))

    return cast("Response", asked.shown(await arun(flow, send)))


def _stream(
    llm: GuardedLLM, name: str, form: Form[Given, Response], given: Given, kwargs: dict[str, Any]
) -> Generator[Response, None, None]:
    """The task is found here and now: what streams is mostly read where the task is no longer the current one."""
    prepared = kwargs.pop(PREPARED, None)
    if in_model_call():
        return cast("Generator[Response, None, None]", _inner(llm, name)(given, **kwargs))
    asked, flow = _begin(llm, form, given, kwargs, prepared, stream=True)

    def send(call: ModelCall) -> Generator[Piece[Response], None, None]:
        out, arriving = asked.send(call), Arriving[Response](asked)
        method = _method(out.llm, name)
        return covered_stream(lambda: method(out.given, **out.kwargs), lambda chunk: arriving.note(out.read(chunk)))

    held = llm.leanloop_.stack.holds_stream

    def shown() -> Generator[Response, None, None]:
        with closing(stream(flow, send, Pieces[Response](asked), held=held)) as pieces:
            for piece in pieces:
                yield from piece.take()

    return shown()


async def _astream(
    llm: GuardedLLM, name: str, form: Form[Given, Response], given: Given, kwargs: dict[str, Any]
) -> AsyncGenerator[Response, None]:
    prepared = kwargs.pop(PREPARED, None)
    if in_model_call():
        return cast("AsyncGenerator[Response, None]", await _inner(llm, name)(given, **kwargs))
    asked, flow = _begin(llm, form, given, kwargs, prepared, stream=True)

    def send(call: ModelCall) -> AsyncGenerator[Piece[Response], None]:
        out, arriving = asked.send(call), Arriving[Response](asked)
        method = _method(out.llm, name)
        return acovered_stream(lambda: method(out.given, **out.kwargs), lambda chunk: arriving.note(out.read(chunk)))

    held = llm.leanloop_.stack.holds_stream

    async def shown() -> AsyncGenerator[Response, None]:
        async with aclosing(astream(flow, send, Pieces[Response](asked), held=held)) as pieces:
            async for piece in pieces:
                for chunk in piece.take():
                    yield chunk

    return reading(shown())


def _begin(
    llm: GuardedLLM,
    form: Form[Any, Any],
    given: object,
    kwargs: dict[str, Any],
    prepared: Prepared | None,
    *,
    stream: bool = False,
) -> tuple[Request, ModelFlow]:
    guard = llm.leanloop_
    member = guard.member()
    others = guard.substitutes
    asked = Request(llm, form, given, kwargs, member.task, others=others, prepared=prepared, stream=stream)
    return asked, _answering(guard.model_flow(asked.call, member), asked.call, member.task, read_as())


def _answering(flow: ModelFlow, call: ModelCall, task: Task, output_cls: type | None) -> ModelFlow:
    """Raise where a structured answer was asked for and a landing could only give words: they would not parse."""
    reply = yield from flow
    if (
        (call.answer_tools or output_cls is not None)
        and reply.raw is None
        and not reply.message.tool_calls
        and task.stopped
    ):
        raise task.stopped
    return reply
