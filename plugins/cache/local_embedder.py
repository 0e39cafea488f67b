"""An embedder on this machine: wordllama, 83 µs a question, no network, nothing to pay.

It adds up vectors of words and does not see their order, so it finds candidates and nothing more; what may be served
is for the checks to say. The extra `local-embeddings` brings it.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, cast

from leanloop.errors import MissingExtra
from leanloop.plugins.cache.embedder import CallableEmbedder, Embedder
from leanloop.plugins.cache.embedder_memo import MemoEmbedder

__all__ = ["local_embedder"]

_MAX_TOKENS = 512


class _WordLlama(Protocol):
    def embed(self, texts: list[str]) -> Any: ...


def local_embedder() -> Embedder:
    """The embedder of the extra `local-embeddings`, loaded (half a second) from its own package.

    Raises:
        MissingExtra: wordllama is not installed.
    """
    try:
        import wordllama
    except ImportError as error:
        raise MissingExtra("wordllama", "local-embeddings") from error
    # Its load() looks for the tokenizer where the package does not have it, and goes to the network then.
    home = Path(str(wordllama.__file__)).parent
    loaded = cast("_WordLlama", wordllama.WordLlama.load(cache_dir=home, disable_download=True))
    name = f"wordllama {metadata.version('wordllama')} 256"
    return MemoEmbedder(CallableEmbedder(loaded.embed, name=name, max_tokens=_MAX_TOKENS))
