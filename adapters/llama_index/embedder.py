"""An embedding model of LlamaIndex as what the cache turns questions into vectors with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from llama_index.core.base.embeddings.base import BaseEmbedding

from leanloop.adapters.llama_index.covered import model_call_covered
from leanloop.adapters.plain_value import plain
from leanloop.budgets.prices import PriceBook
from leanloop.errors import UsageError
from leanloop.plugins.cache.canonical import NotCanonicalError, framed
from leanloop.plugins.cache.embedder import CallableEmbedder, Embedder
from leanloop.plugins.cache.embedder_memo import MemoEmbedder

__all__ = ["embedder_of", "provider_of_embedding"]

_PRICES = {
    "openai": "openai",
    "azure_openai": "azure",
    "google_genai": "google",
    "mistralai": "mistral",
    "cohere": "cohere",
    "voyageai": "voyage",
}
"""Packages of llama_index.embeddings, and the provider's id in genai-prices."""

_SAME_VECTORS = frozenset(
    {"embed_batch_size", "num_workers", "timeout", "request_timeout", "max_retries", "reuse_client", "default_headers"}
    | {"embeddings_cache", "cache_folder", "device", "parallel_process", "target_devices", "show_progress_bar"}
)
"""Fields by which the way to the vectors differs, not the vectors."""

_SURE = 256
"""Tokens that every embedder in use reads, where one does not say how many it does."""


def embedder_of(embedding: BaseEmbedding | Embedder) -> Embedder:
    """A `BaseEmbedding` of LlamaIndex as an `Embedder` that remembers; one of ours stays as it is.

    Its vectors are named by its class and its settings (the model, dimensions, the address of the server). What it
    costs is charged to the budget of the task where its model has a price; a model guarded by `LeanLoop.embedding` is
    charged once. Where it does not tell how much it reads (`max_length`), it is taken to read 256 tokens, and a longer
    question is answered by none that only means the same.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(embedding, BaseEmbedding):
        return MemoEmbedder(_embedder(embedding))
    if isinstance(cast("object", embedding), Embedder):
        return embedding
    raise UsageError(
        f"embedder takes an embedding model of LlamaIndex or a leanloop Embedder, not {type(embedding).__name__}; "
        "for a function: CallableEmbedder(embed, name='my-model-1')."
    )


def provider_of_embedding(embedding: BaseEmbedding) -> str | None:
    """The provider's id in genai-prices, by the package of the class or of one it derives from."""
    packages = (kind.__module__.split(".") for kind in type(embedding).__mro__)
    package = next((parts[2] for parts in packages if parts[:2] == ["llama_index", "embeddings"]), "")
    return _PRICES.get(package)


def _embedder(embedding: BaseEmbedding) -> Embedder:
    def embed(texts: list[str]) -> list[list[float]]:
        with model_call_covered():  # the cache has asked the budget
            return embedding.get_text_embedding_batch(texts)

    async def aembed(texts: list[str]) -> list[list[float]]:
        with model_call_covered():
            return await embedding.aget_text_embedding_batch(texts)

    provider, name = provider_of_embedding(embedding), embedding.model_name
    reads = cast("object", getattr(embedding, "max_length", None))
    return CallableEmbedder(
        embed,
        name=_mark(embedding),
        awaited=aembed,
        model=name if PriceBook({}).knows(name, provider) else None,
        provider=provider,
        max_tokens=reads if isinstance(reads, int) and reads > 0 else _SURE,
    )


def _mark(embedding: BaseEmbedding) -> str:
    """Its class and what makes other vectors of the same text; objects it holds are left out."""
    kind, held = type(embedding), cast("Mapping[str, object]", vars(embedding))
    said: dict[str, object] = {}
    for name, field in kind.model_fields.items():
        if held.get(name) is not None and name not in _SAME_VECTORS and not field.exclude:
            try:
                value = plain({name: held[name]})
                framed(value)
            except NotCanonicalError:
                continue
            said |= cast("dict[str, object]", value)
    return framed([kind.__module__, kind.__qualname__, said]).decode("utf-8", "replace")
