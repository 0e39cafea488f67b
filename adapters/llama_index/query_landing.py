"""The answer of a query that ran out: what is written of it, else what the passages at hand give."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from typing import TypeVar, cast

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    PydanticResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.llms import LLM
from llama_index.core.llms.structured_llm import StructuredLLM
from pydantic import BaseModel

from leanloop.adapters.llama_index.findings import Findings
from leanloop.adapters.llama_index.place import Member, stepping
from leanloop.budgets.message import Message
from leanloop.errors import TaskStopped
from leanloop.plugins.flow import Io
from leanloop.plugins.landing_history import gathered
from leanloop.plugins.steps import Steps

__all__ = ["QueryEnd", "landed", "last_words"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class QueryEnd:
    """How a query ends.

    Attributes:
        findings: what it has come to.
        speaker: the model that writes its answers, where no synthesizer has one.
        lands: whether it ends its task; else its answer goes to an agent, which lands.
    """

    findings: Findings
    speaker: LLM | None
    lands: bool

    def put_receipt(self, response: RESPONSE_TYPE) -> None:
        """Put the receipt where the response's reader finds it."""
        response.metadata = {**(response.metadata or {}), "leanloop": self.findings.task.receipt().as_dict()}


def landed(end: QueryEnd, stop: TaskStopped, *, asynchronous: bool) -> Steps[RESPONSE_TYPE]:
    """The response of a query that was stopped.

    Raises:
        TaskStopped: the answer is to fit a schema, and there is no room for a model to write it.
    """
    said = yield from last_words(end, stop)
    sources = end.findings.sources
    if isinstance(said, BaseModel):
        return PydanticResponse(said, source_nodes=sources)
    if not getattr(end.findings.synthesizer, "_streaming", False):
        return Response(said, source_nodes=sources)
    if asynchronous:
        return AsyncStreamingResponse(_aonce(said), source_nodes=sources)
    return StreamingResponse(_once(said), source_nodes=sources)


def last_words(end: QueryEnd, stop: TaskStopped) -> Steps[str | BaseModel]:
    """What a stopped query has to say.

    An answer that is written in part (Refine's, before all passages were read) is taken: it is paid. Else the model is
    asked once more, with the passages at hand shortened to what is left. Where that does not fit either, the best
    passages themselves are the answer.
    """
    findings = end.findings
    passages = findings.passages
    if findings.answer is not None:
        if end.lands:
            findings.task.begin_landing()
        return f"{findings.answer}\n\n[budget] No more could be read or checked. {stop.reason}"
    # The worst first: what is shortened loses its oldest messages, and without a model the last results are shown.
    steps = tuple(
        Message("tool", text, tool_call_id=f"passage-{place}", name=name)
        for place, (name, text) in enumerate(reversed(passages))
    )
    speaker = findings.speaker or end.speaker
    if speaker is None or not passages or not end.lands:
        if end.lands:
            findings.task.begin_landing()
            if findings.structured:
                raise stop
        return gathered(steps, stop)
    if findings.output_cls is not None and not isinstance(speaker, StructuredLLM):
        speaker = cast("LLM", speaker.as_structured_llm(findings.output_cls))
    asked = ChatMessage(role=MessageRole.USER, content=_question(findings.question))
    read = [ChatMessage(role=MessageRole.ASSISTANT, content=f"From {step.name}:\n{step.text}") for step in steps]
    with stepping(Member(findings.task, steps)):
        response: ChatResponse = yield Io(speaker.chat, speaker.achat, [asked, *read])
    if isinstance(response.raw, BaseModel) and isinstance(speaker, StructuredLLM):
        return response.raw
    return response.message.content or gathered(steps, stop)


def _question(question: str) -> str:
    return f"Answer the question from the passages below, and from nothing else.\n\nQuestion: {question}"


def _once(text: str) -> Generator[str, None, None]:
    yield text


async def _aonce(text: str) -> AsyncGenerator[str, None]:
    yield text
