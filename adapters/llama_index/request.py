"""Between one call of an LLM (messages or a prompt, and its parameters) and the neutral model call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse

from leanloop.adapters.llama_index.messages import from_llama, to_llama, transcript_of
from leanloop.adapters.llama_index.provider import Sent
from leanloop.adapters.llama_index.providers import model_name, provider_of
from leanloop.adapters.llama_index.tools import answer_of, specs_of
from leanloop.adapters.llama_index.usage import usage_of
from leanloop.budgets.message import Message
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.task import Task

__all__ = ["CHAT", "PROMPT", "Form", "Request"]

Given = TypeVar("Given")
Response = TypeVar("Response", ChatResponse, CompletionResponse)


class Form(Protocol[Given, Response]):
    """What a method of an LLM is given and gives back."""

    def history(self, given: Given, task: Task) -> tuple[Message, ...]:
        """What it is given, as neutral messages."""
        ...

    def given(self, messages: Sequence[Message]) -> Given:
        """Neutral messages, as it is given them."""
        ...

    def reply(self, response: Response) -> ModelReply:
        """The neutral form of what it gives back."""
        ...

    def response(self, reply: ModelReply) -> Response:
        """LlamaIndex's own response where nothing was changed, else a new one."""
        ...


class _Chat:
    def history(self, given: Sequence[ChatMessage], task: Task) -> tuple[Message, ...]:
        return transcript_of(task).of(given)

    def given(self, messages: Sequence[Message]) -> Sequence[ChatMessage]:
        return [to_llama(message) for message in messages]

    def reply(self, response: ChatResponse) -> ModelReply:
        return ModelReply(from_llama(response.message), usage_of(response), raw=response)

    def response(self, reply: ModelReply) -> ChatResponse:
        if isinstance(reply.raw, ChatResponse):
            return reply.raw
        return ChatResponse(message=to_llama(reply.message), delta=reply.message.text)


class _Prompt:
    def history(self, given: str, task: Task) -> tuple[Message, ...]:
        return (Message("user", given),)

    def given(self, messages: Sequence[Message]) -> str:
        return "\n\n".join(message.text for message in messages)

    def reply(self, response: CompletionResponse) -> ModelReply:
        return ModelReply(Message("assistant", response.text), usage_of(response), raw=response)

    def response(self, reply: ModelReply) -> CompletionResponse:
        if isinstance(reply.raw, CompletionResponse):
            return reply.raw
        return CompletionResponse(text=reply.message.text, delta=reply.message.text)


CHAT: Form[Sequence[ChatMessage], ChatResponse] = _Chat()
PROMPT: Form[str, CompletionResponse] = _Prompt()


class Request:
    """One call of an LLM, its neutral form, and the way back.

    Args:
        answer: the tool that carries the answer, where the caller requires it.
        stream: the reply is to be streamed.
    """

    def __init__(
        self,
        llm: object,
        form: Form[Any, Any],
        given: object,
        kwargs: Mapping[str, Any],
        task: Task,
        *,
        answer: str | None = None,
        stream: bool = False,
    ) -> None:
        self._llm = llm
        self._form = form
        self._given = given
        self._provider = provider_of(llm)
        self._kwargs = dict(kwargs)
        if stream:
            fixed = cast("Mapping[str, object]", getattr(llm, "additional_kwargs", None) or {})
            self._kwargs |= {k: v for k, v in self._provider.streaming.items() if k not in kwargs and k not in fixed}
        tools, schema = specs_of(kwargs.get("tools")), answer_of(kwargs)
        forced = self._provider.forced(kwargs, [tool.name for tool in tools]) | frozenset({answer} if answer else ())
        thinking = self._provider.thinking_tokens(llm, kwargs)
        self._may_forbid = bool(tools) and not forced
        self._cap = self._provider.output_cap(llm, kwargs)
        self.call = ModelCall(
            model=model_name(llm),
            provider=self._provider.prices,
            messages=form.history(given, task),
            tools=tools if schema is None else (*tools, schema),
            answer_tools=forced if schema is None else forced | {schema.name},
            max_output=self._cap,
            min_output=thinking + 1 if thinking else 0,
        )

    def send(self, call: ModelCall) -> tuple[object, object, dict[str, Any]]:
        """For `call`: the model to be called (a twin where only an attribute can say it), and what it is given.

        Raises:
            ModelUnavailable: the call names another model, and the class cannot be sent to it.
        """
        given = self._given if call.messages is self.call.messages else self._form.given(call.messages)
        sent = Sent(self._llm, dict(self._kwargs))
        if call.model != self.call.model:
            self._provider.rename(sent, call.model)
        if call.max_output is not None and call.max_output != self._cap:
            self._provider.cap(sent, call.max_output)
        if call.effort is not None:
            self._provider.effort(sent, call.effort)
        if call.forbid_tools and self._may_forbid:
            self._provider.forbid_tools(sent)
        return sent.target(), given, sent.kwargs
