"""An embedding model under a budget: its texts are counted where they are sent, below LlamaIndex's cache of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar, cast

from llama_index.core.base.embeddings.base import BaseEmbedding

from leanloop.adapters.copied import copied
from leanloop.adapters.llama_index.covered import in_model_call, model_call_covered
from leanloop.adapters.llama_index.embedder import provider_of_embedding
from leanloop.adapters.llama_index.guard import Guard
from leanloop.errors import UsageError
from leanloop.plugins.call import EmbedCall
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.embed import embed

__all__ = ["guarded_embedding"]

Model = TypeVar("Model", bound=BaseEmbedding)


def guarded_embedding(model: Model, guard: Guard) -> Model:
    """A twin of `model` under the budget of `guard`; one that is guarded already stays under its own.

    Raises:
        UsageError: `model` is no embedding model of LlamaIndex.
    """
    if isinstance(model, _Embeds):
        return cast("Model", model)
    if not isinstance(cast("object", model), BaseEmbedding):
        raise UsageError(
            f"embedding() takes an embedding model of LlamaIndex, not {type(model).__name__}: OpenAIEmbedding()."
        )
    return cast("Model", copied(model, guard.kind(type(model), _Embeds)))


class _Embeds:
    """Guards the methods a class of embeddings is made of; one that leads to another is counted once."""

    leanloop_: ClassVar[Guard]

    def _get_query_embedding(self, query: str) -> list[float]:
        return cast("list[float]", _run(self, "_get_query_embedding", query, (query,)))

    def _get_text_embedding(self, text: str) -> list[float]:
        return cast("list[float]", _run(self, "_get_text_embedding", text, (text,)))

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return cast("list[list[float]]", _run(self, "_get_text_embeddings", texts, tuple(texts)))

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return cast("list[float]", await _arun(self, "_aget_query_embedding", query, (query,)))

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return cast("list[float]", await _arun(self, "_aget_text_embedding", text, (text,)))

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return cast("list[list[float]]", await _arun(self, "_aget_text_embeddings", texts, tuple(texts)))


def _run(model: _Embeds, name: str, given: object, texts: tuple[str, ...]) -> object:
    inner = cast("Callable[[object], object]", getattr(super(_Embeds, model), name))
    if in_model_call():
        return inner(given)

    def send(call: EmbedCall) -> object:
        with model_call_covered():
            return inner(given)

    return run(embed(_call(model, texts), model.leanloop_.member().task), send)


async def _arun(model: _Embeds, name: str, given: object, texts: tuple[str, ...]) -> object:
    inner = cast("Callable[[object], Awaitable[object]]", getattr(super(_Embeds, model), name))
    if in_model_call():
        return await inner(given)

    async def send(call: EmbedCall) -> object:
        with model_call_covered():
            return await inner(given)

    return await arun(embed(_call(model, texts), model.leanloop_.member().task), send)


def _call(model: Any, texts: tuple[str, ...]) -> EmbedCall:
    return EmbedCall(str(model.model_name), texts, provider_of_embedding(model))
