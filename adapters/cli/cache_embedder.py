"""Which embedder a command means: the one of the extra, or an object of the user's own code."""

from __future__ import annotations

from leanloop.adapters.cli.named_object import load_object
from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.cache.embedder import Embedder
from leanloop.plugins.cache.local_embedder import local_embedder

__all__ = ["read_embedder"]

_LOCAL = "wordllama"

_HOW = (
    "an embedder is wordllama, or MODULE:OBJECT with the very object the agent is given as embedder (LangChain "
    "Embeddings, a LlamaIndex BaseEmbedding, a leanloop Embedder), or a function without arguments that makes it"
)


def read_embedder(text: str) -> Embedder:
    """``wordllama``, or ``module:object`` from the working directory or what is installed.

    Raises:
        UsageError: there is no such object, or it is no embedder.
        MissingExtra: wordllama is not installed.
    """
    if text == _LOCAL:
        return local_embedder()
    module, found, name = text.partition(":")
    if not found or not module or not name:
        raise UsageError(f"{shown(text)} is no embedder; {_HOW}.")
    there = load_object(text, f"Remember: {_HOW}.")
    try:
        embedder = _embedder(there)
        if embedder is None and callable(there):
            embedder = _embedder(there())
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"{shown(text)} cannot be loaded: {error}. Remember: {_HOW}.") from error
    if embedder is None:
        raise UsageError(f"{shown(text)} is a {type(there).__name__}; {_HOW}.")
    return embedder


def _embedder(there: object) -> Embedder | None:
    """What makes vectors of texts with it; None where it is a class, or anything else."""
    if isinstance(there, type):
        return None
    if isinstance(there, Embedder):
        return there
    if hasattr(there, "embed_documents"):
        from langchain_core.embeddings import Embeddings

        from leanloop.adapters.langchain.embedder import embedder_of as of_langchain

        return of_langchain(there) if isinstance(there, Embeddings) else None
    if hasattr(there, "get_text_embedding_batch"):
        from llama_index.core.base.embeddings.base import BaseEmbedding

        from leanloop.adapters.llama_index.embedder import embedder_of as of_llama_index

        return of_llama_index(there) if isinstance(there, BaseEmbedding) else None
    return None
