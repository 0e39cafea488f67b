"""LlamaIndex (extra: ``llama-index``): `LeanLoop` guards models, tools, agents and query engines."""

from __future__ import annotations

from importlib.util import find_spec

from leanloop.errors import MissingExtra

if find_spec("llama_index") is None or find_spec("llama_index.core") is None:
    raise MissingExtra("llama-index-core", "llama-index")

from leanloop.adapters.llama_index.callback import LeanLoopCallback
from leanloop.adapters.llama_index.loop import LeanLoop

__all__ = ["LeanLoop", "LeanLoopCallback"]
