"""What happens when the ledger's storage fails: refused or allowed as the file says, and no reply is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest

from leanloop import Budget, Limit, MemoryStore, Message, ModelCall, ModelReply, StoreError, Task, Usage
from leanloop.budgets.history import Entry
from leanloop.budgets.store import Demand, Grant, Refusal
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack


class FailingStore(MemoryStore):
    """Storage that cannot be reached for the operations named."""

    def __init__(self, *down: str) -> None:
        super().__init__()
        self.down = set(down)

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        self._may("reserve")
        return super().reserve(reservation, demand, replaces=replaces)

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        self._may("settle")
        super().settle(reservation, actual, entry)

    def release(self, reservation: str) -> None:
        self._may("release")
        super().release(reservation)

    def _may(self, operation: str) -> None:
        if operation in self.down:
            raise StoreError("no connection")


CALL = ModelCall("gpt-4o-mini", (Message("user", "hello"),))
REPLY = ModelReply(Message("assistant", "hi"), Usage(10, 5))


def opened(store: FailingStore, on_store_error: Literal["refuse", "allow"]) -> Task:
    limits = (Limit(tokens=10_000),)
    return Task(Budget(agent="a", limits=limits, on_store_error=on_store_error), store=store)


def test_a_store_that_is_down_refuses_the_call_by_default() -> None:
    sent: list[ModelCall] = []

    def send(call: ModelCall) -> ModelReply:
        sent.append(call)
        return REPLY

    with pytest.raises(StoreError, match="no connection"):
        run(Stack().model_flow(CALL, opened(FailingStore("reserve"), "refuse")), send)
    assert sent == []


def test_a_store_that_is_down_lets_the_call_pass_where_the_file_says_so(caplog: pytest.LogCaptureFixture) -> None:
    task = opened(FailingStore("reserve"), "allow")
    assert run(Stack().model_flow(CALL, task), lambda _: REPLY) is REPLY
    assert task.receipt().usage.total == 15, "metered all the same"
    assert "goes unlimited (on_store_error: allow), for the ledger failed: no connection" in caplog.text


@pytest.mark.parametrize("on_store_error", ["refuse", "allow"])
def test_a_reply_that_was_paid_is_never_lost_for_the_storage(
    on_store_error: Literal["refuse", "allow"], caplog: pytest.LogCaptureFixture
) -> None:
    store = FailingStore("settle", "release")
    task = opened(store, on_store_error)
    assert run(Stack().model_flow(CALL, task), lambda _: REPLY) is REPLY
    [balance] = store.balances([(f"task:{task.id}", "tokens")])
    assert balance.reserved > 15, "what could not be settled stays reserved, never free"
    assert "could not be booked: its worst case stays reserved, and counts as spent" in caplog.text


def test_a_failed_call_reports_its_own_error_even_when_it_cannot_be_released(caplog: pytest.LogCaptureFixture) -> None:
    class Refused(Exception):
        status_code = 429

    def send(_: ModelCall) -> ModelReply:
        raise Refused

    with pytest.raises(Refused):
        run(Stack().model_flow(CALL, opened(FailingStore("release"), "refuse")), send)
    assert "was not billed, and could not be given back: its worst case stays reserved" in caplog.text


@pytest.mark.parametrize("on_store_error", ["refuse", "allow"])
def test_what_was_probably_never_set_aside_is_not_said_to_stay_so(
    on_store_error: Literal["refuse", "allow"], caplog: pytest.LogCaptureFixture
) -> None:
    task = opened(FailingStore("reserve", "release"), on_store_error)
    if on_store_error == "allow":
        run(Stack().model_flow(CALL, task), lambda _: REPLY)
    else:
        with pytest.raises(StoreError):
            run(Stack().model_flow(CALL, task), lambda _: REPLY)
    assert "stays" not in caplog.text
