"""Agents over ledgers that outlive the process: what they spend is found there, and no event loop waits for it."""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import MockEmbedding
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock

from leanloop import Budget, parse_budget
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.budgets.books import Account
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.stores import open_store

PLAIN = ("reserve", "settle", "release", "renew", "balances")

ADDRESSES = [
    pytest.param("sqlite", marks=pytest.mark.sqlite),
    pytest.param("redis", marks=pytest.mark.redis),
]


@pytest.fixture(params=ADDRESSES)
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """Where each kind of ledger is. At the end nothing may stay set aside, and no event loop may have been blocked."""
    blocked: list[str] = []

    def watched(kind: type, name: str) -> Any:
        method = getattr(kind, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            with suppress(RuntimeError):
                asyncio.get_running_loop()
                blocked.append(name)
            return method(*args, **kwargs)

        return call

    for kind in (SqliteStore, RedisStore):
        for name in PLAIN:
            monkeypatch.setattr(kind, name, watched(kind, name))
    monkeypatch.setattr("leanloop.budgets.stores._open", {})
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
    else:
        url = f"{request.getfixturevalue('one_redis').url()}?prefix={tmp_path.name}"
    yield url
    assert [one for one in books(url) if one.balance.reserved] == [], "set aside for nobody"
    assert blocked == []
    open_store(url).close()


def books(address: str) -> list[Account]:
    store = open_store(address)
    assert isinstance(store, SqliteStore | RedisStore)
    return list(store.accounts())


def spent(address: str, resource: str) -> dict[str, int]:
    """What each limit over a day has spent."""
    found = [one for one in books(address) if one.resource == resource and "day" in one.account]
    return {one.account: one.balance.spent for one in found}


def budget(address: str, limits: str, agent: str = "a") -> Budget:
    return parse_budget(f"agent: {agent}\nstore: {address}\nlimits: [{limits}]\n", environ={})


def on_and_on(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
    """Looks things up as long as it may."""
    done = sum(message.role == MessageRole.TOOL for message in messages)
    call = ToolCallBlock(tool_call_id=f"c{done}", tool_name="look_up", tool_kwargs={"what": f"topic {done}"})
    may_call = settings.get("tools") and settings.get("tool_choice") != "none"
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call if may_call else TextBlock(text="answer")])


def look_up(what: str) -> str:
    """Look something up."""
    return f"what is known of {what}"


def searcher(**settings: Any) -> FunctionAgent:
    return FunctionAgent(llm=ScriptedLLM(script=on_and_on), tools=[look_up], **settings)


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
async def test_runs_at_once_share_a_users_day_which_is_never_overspent(address: str, streaming: bool) -> None:
    loop = LeanLoop(budget(address, "{per: day, scope: user, model_calls: 20}, {model_calls: 6}"))
    agent = loop.agent(searcher(streaming=streaming))
    results = await asyncio.gather(*(agent.run("go", leanloop={"user": f"u{n % 2}"}) for n in range(8)))
    assert all(result["leanloop"]["landed"] for result in results)
    days = spent(address, "model_calls")
    assert len(days) == 2
    assert all(0 < amount <= 20 for amount in days.values())
    assert sum(days.values()) == sum(result["leanloop"]["model_calls"] for result in results)


async def test_what_an_earlier_process_spent_counts(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = budget(address, "{per: day, model_calls: 5}")
    first = await LeanLoop(given).agent(searcher()).run("go")
    open_store(address).close()
    monkeypatch.setattr("leanloop.budgets.stores._open", {})
    second = await LeanLoop(given).agent(searcher()).run("go")
    calls = [result["leanloop"]["model_calls"] for result in (first, second)]
    assert sum(calls) == 5
    assert second["leanloop"]["stopped"]


async def test_agents_within_a_workflow_and_their_calls_beside_it_are_on_one_ledger(address: str) -> None:
    whole = LeanLoop(budget(address, "{per: day, model_calls: 50, embedding_tokens: 90}", agent="whole"))
    part = LeanLoop(budget(address, "{model_calls: 3}", agent="part"))
    worker = part.agent(searcher(name="worker", description="works"))
    flow = whole.agent(AgentWorkflow(agents=[worker], root_agent="worker"))
    result = await flow.run("go")
    assert result["leanloop"]["model_calls"] == 3
    assert (await whole.llm(ScriptedLLM(script=["yes"])).acomplete("?")).text == "yes"
    assert [chunk.delta async for chunk in await whole.llm(ScriptedLLM(script=["no"])).astream_complete("?")]
    assert await whole.embedding(MockEmbedding(embed_dim=2)).aget_text_embedding("a text")
    assert list(spent(address, "model_calls").values()) == [5]
    assert list(spent(address, "embedding_tokens").values()) == [2]


async def test_a_run_that_is_cancelled_leaves_nothing_set_aside(address: str) -> None:
    begun = asyncio.Event()

    async def wait(what: str) -> str:
        """Wait."""
        begun.set()
        await asyncio.Event().wait()
        return what

    agent = FunctionAgent(llm=ScriptedLLM(script=on_and_on), tools=[wait])
    agent.tools[0].metadata.name = "look_up"  # type: ignore[union-attr]
    handler = LeanLoop(budget(address, "{per: day, tokens: 90_000}")).agent(agent).run("go")
    await begun.wait()
    await handler.cancel_run()
    with suppress(Exception):
        await handler
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
    assert sum(spent(address, "tokens").values()) > 0
