"""LangChain and LangGraph (extra: ``langchain``).

`LeanLoop` is middleware for ``create_agent``; `wrap` and `wrap_tool` are for models and tools anywhere
else; `LeanLoopCallback` meters whatever takes callbacks, `LeanLoopCache` is for ``set_llm_cache``.
"""

from __future__ import annotations

from importlib.util import find_spec

from leanloop.errors import MissingExtra

if find_spec("langchain") is None:
    raise MissingExtra("langchain", "langchain")

from leanloop.adapters.langchain.cache import LeanLoopCache
from leanloop.adapters.langchain.callback import LeanLoopCallback
from leanloop.adapters.langchain.middleware import LeanLoop
from leanloop.adapters.langchain.wrap import wrap
from leanloop.adapters.langchain.wrap_tool import wrap_tool

__all__ = ["LeanLoop", "LeanLoopCache", "LeanLoopCallback", "wrap", "wrap_tool"]
