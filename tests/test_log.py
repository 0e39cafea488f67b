"""The log: one line a minute of what could come with every call, and how many were left out."""

from __future__ import annotations

import logging

import pytest

from leanloop.plugins import log
from leanloop.plugins.cache.event import CacheEvent, log_event


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(log, "time", clock)
    return clock


def test_a_flood_is_one_line_a_minute_and_the_next_says_how_many_were_left_out(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    for number in range(1_000):
        log.warn("Call %d is not booked. %s", number, "no connection")
    assert caplog.messages == ["Call 0 is not booked. no connection"]
    clock.now += log.SECONDS
    log.warn("Call %d is not booked. %s", 1_000, "no connection")
    clock.now += log.SECONDS
    log.warn("Call %d is not booked. %s", 1_001, "no connection")
    assert caplog.messages[1:] == [
        "Call 1000 is not booked. no connection (999 more like it were left out since the last one.)",
        "Call 1001 is not booked. no connection",
    ]


def test_lines_of_other_kinds_are_not_held_back(caplog: pytest.LogCaptureFixture) -> None:
    log.warn("One %s.", "a")
    log.warn("Another %s.", "a")
    log_event(CacheEvent("store", "", "The cache cannot be reached."))
    log_event(CacheEvent("damaged", "abc", "an entry is damaged"))
    log_event(CacheEvent("damaged", "abd", "an entry is damaged"))
    assert caplog.messages == [
        "One a.",
        "Another a.",
        "Cache: The cache cannot be reached. The call goes on without it (store, entry -).",
        "Cache: an entry is damaged. The call goes on without it (damaged, entry abc).",
    ]


def test_a_line_is_of_the_logger_leanloop_and_of_the_place_that_wrote_it(caplog: pytest.LogCaptureFixture) -> None:
    log.warn("Once.")
    [record] = caplog.records
    assert (record.name, record.levelno, record.filename) == ("leanloop", logging.WARNING, "test_log.py")
