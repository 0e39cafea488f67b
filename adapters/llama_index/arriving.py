"""The chunks of a stream, and the reply they add up to.

Most integrations repeat the whole text in each chunk. To keep them all would take memory by the square of the
answer's length, so a chunk that was handed on is let go, and only the last is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse

from leanloop.adapters.llama_index.ending import finish_of, is_plain
from leanloop.adapters.llama_index.logprobs import Likelihood, likelihood_of
from leanloop.adapters.llama_index.request import Request
from leanloop.adapters.llama_index.usage import usage_of
from leanloop.budgets.message import Message
from leanloop.budgets.usage import Usage
from leanloop.plugins.call import Finish, ModelReply

__all__ = ["Arriving", "Piece", "Pieces"]

Response = TypeVar("Response", ChatResponse, CompletionResponse)


class Piece(Generic[Response]):
    """One chunk, until it is taken, and the stream it is of."""

    __slots__ = ("_response", "stream")

    def __init__(self, response: Response, stream: Arriving[Response]) -> None:
        self._response: Response | None = response
        self.stream: Arriving[Response] = stream

    def take(self) -> Iterable[Response]:
        """The chunk; only once."""
        response, self._response = self._response, None
        return () if response is None else (response,)


class Arriving(Generic[Response]):
    """What has come of one stream so far."""

    __slots__ = ("_asked", "_deltas", "_finish", "_last", "_likelihood", "_plain", "_usage")

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._finish: Finish | None = None
        self._plain = True
        self._last: Response | None = None
        self._usage: Usage | None = None
        self._likelihood = Likelihood()
        self._deltas: list[str] = []

    def note(self, response: Response) -> Piece[Response]:
        """Add a chunk."""
        self._last = response
        self._usage = usage_of(response) or self._usage
        if self._asked.cached:
            self._finish = finish_of(response) or self._finish
            self._plain = self._plain and is_plain(response)
        if self._asked.weighed:
            self._likelihood += likelihood_of(response)
        self._deltas.append(response.delta or "")
        return Piece(response, self)

    def reply(self) -> ModelReply:
        """The reply as far as it has come."""
        if self._last is None:
            return ModelReply(Message("assistant", ""))
        reply = self._asked.reply(self._last)
        said = "".join(self._deltas)
        if len(said) > len(reply.message.text):  # OpenAI's responses: each chunk holds its own part only
            reply = replace(reply, message=replace(reply.message, text=said))
        plain, logprob = self._plain and reply.plain, self._likelihood.mean
        return replace(reply, usage=self._usage, finish=self._finish, plain=plain, logprob=logprob)


class Pieces(Generic[Response]):
    """How the streaming driver turns chunks into a reply and back."""

    __slots__ = ("_asked",)

    def __init__(self, asked: Request) -> None:
        self._asked = asked

    def join(self, chunks: Sequence[Piece[Response]]) -> ModelReply:
        """The whole reply."""
        return chunks[-1].stream.reply() if chunks else Arriving[Response](self._asked).reply()

    def split(self, reply: ModelReply) -> Iterable[Piece[Response]]:
        """One chunk with all of a reply that was never streamed."""
        yield Arriving[Response](self._asked).note(self._asked.shown(reply))
