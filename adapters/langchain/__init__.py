"""LangChain and LangGraph (extra: ``langchain``)."""

from __future__ import annotations

from importlib.util import find_spec

from leanloop.errors import MissingExtra

if find_spec("langchain") is None:
    raise MissingExtra("langchain", "langchain")
