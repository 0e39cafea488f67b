"""Between the neutral reply and LangChain's ModelResponse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeGuard

from langchain.agents.middleware.types import ModelResponse
from langchain_core.messages import AIMessage

from leanloop.adapters.langchain.changed import with_receipt
from leanloop.adapters.langchain.ending import finish_of, is_plain, logprob_of
from leanloop.adapters.langchain.messages import Transcript, from_langchain, to_langchain
from leanloop.adapters.langchain.usage import usage_of
from leanloop.plugins.call import ModelReply

__all__ = ["Response", "ends", "final_response", "reply_of", "response_of"]

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


def response_of(reply: ModelReply) -> Response:
    """LangChain's own response where nothing was changed, else a new one."""
    raw = reply.raw
    return raw if _is_response(raw) else ModelResponse(result=[to_langchain(reply.message)])


def ends(response: Response) -> bool:
    """Whether create_agent makes no further step after it: tools whose arguments cannot be read are not called."""
    if response.structured_response is not None:
        return True
    return not any(isinstance(message, AIMessage) and message.tool_calls for message in response.result)


def final_response(response: Response, receipt: dict[str, object]) -> Response:
    """A final response: what the model said carries the receipt, and so does the last message, which in a structured
    answer is a tool's.
    """
    *others, last = response.result
    said = [with_receipt(message, receipt) if isinstance(message, AIMessage) else message for message in others]
    return replace(response, result=[*said, with_receipt(last, receipt)])


def _is_response(raw: object) -> TypeGuard[Response]:
    return isinstance(raw, ModelResponse)
