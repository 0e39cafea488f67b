"""A call that has ended leaves nothing for the garbage collector: its messages go when the last of it is let go of."""

# create_agent's own annotations lack type arguments, and LlamaIndex leaves some out:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from llama_index.core.llms import ChatMessage

from leanloop import Budget, Limit, MemoryStore, ModelCall, ModelReply, Plugin, Task
from leanloop.adapters import langchain, llama_index
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.plugins.flow import ModelFlow

BUDGET = Budget(agent="a", limits=(Limit(tokens=100_000),))


class Watching(Plugin):
    """Knows which of the calls it saw are still there, by what only they refer to."""

    def __init__(self) -> None:
        self.seen: list[weakref.ref[Any]] = []

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        assert call.abilities is not None
        self.seen.append(weakref.ref(call.abilities))
        reply: ModelReply = yield call
        return reply

    def are_gone(self) -> bool:
        return bool(self.seen) and not any(one() for one in self.seen)


@pytest.fixture
def watching() -> Iterator[Watching]:
    gc.disable()
    yield Watching()
    gc.enable()


def test_of_a_langchain_agent(watching: Watching) -> None:
    loop = langchain.LeanLoop(BUDGET, store=MemoryStore(), plugins=[watching])
    agent: Any = create_agent(ScriptedModel(script=[AIMessage("yes")]), [], middleware=[loop])
    agent.invoke({"messages": [("user", "?")]})
    assert watching.are_gone()


def test_of_a_langchain_model(watching: Watching) -> None:
    loop = langchain.LeanLoop(BUDGET, store=MemoryStore(), plugins=[watching])
    langchain.wrap(ScriptedModel(script=[AIMessage("yes")]), loop).invoke("?")
    assert watching.are_gone()


def test_of_a_llama_index_llm(watching: Watching) -> None:
    loop = llama_index.LeanLoop(BUDGET, store=MemoryStore(), plugins=[watching])
    loop.llm(ScriptedLLM(script=["yes"])).chat([ChatMessage(content="?")])
    assert watching.are_gone()
