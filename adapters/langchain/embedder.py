"""LangChain's embedding classes as what the cache turns questions into vectors with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from langchain_core.embeddings import Embeddings

from leanloop.budgets.json_text import json_text
from leanloop.budgets.prices import PriceBook
from leanloop.errors import UsageError
from leanloop.plugins.cache.embedder import CallableEmbedder, Embedder
from leanloop.plugins.cache.embedder_memo import MemoEmbedder

__all__ = ["embedder_of"]

_NAMES = ("model", "model_name", "model_id", "deployment", "deployment_name")
_ABOUT = (*_NAMES, "dimensions", "output_dimensionality", "base_url", "openai_api_base", "encode_kwargs", "size")
"""What makes other vectors of the same text, as the integrations call it."""

_PRICES: Mapping[str, str] = {
    "langchain_openai": "openai",
    "langchain_google_genai": "google",
    "langchain_google_vertexai": "google",
    "langchain_mistralai": "mistral",
    "langchain_cohere": "cohere",
    "langchain_voyageai": "voyage",
}
"""Packages, and the provider's id in genai-prices."""

_READS = ("embedding_ctx_length", "max_seq_length", "num_ctx")
_SURE = 256
"""Tokens that every embedder in use reads, where one does not say how many it does."""


def embedder_of(embeddings: Embeddings | Embedder) -> Embedder:
    """An `Embeddings` of LangChain as an `Embedder` that remembers; one of ours stays as it is.

    Its vectors are named by its class, its model and what else makes other ones (dimensions, the address of the
    server). What it costs is charged to the budget of the task where its model has a price. Where it does not tell how
    much it reads, it is taken to read 256 tokens, and a longer question is answered by none that only means the same.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(embeddings, Embeddings):
        return MemoEmbedder(_embedder(embeddings))
    if isinstance(cast("object", embeddings), Embedder):
        return embeddings
    raise UsageError(
        f"embedder takes LangChain's Embeddings or a leanloop Embedder, not {type(embeddings).__name__}; "
        "for a function: CallableEmbedder(embed, name='my-model-1')."
    )


def _embedder(embeddings: Embeddings) -> Embedder:
    kind = type(embeddings)
    about = {name: getattr(embeddings, name, None) for name in _ABOUT}
    name = json_text(
        [kind.__module__, kind.__qualname__, {key: _plain(value) for key, value in about.items() if value}]
    )
    reads = next((value for value in (getattr(embeddings, name, None) for name in _READS) if _is_count(value)), _SURE)
    model = next((value for value in map(about.get, _NAMES) if isinstance(value, str) and value), None)
    provider = _provider(kind)
    own = kind.aembed_documents is not Embeddings.aembed_documents  # LangChain's own runs embed_documents on a thread
    awaited: Callable[[list[str]], Awaitable[Any]] | None = embeddings.aembed_documents if own else None
    return CallableEmbedder(
        embeddings.embed_documents,
        name=name,
        awaited=awaited,
        model=model if model is not None and PriceBook({}).knows(model, provider) else None,
        provider=provider,
        max_tokens=cast("int", reads),
    )


def _plain(value: object) -> object:
    return dict(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else str(value)


def _provider(kind: type) -> str | None:
    """Whose package the class, or one it derives from, belongs to."""
    packages = [base.__module__.partition(".")[0] for base in kind.__mro__]
    return next((_PRICES[package] for package in packages if package in _PRICES), None)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
