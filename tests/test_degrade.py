"""Calls are made cheaper from a share of a limit on: when, for how long, and what is never made worse by it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import leanloop
from leanloop import (
    Alert,
    Budget,
    LoopDetected,
    MemoryStore,
    Message,
    ModelCall,
    ModelReply,
    ModelUnavailable,
    PriceUnknown,
    StoreError,
    Task,
    ToolRequest,
    Usage,
    parse_budget,
)
from leanloop.budgets.store import Balance, Demand, Grant, Refusal
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack
from leanloop.plugins.tally import Standing

STACK = Stack()
DAY = "agent: a\nloop: off\nlimits: [{per: day, model_calls: 10}]\n"
MONEY = "agent: a\nloop: off\nlimits: [{usd: 0.01}]\n"


def budget(text: str) -> Budget:
    return parse_budget(text, environ={})


class Model:
    """Answers every call with a tool call that costs a hundred tokens each way; `seen` are the calls."""

    def __init__(self, refuse: Callable[[ModelCall], BaseException | None] = lambda _: None) -> None:
        self.seen: list[ModelCall] = []
        self._refuse = refuse

    def __call__(self, call: ModelCall) -> ModelReply:
        self.seen.append(call)
        if (error := self._refuse(call)) is not None:
            raise error
        asked = () if call.purpose == "landing" else (ToolRequest("1", "search", "{}"),)
        return ModelReply(Message("assistant", "so", asked), Usage(100, min(100, call.max_output or 100)))

    @property
    def models(self) -> list[str]:
        return [call.model for call in self.seen]

    def steps(self, task: Task, count: int, **more: Any) -> None:
        for _ in range(count):
            run(STACK.model_flow(ModelCall("gpt-4o", (Message("user", "go"),), **more), task), self)


def test_from_the_share_on_the_cheaper_model_is_asked_and_no_step_is_taken_back(ledger: MemoryStore) -> None:
    model = Model()
    steps = "degrade: [{at: 30%, effort: medium}, {at: 50%, to: gpt-4o-mini}, {at: 80%, effort: low}]"
    with leanloop.task(budget(DAY + steps), store=ledger) as task:
        model.steps(task, 9)
    own, cheap = "gpt-4o", "gpt-4o-mini"
    assert [(call.model, call.effort) for call in model.seen] == [
        *[(own, None)] * 3,
        *[(own, "medium")] * 2,
        *[(cheap, "medium")] * 3,
        (cheap, "low"),
    ]
    assert [(use.model, use.calls) for use in task.receipt().models] == [(own, 5), (cheap, 4)]


def test_a_new_task_looks_at_the_day_before_its_first_call(ledger: MemoryStore) -> None:
    model = Model()
    given = budget(DAY + "degrade: {at: 50%, to: gpt-4o-mini}")
    with leanloop.task(given, store=ledger) as first:
        model.steps(first, 6)
    with leanloop.task(given, store=ledger) as second:
        model.steps(second, 1)
        model.steps(second, 1)
    assert model.models == ["gpt-4o"] * 5 + ["gpt-4o-mini"] * 3


class Watched(MemoryStore):
    """Knows what it was asked for beside calls, and does not always answer."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.looks: list[Sequence[tuple[str, str]]] = []
        self.fails = fails

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        self.looks.append(keys)
        if self.fails:
            raise StoreError("gone")
        return super().balances(keys)


async def test_the_look_is_taken_once_at_all_parts_of_a_window() -> None:
    store, model = Watched(), Model()

    async def send(call: ModelCall) -> ModelReply:
        return model(call)

    text = "agent: a\nloop: off\nlimits: [{per: day, model_calls: 10}, {per: day, rolling: true, tokens: 99_000}]\n"
    with leanloop.task(budget(text + "degrade: {to: gpt-4o-mini}"), store=store) as task:
        for _ in range(3):
            await arun(STACK.model_flow(ModelCall("gpt-4o", (Message("user", "go"),)), task), send)
    (keys,) = store.looks
    assert [resource for _, resource in keys].count("tokens") == 26
    assert [resource for _, resource in keys].count("model_calls") == 1


def test_without_a_window_or_a_use_for_it_nothing_is_looked_up() -> None:
    store = Watched()
    for text in (DAY + "notify: []", "agent: a\nloop: off\nlimits: [{cycles: 9}]\ndegrade: {to: gpt-4o-mini}"):
        with leanloop.task(budget(text), store=store) as task:
            Model().steps(task, 1)
    assert store.looks == []


def test_a_look_that_fails_is_left_to_the_reservation() -> None:
    store, model = Watched(fails=True), Model()
    with leanloop.task(budget(DAY + "degrade: {to: gpt-4o-mini}"), store=store) as task:
        model.steps(task, 2)
    assert model.models == ["gpt-4o"] * 2
    assert len(store.looks) == 1


def test_what_a_parent_has_spent_counts(ledger: MemoryStore) -> None:
    model = Model()
    with leanloop.task(budget("agent: p\nloop: off\nlimits: [{model_calls: 10}]"), store=ledger) as parent:
        model.steps(parent, 5)
        with leanloop.task(budget("agent: a\nlimits: [{cycles: 99}]\ndegrade: {at: 50%, to: gpt-4o-mini}")) as child:
            model.steps(child, 1)
        model.steps(parent, 1)
    assert model.models == ["gpt-4o"] * 5 + ["gpt-4o-mini", "gpt-4o"]


def test_a_call_there_is_no_money_for_takes_the_next_step_before_the_task_lands(ledger: MemoryStore) -> None:
    model = Model()
    with leanloop.task(
        budget(MONEY + "degrade: [{at: 98%, effort: low}, {at: 99%, to: gpt-4o-mini}]"), store=ledger
    ) as task:
        model.steps(task, 20)
    assert set(model.models[:4]) == {"gpt-4o"}
    assert set(model.models[6:]) == {"gpt-4o-mini"}
    assert model.seen[6].effort == "low"
    assert task.stopped is None


def test_a_limit_that_a_cheaper_model_does_not_help_against_lands_as_ever(ledger: MemoryStore) -> None:
    model = Model()
    text = "agent: a\nloop: off\nlimits: [{usd: 5, model_calls: 3}]\ndegrade: {at: 99%, to: gpt-4o-mini}"
    with leanloop.task(budget(text), store=ledger) as task:
        model.steps(task, 3)
    assert task.landed
    assert model.models == ["gpt-4o"] * 3
    assert task.degraded == 0


def test_where_even_the_cheapest_does_not_fit_the_task_lands(ledger: MemoryStore) -> None:
    model = Model()
    text = "agent: a\nloop: off\nlimits: [{usd: 0.003}]\ndegrade: [{at: 98%, to: gpt-4o}, {at: 99%, to: gpt-4o-mini}]"
    with leanloop.task(budget(text), store=ledger) as task:
        for _ in range(60):
            if task.landed:
                break
            model.steps(task, 1)
    assert task.landed
    assert model.seen[-1].model == "gpt-4o-mini"
    assert model.seen[-1].purpose == "landing"


def test_a_task_stopped_for_another_reason_takes_no_step(ledger: MemoryStore) -> None:
    with leanloop.task(budget(MONEY + "at_limit: raise\ndegrade: {to: gpt-4o-mini}"), store=ledger) as task:
        task.stop(LoopDetected("round and round"))
        with pytest.raises(LoopDetected):
            Model().steps(task, 1)
    assert task.degraded == 0


@pytest.mark.parametrize(
    ("at", "cheap", "steps", "landing"),
    [
        (20, "claude-haiku-4-5", ["gpt-4o", "claude-haiku-4-5", "claude-haiku-4-5"], "claude-haiku-4-5"),
        (75, "claude-haiku-4-5", ["gpt-4o"] * 3, "gpt-4o"),
        (75, "gpt-4o-mini", ["gpt-4o"] * 3, "gpt-4o-mini"),
    ],
)
def test_a_landing_goes_to_the_model_that_room_was_left_for(
    ledger: MemoryStore, at: int, cheap: str, steps: list[str], landing: str
) -> None:
    """Claude's tokenizer counts more tokens than OpenAI's, so a landing may need more with the cheaper model."""
    model = Model()
    text = f"agent: a\nloop: off\nlimits: [{{model_calls: 4}}]\ndegrade: {{at: {at}%, to: {cheap}}}"
    with leanloop.task(budget(text), store=ledger) as task:
        model.steps(task, 4)
    assert model.models == [*steps, landing]
    assert model.seen[-1].purpose == "landing"


def test_a_degraded_task_lands_with_an_answer_though_its_own_model_would_be_too_dear(ledger: MemoryStore) -> None:
    model = Model()
    text = "agent: a\nloop: off\nlimits: [{usd: 0.006}]\ndegrade: {at: 50%, to: claude-haiku-4-5}"
    with leanloop.task(budget(text), store=ledger) as task:
        for _ in range(60):
            if task.landed:
                break
            model.steps(task, 1)
    assert (model.seen[-1].purpose, model.seen[-1].model) == ("landing", "claude-haiku-4-5")


def test_a_dearer_model_is_left_alone_and_said_once(ledger: MemoryStore) -> None:
    alerts: list[Alert] = []
    model = Model()
    given = budget(DAY + "degrade: [{at: 20%, to: gpt-4o-mini}, {at: 40%, to: o1-pro}]")
    for _ in range(2):
        with leanloop.task(given, store=ledger, on_alert=alerts.append) as task:
            model.steps(task, 5)
    assert model.models == ["gpt-4o"] * 2 + ["gpt-4o-mini"] * 8
    (said,) = [alert.message for alert in alerts if alert.kind == "unavailable"]
    assert said == "Agent a: o1-pro does not take over from gpt-4o: it costs more than gpt-4o."


@pytest.mark.parametrize("prices", ["{input: 1, output: 90}", "{input: 90, output: 1}"])
def test_a_model_that_is_dearer_on_one_side_is_left_alone(ledger: MemoryStore, prices: str) -> None:
    model = Model()
    given = budget(DAY + f"degrade: {{at: 20%, to: lopsided}}\nprices: {{lopsided: {prices}}}")
    with leanloop.task(given, store=ledger) as task:
        model.steps(task, 5)
    assert set(model.models) == {"gpt-4o"}


def test_a_model_without_a_price_is_refused_at_the_start_under_a_limit_in_usd(ledger: MemoryStore) -> None:
    with pytest.raises(PriceUnknown, match="my-own"):
        Task(budget(MONEY + "degrade: {to: my-own}"), store=ledger)
    Task(budget(MONEY + "degrade: {to: my-own}\nunknown_model: free"), store=ledger)
    Task(budget(DAY + "degrade: {to: my-own}"), store=ledger)


def test_what_the_adapter_or_the_provider_has_not_is_asked_once_and_unbilled(ledger: MemoryStore) -> None:
    class NotFound(Exception):
        status_code = 404

    errors: list[Exception] = [NotFound("sk-secret"), ModelUnavailable("gpt-4o-mini", "no such thing.")]
    for error in errors:
        alerts: list[Alert] = []
        model = Model(lambda call, error=error: error if call.model == "gpt-4o-mini" else None)  # type: ignore[misc]
        text = "agent: a\nloop: off\nlimits: [{model_calls: 10}]\ndegrade: {at: 20%, to: gpt-4o-mini, effort: low}"
        with leanloop.task(budget(text), store=MemoryStore(), on_alert=alerts.append) as task:
            model.steps(task, 5)
        assert model.models == ["gpt-4o", "gpt-4o", "gpt-4o-mini", "gpt-4o", "gpt-4o", "gpt-4o"]
        assert model.seen[-1].effort == "low"
        assert task.receipt().model_calls == 5
        assert [alert.kind for alert in alerts] == ["degraded", "unavailable"]
        assert "sk-secret" not in alerts[-1].message


def test_any_other_failure_is_the_callers(ledger: MemoryStore) -> None:
    class Busy(Exception):
        status_code = 429

    model = Model(lambda call: Busy() if call.model == "gpt-4o-mini" else None)
    with leanloop.task(budget(DAY + "degrade: {at: 20%, to: gpt-4o-mini}"), store=ledger) as task:
        model.steps(task, 2)
        with pytest.raises(Busy):
            model.steps(task, 1)
    assert model.models == ["gpt-4o", "gpt-4o", "gpt-4o-mini"]


def test_an_effort_asked_for_by_another_plugin_is_not_raised(ledger: MemoryStore) -> None:
    model = Model()
    with leanloop.task(budget(DAY + "degrade: {at: 10%, effort: medium}"), store=ledger) as task:
        model.steps(task, 2, effort="low")
        model.steps(task, 1, effort="high")
    assert [call.effort for call in model.seen] == ["low", "low", "medium"]


def test_the_saving_is_what_the_same_tokens_would_have_cost(ledger: MemoryStore) -> None:
    model = Model()
    prices = "prices: {big: {input: 10, output: 10}, small: {input: 1, output: 1}, gpt-4o: {input: 10, output: 10}}\n"
    with leanloop.task(budget(DAY + prices + "degrade: {at: 10%, to: small}"), store=ledger) as task:
        model.steps(task, 4)
    (saving,) = task.receipt().savings
    assert (saving.calls, saving.cost) == (3, 3 * 200 * 9_000)
    assert saving.how == "the same tokens at the price of gpt-4o"


def test_usage_nobody_reported_saves_nothing_on_the_receipt(ledger: MemoryStore) -> None:
    def send(call: ModelCall) -> ModelReply:
        return ModelReply(Message("assistant", "so"))

    with leanloop.task(budget(DAY + "degrade: {at: 10%, to: gpt-4o-mini}"), store=ledger) as task:
        for _ in range(3):
            run(STACK.model_flow(ModelCall("gpt-4o", (Message("user", "go"),)), task), send)
    assert task.receipt().savings == ()
    assert task.receipt().models[-1].model == "gpt-4o-mini"


def test_it_is_said_once_a_window_and_step_and_of_a_task_only_in_passing(
    ledger: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="leanloop")
    given = budget(DAY + "warn: []\ndegrade: {at: 20%, to: gpt-4o-mini}")
    for _ in range(3):
        with leanloop.task(given, store=ledger) as task:
            Model().steps(task, 2)
    spent = "2 model calls of 10 model calls are spent for agent=a per day."
    said = f"Agent a: calls go to gpt-4o-mini (<budget>:5), since {spent}"
    assert [(r.levelname, r.message) for r in caplog.records] == [("WARNING", said)]
    caplog.clear()
    text = "agent: a\nwarn: []\nloop: off\nlimits: [{model_calls: 5}]\ndegrade: {at: 20%, effort: low}"
    with leanloop.task(budget(text), store=ledger) as task:
        Model().steps(task, 2)
    spent = "1 model call of 5 model calls are spent for this task."
    said = f"Agent a: calls ask for the effort low (<budget>:5), since {spent}"
    assert [(r.levelname, r.message) for r in caplog.records] == [("INFO", said)]


class Overtaken(MemoryStore):
    """While it refuses a call for the first time, another call of the task takes the next step."""

    task: Task | None = None

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        granted = super().reserve(reservation, demand, replaces=replaces)
        if isinstance(granted, Refusal) and self.task is not None:
            self.task.degrade_to(1)
        return granted


def test_a_step_that_another_call_has_taken_meanwhile_is_gone_by() -> None:
    store, model = Overtaken(), Model()
    text = "agent: a\nloop: off\nlimits: [{usd: 0.003}]\ndegrade: {at: 99%, to: gpt-4o-mini}"
    with leanloop.task(budget(text), store=store) as task:
        store.task = task
        model.steps(task, 4)
    assert model.models[-1] == "gpt-4o-mini"
    assert (task.degraded, task.stopped) == (1, None)


def test_a_step_two_calls_find_due_at_once_is_taken_and_told_once(
    ledger: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts: list[Alert] = []
    steps = "degrade: [{at: 50%, effort: low}, {at: 90%, to: gpt-4o-mini}]"
    with leanloop.task(budget(DAY + steps), store=ledger, on_alert=alerts.append) as task:
        Model().steps(task, 5)
        look = task.tally.fullest

        def overtaken(least: float) -> Standing | None:
            task.degrade_to(1)
            return look(least)

        monkeypatch.setattr(task.tally, "fullest", overtaken)
        model = Model()
        model.steps(task, 1)
    assert (task.degraded, alerts) == (1, [])
    assert (model.seen[0].model, model.seen[0].effort) == ("gpt-4o", "low")


def test_a_call_its_own_model_does_not_serve_fails_once(ledger: MemoryStore) -> None:
    class NotFound(Exception):
        status_code = 404

    model = Model(lambda _: NotFound())
    with leanloop.task(budget(DAY + "degrade: {at: 90%, to: gpt-4o-mini}"), store=ledger) as task:
        with pytest.raises(NotFound):
            model.steps(task, 1)
        assert task.left_alone == set()
    assert model.models == ["gpt-4o"]
