"""Embeddings under a budget, without any framework."""

from __future__ import annotations

import pytest

from leanloop import Budget, BudgetExceeded, Limit, MemoryStore, PriceUnknown
from leanloop.plugins.call import EmbedCall
from leanloop.plugins.drive_sync import run
from leanloop.plugins.embed import embed
from leanloop.plugins.task import Task

CALL = EmbedCall("text-embedding-3-small", ("hello world", "hello"), "openai")  # 3 tokens, by a public vocabulary


def made(task: Task, call: EmbedCall = CALL) -> object:
    return run(embed(call, task), lambda _: "vectors")


def task_with(limit: Limit, store: MemoryStore | None = None) -> Task:
    return Task(Budget(agent="a", limits=(limit,)), store=store or MemoryStore())


def test_tokens_and_cost_are_booked_apart_from_those_of_the_models() -> None:
    task = task_with(Limit(embedding_tokens=100, usd=1, tokens=0))
    assert made(task) == "vectors"
    receipt = task.receipt()
    assert (receipt.usage.total, receipt.model_calls) == (0, 0)
    (use,) = receipt.embeddings
    assert (use.model, use.calls, use.usage.input, use.cost) == ("text-embedding-3-small", 1, 3, 60)
    assert receipt.cost == 60
    assert receipt.as_dict()["embeddings"] == [
        {
            "model": "text-embedding-3-small",
            "calls": 1,
            "tokens": 3,
            "estimated": True,
            "usd": "0.00000006",
            "price": use.price_version,
        }
    ]
    assert "3 embedding tokens by text-embedding-3-small" in str(receipt)


def test_what_does_not_fit_is_not_made_and_stops_the_task() -> None:
    task = task_with(Limit(embedding_tokens=5))
    made(task)
    with pytest.raises(BudgetExceeded, match="The limit of 5 embedding tokens for this task is reached: 3"):
        made(task)
    with pytest.raises(BudgetExceeded):
        made(task, EmbedCall("text-embedding-3-small", ("a",)))


def test_a_call_that_may_have_been_billed_is_booked_at_its_upper_bound() -> None:
    task = task_with(Limit(embedding_tokens=100))

    def failing(_: EmbedCall) -> object:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        run(embed(EmbedCall("voyage-3", ("hello world",)), task), failing)
    (use,) = task.receipt().embeddings
    assert use.usage.input == 5  # twice what is counted and more: this vocabulary is not public


def test_a_call_that_was_never_billed_is_given_back() -> None:
    task = task_with(Limit(embedding_tokens=3))

    def refused(_: EmbedCall) -> object:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        run(embed(CALL, task), refused)
    assert made(task) == "vectors"


def test_a_model_without_a_price_is_refused_under_a_limit_of_money_only() -> None:
    unknown = EmbedCall("nobody-knows", ("a",))
    with pytest.raises(PriceUnknown, match="nobody-knows"):
        made(task_with(Limit(usd=1)), unknown)
    task = task_with(Limit(embedding_tokens=10))
    made(task, unknown)
    assert task.receipt().cost is None
    free = Budget.model_validate(
        {"agent": "a", "limits": [{"usd": 0}], "prices": {"nobody-knows": {"input": 0, "output": 0}}}
    )
    assert made(Task(free), unknown) == "vectors"
