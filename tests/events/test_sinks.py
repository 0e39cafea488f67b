"""Who is told what; and that no sink can fail a call, or is told a text nobody asked for."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop import UsageError
from leanloop.budgets.event_rules import EventRules
from leanloop.plugins.events.event import Event, Gated, Nudged, Of, Settled
from leanloop.plugins.events.logged import log_event
from leanloop.plugins.events.opened import told_by
from leanloop.plugins.events.row import row_of
from leanloop.plugins.events.sink import Sinks

OF = Of("t1", "support")
EVENT = Nudged(OF, 1.0, "loop", "search")
CALL = Settled(OF, 1.0, "c1", "gpt-4o-mini")
SAID = ("my card is 4111", "noted: 4111")


class Heard:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def texts(self) -> list[tuple[str, str] | None]:
        return [
            None if one.text is None else (one.text.asked, one.text.answered)
            for one in self.events
            if isinstance(one, Settled)
        ]


@pytest.mark.parametrize(
    "error", [ValueError("no"), BrokenPipeError(), RecursionError(), SystemExit(1), asyncio.CancelledError()]
)
def test_a_sink_that_raises_stops_nobody_and_is_told_nothing_for_a_minute(
    error: BaseException, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("leanloop.plugins.events.sink.time.monotonic", lambda: now[0])
    asked: list[Event] = []

    def failing(event: Event) -> None:
        asked.append(event)
        raise error

    heard = Heard()
    sinks = Sinks([failing, heard])
    for _ in range(3):
        sinks.tell(EVENT)
    now[0] += 61
    sinks.tell(EVENT)

    assert (len(asked), len(heard.events)) == (2, 4)
    assert f"raised {type(error).__name__} for a nudged event, and is told nothing for 60 s." in caplog.text


def test_control_c_in_a_sink_is_the_users() -> None:
    def interrupted(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Sinks([interrupted]).tell(EVENT)


async def coroutine(event: Event) -> None: ...


class CallableWithCoroutine:
    async def __call__(self, event: Event) -> None: ...


@pytest.mark.parametrize("sink", [coroutine, CallableWithCoroutine()])
def test_a_coroutine_function_is_refused_since_nobody_would_await_it(sink: Any) -> None:
    with pytest.raises(UsageError, match="call_soon_threadsafe"):
        Sinks([sink])


def test_what_is_no_function_is_refused_with_the_way_to_name_a_file() -> None:
    with pytest.raises(UsageError, match=r"not str.*events: events\.jsonl"):
        Sinks(["events.jsonl"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


def test_nobody_is_told_text_unless_it_is_asked_for() -> None:
    heard, asking = Heard(), Heard()
    Sinks([heard]).tell(CALL, SAID)
    Sinks([asking], text=True).tell(CALL, SAID)

    assert (heard.texts, asking.texts) == ([None], [SAID])


@given(st.text(), st.text())
def test_text_is_told_as_redact_gives_it(asked: str, answered: str) -> None:
    heard = Heard()
    Sinks([heard], text=True, redact=lambda text: f"<{len(text)}>").tell(CALL, (asked, answered))

    assert heard.texts == [(f"<{len(asked)}>", f"<{len(answered)}>")]


def test_text_that_redact_fails_for_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    def broken(text: str) -> str:
        raise RuntimeError(text)

    heard = Heard()
    Sinks([heard], text=True, redact=broken).tell(CALL, SAID)

    assert heard.texts == [None]
    assert "4111" not in caplog.text


def test_long_text_is_cut() -> None:
    heard = Heard()
    Sinks([heard], text=True).tell(CALL, ("a" * 30_000, "b" * 30_000))

    assert heard.texts == [("a" * 20_000, "b" * 20_000)]


def test_the_task_above_is_told_too_each_sink_once() -> None:
    own, both, above = Heard(), Heard(), Heard()
    Sinks([own, both]).within(Sinks([both, above])).tell(EVENT)

    assert [len(one.events) for one in (own, both, above)] == [1, 1, 1]


def test_what_a_sub_agent_says_reaches_only_those_whose_budget_asks_for_text() -> None:
    own, above = Heard(), Heard()
    Sinks([own]).within(Sinks([above], text=True)).tell(CALL, SAID)
    Sinks([own], text=True).within(Sinks([above])).tell(CALL, SAID)

    assert (own.texts, above.texts) == ([None, SAID], [SAID, None])


@pytest.mark.parametrize("where", ["above", "below", "below, with no sink of its own"])
def test_what_one_task_redacts_is_redacted_for_all(where: str) -> None:
    def redact(text: str) -> str:
        return text.replace("4111", "****")

    own, above = Heard(), Heard()
    below = Sinks([] if "no sink" in where else [own], text=True, redact=None if where == "above" else redact)
    sinks = below.within(Sinks([above], text=True, redact=redact if where == "above" else None))
    sinks.tell(CALL, SAID)

    assert own.texts == ([] if "no sink" in where else [("my card is ****", "noted: ****")])
    assert above.texts == [("my card is ****", "noted: ****")]


def test_nobody_above_changes_nothing() -> None:
    sinks = Sinks([Heard()])

    assert sinks.within(Sinks()) is sinks
    assert not Sinks().within(Sinks())


def test_a_sink_that_is_down_is_down_to_all_tasks_of_its_budget() -> None:
    rules = EventRules(log=True)

    assert told_by(rules) is told_by(EventRules(log=True))
    assert not told_by(None)
    assert not told_by(EventRules(otel=True))


def test_an_event_is_a_record_of_the_log_in_words_and_as_a_row(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "leanloop.events")
    log_event(EVENT)

    (record,) = caplog.records
    assert record.getMessage() == "nudged agent=support task=t1 by=loop what=search"
    assert getattr(record, "leanloop") == row_of(EVENT)  # noqa: B009


def test_a_log_that_is_off_costs_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(event: Event) -> dict[str, object]:
        raise AssertionError

    monkeypatch.setattr("leanloop.plugins.events.logged.row_of", refuse)
    logging.getLogger("leanloop.events").setLevel(logging.WARNING)
    try:
        log_event(EVENT)
    finally:
        logging.getLogger("leanloop.events").setLevel(logging.NOTSET)


def test_names_of_models_and_users_forge_no_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "leanloop.events")
    log_event(Nudged(Of("t1", "support", tags={"user": "a\nb"}), 1.0, "loop", "x\nERROR root: forged \x1b[31m"))

    (record,) = caplog.records
    assert record.getMessage().isprintable()


@pytest.mark.parametrize("place", ["sink", "redact"])
def test_a_log_that_raises_fails_no_call_either(place: str) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("down")

    def refuse(record: logging.LogRecord) -> bool:
        raise AttributeError("request_id")

    logger = logging.getLogger("leanloop")
    logger.addFilter(refuse)
    try:
        Sinks([broken] if place == "sink" else [Heard()], text=True, redact=broken).tell(CALL, SAID)
    finally:
        logger.removeFilter(refuse)


def test_a_function_that_gives_a_coroutine_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[Event] = []

    def later(event: Event) -> object:
        calls.append(event)
        return coroutine(event)

    sinks = Sinks([later])
    sinks.tell(EVENT)
    sinks.tell(EVENT)

    assert len(calls) == 1
    assert "raised UsageError (it gave a coroutine, which nobody awaits; give a plain function)" in caplog.text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_left_out_of_a_row(number: float) -> None:
    assert "chance" not in row_of(Gated(OF, 1.0, "thinking", "high", None, number))
