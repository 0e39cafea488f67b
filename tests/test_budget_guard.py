"""The budget around each call: what is reserved, lowered, refused, booked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import leanloop
from leanloop import (
    Budget,
    BudgetExceeded,
    Limit,
    MemoryStore,
    Message,
    ModelCall,
    ModelReply,
    PriceUnknown,
    Task,
    ToolCall,
    ToolRequest,
    ToolResult,
    Usage,
)
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run

GUARD = BudgetGuard()
HI = (Message("user", "hi"),)
CALL = ModelCall("gpt-4o-mini", HI)
MINI = (150, 600)
"""Nano-dollars of an input and an output token of gpt-4o-mini."""

Reserved = Callable[[], Mapping[tuple[str, str], int]]


def budget(*limits: Limit, **more: Any) -> Budget:
    return Budget.model_validate({"agent": "a", "limits": limits, "at_limit": "raise", **more})


def replies(usage: Usage | None, text: str = "done") -> Callable[[ModelCall], ModelReply]:
    return lambda call: ModelReply(Message("assistant", text), usage)


def ask(task: Task, usage: Usage | None = Usage(10, 5), call: ModelCall = CALL) -> ModelCall:  # noqa: B008 it is frozen
    """Make `call`; gives what reached the model."""
    sent: list[ModelCall] = []

    def send(call: ModelCall) -> ModelReply:
        sent.append(call)
        return ModelReply(Message("assistant", "done"), usage)

    run(GUARD.on_model(call, task), send)
    return sent[0]


def spent(task: Task, resource: str) -> int:
    return task.store.balances([(f"task:{task.id}", resource)])[0].spent


# What is reserved and booked.


def test_what_the_provider_reports_is_booked(ledger: MemoryStore) -> None:
    limit = Limit(tokens=10_000, input_tokens=10_000, output_tokens=9_000, usd=Decimal(1), model_calls=3)
    with leanloop.task(budget(limit), store=ledger) as task:
        ask(task, Usage(100, 20, cached_input=60, reasoning=7))
        assert {resource: spent(task, resource) for resource in limit.amounts()} == {
            "tokens": 120,
            "input_tokens": 100,
            "output_tokens": 20,
            "usd": 40 * 150 + 60 * 75 + 20 * 600,
            "model_calls": 1,
        }
        receipt = task.receipt()
        assert receipt.usage == Usage(100, 20, cached_input=60, reasoning=7)
        assert receipt.cost == spent(task, "usd")
        assert {use.resource: use.spent for use in receipt.limits} == {r: spent(task, r) for r in limit.amounts()}


def test_while_a_call_is_made_its_worst_case_is_set_aside(ledger: MemoryStore, reserved: Reserved) -> None:
    seen: list[Mapping[tuple[str, str], int]] = []

    def send(call: ModelCall) -> ModelReply:
        seen.append(reserved())
        return ModelReply(Message("assistant", "x"), Usage(8, 1))

    with leanloop.task(budget(Limit(usd=Decimal(1), tokens=20_000)), store=ledger) as task:
        run(GUARD.on_model(CALL, task), send)
        (worst,) = seen
        tokens = worst[f"task:{task.id}", "tokens"]
        assert tokens - 8_192 in range(8, 500)
        assert worst[f"task:{task.id}", "usd"] == (tokens - 8_192) * MINI[0] + 8_192 * MINI[1]


@pytest.mark.parametrize(
    "usage",
    [
        None,
        Usage(-5, 3),
        Usage(5, -3),
        Usage(5, 3, cached_input=9),
        Usage(5, 3, reasoning=4),
        Usage(10**18, 3),
        Usage(5, 10**9),
    ],
)
def test_usage_that_is_missing_or_cannot_be_is_counted(ledger: MemoryStore, usage: Usage | None) -> None:
    with leanloop.task(budget(Limit(tokens=20_000)), store=ledger) as task:
        run(GUARD.on_model(CALL, task), replies(usage, "three more words"))
        booked = task.receipt().usage
        assert booked.estimated
        assert booked.output == 3
        assert booked.input > 0
        assert spent(task, "tokens") == booked.total


def test_tool_calls_of_a_reply_without_usage_are_counted_too(ledger: MemoryStore) -> None:
    reply = ModelReply(Message("assistant", "", (ToolRequest("1", "search", '{"query": "the answer"}'),)))
    with leanloop.task(budget(Limit(tokens=20_000)), store=ledger) as task:
        run(GUARD.on_model(CALL, task), lambda call: reply)
        assert task.receipt().usage.output > 8


# The cap.


def test_the_cap_is_lowered_before_a_call_is_refused(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(output_tokens=1_000)), store=ledger) as task:
        assert ask(task, Usage(10, 900)).max_output == 1_000
        assert ask(task, Usage(10, 36)).max_output == 100
        assert ask(task, Usage(10, 64)).max_output == 64
        with pytest.raises(BudgetExceeded, match="1,000 output tokens"):
            ask(task)


def test_a_cap_is_never_raised(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(output_tokens=1_000)), store=ledger) as task:
        assert ask(task, call=ModelCall("gpt-4o-mini", HI, max_output=50)).max_output == 50


def test_a_call_that_needs_more_than_is_left_is_refused_whole(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(output_tokens=1_000)), store=ledger) as task:
        with pytest.raises(BudgetExceeded) as caught:
            ask(task, call=ModelCall("gpt-4o-mini", HI, max_output=4_000, min_output=1_001))
        assert (caught.value.needed, caught.value.limit) == (1_001, 1_000)


@pytest.mark.parametrize("limit", [Limit(cycles=5), Limit(model_calls=5), Limit(input_tokens=500), Limit(tool_calls=5)])
def test_no_cap_is_sent_where_no_limit_depends_on_it(ledger: MemoryStore, limit: Limit) -> None:
    with leanloop.task(budget(limit), store=ledger) as task:
        assert ask(task) is CALL


def test_the_files_own_cap_is_always_sent(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(cycles=5), max_output=300), store=ledger) as task:
        assert ask(task).max_output == 300
        assert ask(task, call=ModelCall("gpt-4o-mini", HI, max_output=200)).max_output == 200
        assert ask(task, call=ModelCall("gpt-4o-mini", HI, max_output=400)).max_output == 300


# Refusals.


def test_a_budget_of_zero_makes_no_call(ledger: MemoryStore) -> None:
    for limit in (Limit(usd=Decimal(0)), Limit(tokens=0), Limit(model_calls=0), Limit(seconds=Decimal(0))):
        with leanloop.task(budget(limit), store=ledger) as task:
            with pytest.raises(BudgetExceeded) as caught:
                ask(task)
            assert (caught.value.limit, caught.value.spent > 0) == (0, False)
            assert task.receipt().model_calls == 0


def test_a_refusal_says_what_is_used_and_what_to_change(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(model_calls=1)), store=ledger) as task:
        ask(task)
        with pytest.raises(BudgetExceeded) as caught:
            ask(task)
        error = caught.value
        assert (error.resource, error.scope, error.limit, error.spent, error.needed) == (
            "model_calls",
            "this task",
            1,
            1,
            1,
        )
        assert error.reason == (
            "The limit of 1 model call for this task is reached: 1 model call used, 1 model call needed to go on."
        )
        assert str(error) == f"{error.reason} Raise model_calls under limits in the budget of agent 'a'."


def test_a_refusal_is_for_all_later_calls_also_smaller_ones(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(tokens=1_000)), store=ledger) as task:
        with pytest.raises(BudgetExceeded) as first:
            ask(task, call=ModelCall("gpt-4o-mini", (Message("user", "word " * 2_000),)))
        for _ in range(2):
            with pytest.raises(BudgetExceeded) as later:
                ask(task)
            assert later.value is first.value
        assert task.receipt().stopped == first.value.reason


def test_a_refusal_of_the_parent_is_for_all_its_children(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(model_calls=1)), store=ledger) as parent:
        with leanloop.task(budget(Limit(cycles=9)), store=ledger) as child:
            ask(child)
            with pytest.raises(BudgetExceeded):
                ask(child)
            assert parent.stopped is child.stopped is not None
        with leanloop.task(budget(Limit(cycles=9)), store=ledger) as sibling, pytest.raises(BudgetExceeded):
            ask(sibling)


def test_a_refusal_of_a_child_is_its_own(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(model_calls=5)), store=ledger) as parent:
        with leanloop.task(budget(Limit(model_calls=1)), store=ledger) as child:
            ask(child)
            with pytest.raises(BudgetExceeded):
                ask(child)
        assert parent.stopped is None
        ask(parent)
        assert parent.receipt().model_calls == 2


def test_what_a_child_spends_is_on_every_receipt_above(ledger: MemoryStore) -> None:
    with (
        leanloop.task(budget(Limit(tokens=50_000)), store=ledger) as grandparent,
        leanloop.task(budget(Limit(cycles=5)), store=ledger) as parent,
        leanloop.task(budget(Limit(tokens=40_000)), store=ledger) as child,
    ):
        ask(child, Usage(100, 11))
        assert [member.receipt().usage.total for member in (child, parent, grandparent)] == [111] * 3
        assert [spent(member, "tokens") for member in (child, parent, grandparent)] == [111, 0, 111]


def test_parallel_children_never_spend_more_than_their_parent_has(ledger: MemoryStore) -> None:
    calls: list[ModelCall] = []

    def work(parent: Task) -> None:
        child = Task(budget(Limit(usd=Decimal(1))), parent=parent)

        def send(call: ModelCall) -> ModelReply:
            calls.append(call)
            return ModelReply(Message("assistant", "x"), Usage(8, call.max_output or 0))

        for _ in range(10):
            try:
                run(GUARD.on_model(ModelCall("gpt-4o-mini", HI, max_output=500), child), send)
            except BudgetExceeded:
                return

    with leanloop.task(budget(Limit(usd=Decimal("0.002"))), store=ledger) as parent:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(work, [parent] * 16))
        assert 0 < spent(parent, "usd") <= 2_000_000
        assert 6 <= len(calls) <= 12
        assert parent.receipt().cost == spent(parent, "usd")


async def test_of_twenty_parallel_calls_those_that_fit_are_made(ledger: MemoryStore) -> None:
    """20 calls of $0.0125 on $0.05: 4 are billed, never 5."""
    prices = {"m": ModelPriceEntry(input=Decimal(0), output=Decimal(125))}
    call = ModelCall("m", HI, max_output=100, min_output=100)

    async def send(call: ModelCall) -> ModelReply:
        await asyncio.sleep(0)
        return ModelReply(Message("assistant", "x"), Usage(8, 100))

    with leanloop.task(budget(Limit(usd=Decimal("0.05")), prices=prices), store=ledger) as task:
        outcomes = await asyncio.gather(
            *(arun(GUARD.on_model(call, task), send) for _ in range(20)), return_exceptions=True
        )
        assert sum(isinstance(outcome, ModelReply) for outcome in outcomes) == 4
        assert sum(isinstance(outcome, BudgetExceeded) for outcome in outcomes) == 16
        assert spent(task, "usd") == 50_000_000


def test_a_limit_of_a_user_is_shared_by_all_the_users_tasks(ledger: MemoryStore) -> None:
    daily = budget(Limit(per="day", scope="user", model_calls=2))
    for _ in range(2):
        with leanloop.task(daily, store=ledger, tags={"user": "u1"}) as task:
            ask(task)
    with leanloop.task(daily, store=ledger, tags={"user": "u1"}) as task:
        with pytest.raises(BudgetExceeded) as caught:
            ask(task)
        assert caught.value.scope == "user=u1 per day"
    with leanloop.task(daily, store=ledger, tags={"user": "u2"}) as task:
        ask(task)


# Prices.


def test_a_model_without_a_price_is_refused_where_money_is_limited(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(usd=Decimal(1))), store=ledger) as task:
        with pytest.raises(PriceUnknown, match="nobody-knows-me"):
            ask(task, call=ModelCall("nobody-knows-me", HI))
        assert task.stopped is None


def test_also_where_an_ancestor_limits_it(ledger: MemoryStore) -> None:
    with (
        leanloop.task(budget(Limit(per="day", usd=Decimal(1))), store=ledger),
        leanloop.task(budget(Limit(cycles=5)), store=ledger) as child,
        pytest.raises(PriceUnknown),
    ):
        ask(child, call=ModelCall("nobody-knows-me", HI))


def test_elsewhere_it_runs_and_its_cost_is_unknown_not_nothing(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(tokens=20_000)), store=ledger) as task:
        ask(task)
        assert task.receipt().cost == 10 * MINI[0] + 5 * MINI[1]
        ask(task, call=ModelCall("nobody-knows-me", HI))
        assert task.receipt().cost is None
        assert [use.price_version for use in task.receipt().models][1] == "no price"


# Money: whatever the price, the limit and the usage within what was granted, never more than the limit.

PRICES = st.decimals(0, 1_000, places=4, allow_nan=False)


@settings(deadline=None, max_examples=150)
@given(
    entry=st.builds(
        ModelPriceEntry,
        input=PRICES,
        output=PRICES,
        cached_input=st.none() | PRICES,
        cache_write=st.none() | PRICES,
        reasoning=st.none() | PRICES,
    ),
    usd=st.decimals(0, 1, places=9, allow_nan=False),
    tokens=st.integers(0, 30_000),
    shares=st.lists(st.tuples(*[st.integers(0, 100)] * 5), min_size=1, max_size=8),
    at_limit=st.sampled_from(["land", "raise"]),
)
def test_never_more_than_the_limit(
    entry: ModelPriceEntry, usd: Decimal, tokens: int, shares: list[tuple[int, ...]], at_limit: str
) -> None:
    store = MemoryStore()
    limits = Limit(usd=usd, tokens=tokens)
    with leanloop.task(budget(limits, prices={"priced-here": entry}, at_limit=at_limit), store=store) as task:
        keys = [(f"task:{task.id}", "usd"), (f"task:{task.id}", "tokens")]

        def check() -> None:
            for key, balance in zip(keys, store.balances(keys), strict=True):
                assert 0 <= balance.spent + balance.reserved <= limits.amounts()[key[1]]

        for part_in, part_out, cached, written, reasoning in shares:

            def send(
                call: ModelCall, shares: tuple[int, ...] = (part_in, part_out, cached, written, reasoning)
            ) -> ModelReply:
                check()
                size, output = 10 * shares[0] // 100, (call.max_output or 0) * shares[1] // 100
                read = size * shares[2] // 100
                usage = Usage(size, output, read, (size - read) * shares[3] // 100, output * shares[4] // 100)
                assert usage.plausible
                return ModelReply(Message("assistant", "x"), usage)

            with suppress(BudgetExceeded):
                run(GUARD.on_model(ModelCall("priced-here", HI), task), send)
            check()
        assert task.receipt().cost == store.balances(keys)[0].spent


# Tools.


def use(task: Task, name: str = "search") -> ToolResult:
    return run(GUARD.on_tool(ToolCall("1", name, "{}"), task), lambda call: ToolResult(f"ran {call.name}"))


def test_a_tool_past_its_own_limit_is_answered_and_the_task_goes_on(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(tool_calls={"search": 1}), at_limit="land"), store=ledger) as task:
        assert use(task) == ToolResult("ran search")
        refusal = use(task)
        assert refusal.is_error
        assert refusal.text == (
            "Not run. The limit of 1 call of search for this task is reached: 1 call of search used, "
            "1 call of search needed to go on. Go on without it."
        )
        assert use(task, "read") == ToolResult("ran read")
        assert task.stopped is None
        assert task.receipt().tool_calls == {"search": 1, "read": 1}


def test_one_past_the_limit_of_all_tools_stops_the_task(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(tool_calls=1), at_limit="land"), store=ledger) as task:
        use(task)
        assert use(task).text.endswith("Answer with what you have.")
        assert task.stopped is not None
        assert use(task, "read").is_error
        with pytest.raises(BudgetExceeded):
            ask(task)


@pytest.mark.parametrize("limit", [Limit(tool_calls={"search": 1}), Limit(tool_calls=1)])
def test_with_raise_a_tool_past_a_limit_raises(ledger: MemoryStore, limit: Limit) -> None:
    with leanloop.task(budget(limit), store=ledger) as task:
        use(task)
        with pytest.raises(BudgetExceeded):
            use(task)


def test_a_stopped_task_calls_no_tools(ledger: MemoryStore) -> None:
    for at_limit in ("land", "raise"):
        with leanloop.task(budget(Limit(model_calls=1), at_limit=at_limit), store=ledger) as task:
            task.stop(BudgetExceeded("Out.", resource="usd", scope="s", limit=1, spent=1, reserved=0, needed=1))
            if at_limit == "raise":
                with pytest.raises(BudgetExceeded, match="Out"):
                    use(task)
            else:
                assert use(task) == ToolResult("Not run. Out. Answer with what you have.", is_error=True)
            assert task.receipt().tool_calls == {}


def test_a_tools_count_is_taken_from_the_parent_too(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(tool_calls={"search": 1}), at_limit="land"), store=ledger) as parent:
        with leanloop.task(budget(Limit(cycles=5), at_limit="land"), store=ledger) as child:
            use(child)
            assert use(child).is_error
        assert use(parent).is_error
        assert parent.receipt().tool_calls == {"search": 1}


def test_a_stop_inside_a_tool_is_its_result_where_the_task_lands(ledger: MemoryStore) -> None:
    stop = BudgetExceeded("The sub-agent ran out.", resource="usd", scope="s", limit=1, spent=1, reserved=0, needed=1)

    def send(call: ToolCall) -> ToolResult:
        raise stop

    with leanloop.task(budget(Limit(tool_calls=5), at_limit="land"), store=ledger) as task:
        result = run(GUARD.on_tool(ToolCall("1", "ask", "{}"), task), send)
        assert result == ToolResult("Stopped before it was done. The sub-agent ran out.", is_error=True)
        assert task.receipt().tool_calls == {"ask": 1}
    with leanloop.task(budget(Limit(tool_calls=5)), store=ledger) as task, pytest.raises(BudgetExceeded) as caught:
        run(GUARD.on_tool(ToolCall("1", "ask", "{}"), task), send)
    assert caught.value is stop


# Time.


class Clock:
    """Stands for `time.monotonic`."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("leanloop.plugins.stopwatch.time.monotonic", clock)
    return clock


def test_a_task_runs_as_long_as_its_seconds_allow(ledger: MemoryStore, clock: Clock) -> None:
    with leanloop.task(budget(Limit(seconds=Decimal("1.5"))), store=ledger) as task:
        clock.now += 1.25
        ask(task)
        clock.now += 0.5
        with pytest.raises(BudgetExceeded) as caught:
            ask(task)
        assert caught.value.reason == "The limit of 1.5 seconds for this task is reached: 1.75 seconds used."
        assert task.stopped is caught.value


def test_time_spent_waiting_for_a_person_does_not_count(ledger: MemoryStore, clock: Clock) -> None:
    with leanloop.task(budget(Limit(seconds=Decimal(2))), store=ledger) as task:
        clock.now += 1
        task.clock.pause()
        task.clock.pause()
        clock.now += 3_600
        task.clock.resume()
        task.clock.resume()
        clock.now += 0.5
        assert task.seconds == 1.5
        ask(task)
        clock.now += 0.5
        with pytest.raises(BudgetExceeded):
            ask(task)


def test_the_parents_time_runs_for_the_child_too(ledger: MemoryStore, clock: Clock) -> None:
    with leanloop.task(budget(Limit(seconds=Decimal(10))), store=ledger) as parent:
        clock.now += 9
        with leanloop.task(budget(Limit(seconds=Decimal(10))), store=ledger) as child:
            ask(child)
            clock.now += 1
            with pytest.raises(BudgetExceeded):
                ask(child)
            assert child.stopped is parent.stopped


# Cycles.


def test_a_cycle_is_paid_once_however_often_its_call_is_tried(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(cycles=2)), store=ledger) as task:
        for _ in range(2):
            task.cycles.begin()
            ask(task)
            ask(task)
        assert spent(task, "cycles") == 2
        task.cycles.begin()
        for _ in range(2):
            with pytest.raises(BudgetExceeded, match="2 cycles"):
                ask(task)
        assert spent(task, "cycles") == 2


def test_a_cycle_whose_call_was_turned_away_is_paid_by_the_next_try(ledger: MemoryStore) -> None:
    class Overloaded(Exception):
        status_code = 429

    def overloaded(_: ModelCall) -> ModelReply:
        raise Overloaded

    with leanloop.task(budget(Limit(cycles=2)), store=ledger) as task:
        for cycle in range(2):
            task.cycles.begin()
            with pytest.raises(Overloaded):
                run(GUARD.on_model(CALL, task), overloaded)
            assert spent(task, "cycles") == cycle
            ask(task)
            assert spent(task, "cycles") == cycle + 1
        task.cycles.begin()
        with pytest.raises(BudgetExceeded):
            ask(task)


def test_the_counter_learns_from_what_is_reported(ledger: MemoryStore) -> None:
    call = ModelCall("some-model-nobody-counts-exactly", (Message("user", "word " * 1_000),))
    with leanloop.task(budget(Limit(input_tokens=100_000)), store=ledger) as task:
        ask(task, Usage(4_000, 1), call=call)
        run(GUARD.on_model(call, task), replies(None))
        first, second = 4_000, task.receipt().usage.input - 4_000
        assert 1_000 < second < first
