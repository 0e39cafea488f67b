"""What the methods of an LLM are given and give back: messages, or a prompt; as neutral messages, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse

from leanloop.adapters.llama_index.ending import finish_of, is_plain
from leanloop.adapters.llama_index.messages import from_llama, to_llama, transcript_of
from leanloop.adapters.llama_index.usage import usage_of
from leanloop.budgets.message import Message
from leanloop.plugins.call import ModelReply
from leanloop.plugins.task import Task

__all__ = ["CHAT", "PROMPT", "Form"]

Given = TypeVar("Given")
Response = TypeVar("Response", ChatResponse, CompletionResponse)


class Form(Protocol[Given, Response]):
    """What a method of an LLM is given and gives back."""

    @property
    def name(self) -> str:
        """`chat` or `prompt`."""
        ...

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
    name = "chat"

    def history(self, given: Sequence[ChatMessage], task: Task) -> tuple[Message, ...]:
        return transcript_of(task).of(given)

    def given(self, messages: Sequence[Message]) -> Sequence[ChatMessage]:
        return [to_llama(message) for message in messages]

    def reply(self, response: ChatResponse) -> ModelReply:
        return _reply(from_llama(response.message), response)

    def response(self, reply: ModelReply) -> ChatResponse:
        if isinstance(reply.raw, ChatResponse):
            return reply.raw
        return ChatResponse(message=to_llama(reply.message), delta=reply.message.text, raw=_raw_of(reply))


class _Prompt:
    name = "prompt"

    def history(self, given: str, task: Task) -> tuple[Message, ...]:
        return (Message("user", given),)

    def given(self, messages: Sequence[Message]) -> str:
        return "\n\n".join(message.text for message in messages)

    def reply(self, response: CompletionResponse) -> ModelReply:
        return _reply(Message("assistant", response.text), response)

    def response(self, reply: ModelReply) -> CompletionResponse:
        if isinstance(reply.raw, CompletionResponse):
            return reply.raw
        return CompletionResponse(text=reply.message.text, delta=reply.message.text, raw=_raw_of(reply))


def _reply(message: Message, response: ChatResponse | CompletionResponse) -> ModelReply:
    return ModelReply(message, usage_of(response), finish_of(response), is_plain(response), raw=response)


def _raw_of(reply: ModelReply) -> dict[str, object] | None:
    """What stands in place of a provider's object in an answer that is given again: by which tier, and no usage."""
    if reply.hit is None:
        return None
    return {"leanloop_cache": reply.hit, "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}}


CHAT: Form[Sequence[ChatMessage], ChatResponse] = _Chat()
PROMPT: Form[str, CompletionResponse] = _Prompt()
