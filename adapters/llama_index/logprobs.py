"""How likely the model held its own words to be, where the provider says so.

In the provider's object, which the integrations leave in `raw`: OpenAI's ``logprobs.content``
(https://platform.openai.com/docs/api-reference/chat/object), Gemini's ``avg_logprobs``
(https://ai.google.dev/api/generate-content#candidate).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse

from leanloop.adapters.llama_index.raw import Get, reader_of

__all__ = ["Likelihood", "likelihood_of"]


class Likelihood(NamedTuple):
    """The sum of the log-probabilities of so many tokens."""

    total: float = 0.0
    tokens: int = 0

    def __add__(self, more: object) -> Likelihood:
        """With that of the next chunk."""
        other = cast("Likelihood", more)
        return Likelihood(self.total + other.total, self.tokens + other.tokens)

    @property
    def mean(self) -> float | None:
        """That of one token; None where none is known."""
        return self.total / self.tokens if self.tokens else None


def likelihood_of(response: ChatResponse | CompletionResponse) -> Likelihood:
    """That of a reply, or of a chunk of one."""
    get = reader_of(response.raw)
    choice = _first(get("choices"))
    if choice is not None:
        given = reader_of(choice("logprobs"))("content")
        found = [reader_of(token)("logprob") for token in cast("Sequence[object]", given)] if given else []
        each = [one for one in found if isinstance(one, int | float)]
        return Likelihood(sum(each), len(each))
    candidate = _first(get("candidates"))
    mean = None if candidate is None else candidate("avg_logprobs")
    return Likelihood(mean, 1) if isinstance(mean, int | float) else Likelihood()


def _first(given: object) -> Get | None:
    return reader_of(cast("Sequence[object]", given)[0]) if isinstance(given, Sequence) and given else None
