"""Between the neutral reply and LangChain's ModelResponse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeGuard

from langchain.agents.middleware.types import ModelResponse
from langchain_core.messages import AIMessage, BaseMessage

from leanloop.adapters.langchain.ending import finish_of, is_plain, logprob_of
from leanloop.adapters.langchain.messages import Transcript, from_langchain, to_langchain
from leanloop.adapters.langchain.usage import usage_of
from leanloop.plugins.call import ModelReply

__all__ = ["Response", "reply_of", "response_of"]

Response = ModelResponse[Any]


def reply_of(response: Response, transcript: Transcript) -> ModelReply:
    """The neutral reply in a response; its first AI message is what the model said."""
    said = next((message for message in response.result if isinstance(message, AIMessage)), None)
    if said is None:
        return ModelReply(from_langchain(AIMessage("")), raw=response)
    message = from_langchain(said)
    transcript.expect(message)
    plain = _is_plain(said, response)
    return ModelReply(message, usage_of(said), finish_of(said), plain, logprob=logprob_of(said), raw=response)


def _is_plain(said: AIMessage, response: Response) -> bool:
    """Whether a replay of the message gives the whole response again; not where LangChain asks for a better answer."""
    if response.structured_response is None and len(response.result) > 1:
        return False
    if said.additional_kwargs.get("parsed") is not None and response.structured_response is not None:
        said = said.model_copy(update={"additional_kwargs": {**said.additional_kwargs, "parsed": None}})
    return is_plain(said)


def response_of(reply: ModelReply, receipt: dict[str, object] | None) -> Response:
    """LangChain's own response where nothing was changed, else a new one; a final answer carries the receipt."""
    raw = reply.raw
    response: Response = raw if _is_response(raw) else ModelResponse(result=[to_langchain(reply.message)])
    if receipt is None:
        return response
    result = [_with_receipt(message, receipt) for message in response.result]
    return replace(response, result=result)


def _is_response(raw: object) -> TypeGuard[Response]:
    return isinstance(raw, ModelResponse)


def _with_receipt(message: BaseMessage, receipt: dict[str, object]) -> BaseMessage:
    if not isinstance(message, AIMessage):
        return message
    return message.model_copy(update={"response_metadata": {**message.response_metadata, "leanloop": receipt}})
