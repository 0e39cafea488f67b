"""Streams that LlamaIndex leaves open: the event loop closes every generator of them at once when it ends."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedTextLLM


class Town(BaseModel):
    """A town."""

    name: str


def test_a_structured_stream_closed_early_ends_without_an_error_and_is_counted(store: Any) -> None:
    llm = ScriptedTextLLM(script=['{"name": "Bern, and more words than anybody reads"}'])
    loop = LeanLoop(Budget(agent="a", limits=(Limit(tokens=100_000),)), store=store)
    problems: list[str] = []

    async def read_one() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: problems.append(told["message"]))
        stream = await loop.llm(llm).astream_structured_predict(Town, PromptTemplate("Which town?"))
        await anext(stream)
        await stream.aclose()  # LlamaIndex's own generator, which does not close what it reads

    with leanloop.task(loop.budget, store=store) as task:
        asyncio.run(read_one())
    assert problems == []
    assert task.receipt().model_calls == len(llm.seen) == 1
