"""What is said of a mistake in code, a store that fails, a task that stops: mistakes.txt has it word for word.

A mistake is a function of a folder of its own; ``FOLDER`` stands for that folder in the text.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import tool
from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer

import leanloop
from leanloop import (
    Budget,
    LeanLoopError,
    Limit,
    Message,
    ModelCall,
    ModelReply,
    Task,
    ToolRequest,
    ToolSpec,
    Usage,
    parse_budget,
)
from leanloop.adapters import langchain, llama_index
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.stores import open_store
from leanloop.plugins.cache.embedder import CallableEmbedder
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import Plugin
from leanloop.plugins.stack import Stack

Mistake = Callable[[Path], object]


def wrong(value: object) -> Any:
    """What its type does not allow, as an untyped program gives it."""
    return value


async def awaited(_: object) -> None:
    """A hook that nobody would await."""


@tool
def search(q: str) -> str:
    """Search."""
    return q


CODE: Mapping[str, Mistake] = {
    "LeanLoop of a path": lambda _: langchain.LeanLoop(wrong("budgets/support.yaml")),
    "LeanLoop with an on_alert that is awaited": lambda _: langchain.LeanLoop(on_alert=awaited),
    "LeanLoop with an on_event that is no function": lambda _: langchain.LeanLoop(on_event=wrong("events.jsonl")),
    "LeanLoop with a model that is none": lambda _: langchain.LeanLoop(models={"gpt-5": wrong("gpt-5")}),
    "LeanLoop with a cognitive tool that is none": lambda _: langchain.LeanLoop(cognitive_tools=[wrong(search)]),
    "LeanLoop with an embedder that is none": lambda _: langchain.LeanLoop(
        parse_budget("agent: a\ncache: on", environ={}), embedder=wrong("ada-2")
    ),
    "LangChain: wrap a function": lambda _: langchain.wrap(wrong(search)),
    "LangChain: wrap_tool of a function": lambda _: langchain.wrap_tool(wrong(len)),
    "LangChain: documents of no tokens": lambda _: langchain.LeanLoop().documents(tokens=0),
    "LangChain: documents of more than all": lambda _: langchain.LeanLoop().documents(share=2),
    "LangChain: no cache in the file": lambda _: langchain.LeanLoopCache(Budget(agent="a")),
    "LlamaIndex: llm of a name": lambda _: llama_index.LeanLoop().llm(wrong("gpt-5")),
    "LlamaIndex: agent of a name": lambda _: llama_index.LeanLoop().agent(wrong("support")),
    "LlamaIndex: tools that are functions": lambda _: llama_index.LeanLoop().tools([wrong(len)]),
    "LlamaIndex: query_engine of an index": lambda _: llama_index.LeanLoop().query_engine(wrong(object())),
    "LlamaIndex: tools that are one": lambda _: llama_index.LeanLoop().tools(wrong(llama_index.LeanLoop().read_result)),
    "LlamaIndex: query_engine of a chat engine": lambda _: llama_index.LeanLoop().query_engine(
        wrong(SimpleChatEngine(llm=MockLLM(), memory=ChatMemoryBuffer(token_limit=99), prefix_messages=[]))
    ),
    "LlamaIndex: a run told a name": lambda _: wrong(llama_index.LeanLoop().agent(ReActAgent(llm=MockLLM()))).run(
        user_msg="hi", leanloop="u1"
    ),
    "LlamaIndex: embedding of a name": lambda _: llama_index.LeanLoop().embedding(wrong("ada-2")),
    "LlamaIndex: postprocessor of no share": lambda _: llama_index.LeanLoop().postprocessor(share=0),
    "an embedder without a name": lambda _: CallableEmbedder(wrong(len), name=""),
    "a tag that is a number": lambda _: Task(Budget(agent="a"), tags={"user": wrong(7)}),
    "a step without a name": lambda _: leanloop.step("").__enter__(),
    "an outcome of 7 of 10": lambda _: leanloop.outcome("t1", 7, store="memory"),
    "an outcome of nowhere": lambda _: leanloop.outcome("t1", True),
    "an outcome of an unknown task": lambda _: leanloop.outcome("t1", True, store="memory"),
    "a plugin that yields a text": lambda _: run(
        Stack([Yielding()]).model_flow(CALL, Task(Budget(agent="a"))), answered
    ),
}

STORES: Mapping[str, Mistake] = {
    "a store of another kind": lambda _: open_store("postgres://u:hunter2@host/db"),
    "a store in SQLite with two slashes": lambda _: open_store("sqlite://ledger.db"),
    "a store in SQLite with an unknown option": lambda _: open_store("sqlite:///ledger.db?mode=ro"),
    "a store in SQLite with no time to wait": lambda _: open_store("sqlite:///ledger.db?timeout=soon"),
    "a store in Redis with a port that is none": lambda _: open_store("redis://u:hunter2@host:port/0"),
    "a ledger in a folder that is not there": lambda folder: balances(SqliteStore(folder / "absent" / "ledger.db")),
    "a ledger that is a folder": lambda folder: balances(SqliteStore(folder)),
    "a ledger that is a text": lambda folder: balances(SqliteStore(written(folder / "notes.txt", "hello " * 500))),
    "a ledger of another program": lambda folder: balances(SqliteStore(others(folder / "shop.db"))),
    "a ledger of a later release": lambda folder: balances(SqliteStore(later(folder / "ledger.db"))),
    "a Redis that is not there": lambda _: balances(RedisStore("redis://u:hunter2@127.0.0.1:1/0")),
}

STOPS: Mapping[str, Mistake] = {
    "no room for the call": lambda _: stopped("limits:\n- {per: task, usd: 0.0001}"),
    "no room for the user": lambda _: stopped("limits:\n- {per: day, scope: user, tokens: 500}"),
    "no cycle left": lambda _: stopped("limits:\n- {per: task, cycles: 2}"),
    "no call left": lambda _: stopped("limits:\n- {per: task, model_calls: 1}"),
    "no time left": lambda _: stopped("limits:\n- {per: task, seconds: 0}"),
    "a loop": lambda _: stopped("limits:\n- {per: task, cycles: 50}\nloop: {repeats: 2, window: 6}", CIRCLES),
    "a price that is not known": lambda _: stopped(
        "limits:\n- {per: task, usd: 1}", ModelCall("my-model", CALL.messages)
    ),
    "a tag that is missing": lambda _: stopped("limits:\n- {per: day, scope: tenant, usd: 1}"),
    "two stores in one task": lambda folder: nested(folder),  # noqa: PLW0108 it stands below
    "a ledger that cannot be reached": lambda _: stopped("store: redis://u:hunter2@127.0.0.1:1/0\nlimits:\n- {usd: 1}"),
}

CALL: ModelCall = ModelCall("gpt-4o-mini", (Message("user", "word " * 2_000),), max_output=100)
CIRCLES: ModelCall = ModelCall(
    "gpt-4o-mini",
    (
        Message("user", "Where?"),
        *(
            message
            for n in range(5)
            for message in (
                Message("assistant", "", tool_calls=(ToolRequest(f"call_{n}", "search", '{"q": "x"}'),)),
                Message("tool", "nothing", tool_call_id=f"call_{n}"),
            )
        ),
    ),
    tools=(ToolSpec("search"),),
    max_output=10,
)


class Yielding(Plugin):
    """A plugin of somebody's that does not keep to the rules."""

    def on_model(self, call: ModelCall, task: Task) -> Any:
        """Yield what is no call."""
        yield "call"


def answered(call: ModelCall) -> ModelReply:
    return ModelReply(Message("assistant", f"You asked {call.model}."), Usage(10, 5))


def stopped(text: str, call: ModelCall = CALL) -> None:
    budget = parse_budget(f"agent: support\nat_limit: raise\n{text}", file="support.yaml", environ={})
    task = Task(budget, tags={"user": "u1"})
    for _ in range(4):
        run(Stack().model_flow(call, task), answered)


def nested(folder: Path) -> None:
    whole = Budget(agent="support", store=f"sqlite:///{folder}/a.db", limits=(Limit(tokens=5),))
    part = Budget(agent="search", store=f"sqlite:///{folder}/b.db", limits=(Limit(tokens=5),))
    with leanloop.task(whole), leanloop.task(part):
        raise AssertionError("unreachable")


def balances(store: SqliteStore | RedisStore) -> None:
    store.balances([("task:t1", "usd")])


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def others(path: Path) -> Path:
    with sqlite3.connect(path) as shop:
        shop.execute("CREATE TABLE orders (id)")
    shop.close()
    return path


def later(path: Path) -> Path:
    store = SqliteStore(path)
    store.balances([])
    store.close()
    with sqlite3.connect(path) as ledger:
        ledger.execute("PRAGMA user_version = 99")
    ledger.close()
    return path


TEXT = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8")
SAID = dict(re.findall(r"^# (.+)\n((?:(?!# ).*\n)+)", TEXT, flags=re.MULTILINE))
MISTAKES = {**CODE, **STORES, **STOPS}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_says_what_happened_the_numbers_and_the_way_out(name: str, tmp_path: Path) -> None:
    with pytest.raises(LeanLoopError) as caught:
        MISTAKES[name](tmp_path)
    said = re.sub(r"Error \d+ connecting", "Error N connecting", str(caught.value))  # of the operating system
    said = re.sub(r"\b0\.\d+ seconds used", "0 seconds used", said)  # of the clock
    assert said.replace(str(tmp_path), "FOLDER") == SAID[name].strip()


def test_each_message_in_the_text_is_that_of_a_mistake() -> None:
    assert list(SAID) == list(MISTAKES)
    assert "hunter2" not in TEXT
