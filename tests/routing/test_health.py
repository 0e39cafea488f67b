"""A model that fails or is slow is passed over for a while, then one call is let through to see."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from routed import Clock, HttpError

from leanloop.errors import BudgetFileError, ModelUnavailable, PriceUnknown, StoreError
from leanloop.plugins.routing.failure import failure_of, reason_of, retry_after
from leanloop.plugins.routing.health import FIRST, LONGEST, Health
from leanloop.plugins.routing.sessions import Sessions


def test_after_a_failure_it_is_passed_over_then_one_is_let_through(clock: Clock) -> None:
    health = Health(clock)
    assert health.lets("m")
    health.failed("m")
    assert not health.lets("m")
    assert health.lets("other")
    clock.now += FIRST
    assert health.lets("m")
    assert not health.lets("m")  # the others wait for what comes of it
    health.answered("m", 1.0)
    assert health.lets("m")
    assert health.lets("m")


def test_each_further_failure_doubles_the_time_up_to_five_minutes(clock: Clock) -> None:
    health = Health(clock)
    waited: list[float] = []
    health.failed("m")
    for _ in range(9):
        began = clock.now
        while not health.lets("m"):
            clock.now += 1
        waited.append(clock.now - began)
        health.failed("m")
    assert waited == [5, 10, 20, 40, 80, 160, LONGEST, LONGEST, LONGEST]


def test_failures_of_calls_that_were_under_way_are_one(clock: Clock) -> None:
    health = Health(clock)
    for _ in range(20):
        health.failed("m")
    clock.now += FIRST
    assert health.lets("m")


def test_a_call_let_through_that_is_never_heard_of_gives_way_to_another(clock: Clock) -> None:
    health = Health(clock)
    health.failed("m")
    clock.now += FIRST
    assert health.lets("m")
    clock.now += FIRST
    assert health.lets("m")


@pytest.mark.parametrize(("asked", "waits"), [(42.0, 42.0), (1.0, FIRST), (99_999.0, LONGEST)])
def test_a_provider_says_how_long_to_wait_within_bounds(clock: Clock, asked: float, waits: float) -> None:
    health = Health(clock)
    health.failed("m", asked)
    clock.now += waits - 0.001
    assert not health.lets("m")
    clock.now += 0.001
    assert health.lets("m")


def test_a_model_that_is_usually_slow_is_passed_over_by_those_who_mind(clock: Clock) -> None:
    health = Health(clock)
    for seconds in (9.0, 1.0, 9.0):
        health.answered("m", seconds, 5.0)
        assert health.lets("m", 5.0)
    health.answered("m", 9.0, 5.0)
    assert not health.lets("m", 5.0)
    assert health.lets("m", 20.0)
    assert health.lets("m")
    clock.now += FIRST
    assert health.lets("m", 5.0)
    health.answered("m", 9.0, 5.0)  # still slow: for longer
    clock.now += FIRST
    assert not health.lets("m", 5.0)
    clock.now += FIRST
    assert health.lets("m", 5.0)
    health.answered("m", 1.0, 5.0)
    assert health.lets("m", 5.0)


def test_of_many_threads_one_is_let_through(clock: Clock) -> None:
    health = Health(clock)
    health.failed("m")
    clock.now += FIRST
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(health.lets, ["m"] * 200)) == 1


def test_models_without_end_take_no_room_without_end(clock: Clock) -> None:
    health = Health(clock)
    for number in range(3_000):
        health.failed(f"m{number}")
    assert not health.lets("m2999")
    assert health.lets("m0")


class Response:
    def __init__(self, headers: object) -> None:
        self.headers = headers


class Answered(Exception):
    def __init__(self, headers: object) -> None:
        self.response = Response(headers)
        super().__init__()


class APITimeoutError(Exception):
    """Of a provider's client, by name."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        *[(HttpError(status), "ailing") for status in (408, 425, 429, 500, 502, 503, 504, 529)],
        *[(HttpError(status), "not_served") for status in (401, 403, 404)],
        *[(HttpError(status), "refused") for status in (400, 413, 422)],
        (HttpError(409), "other"),
        (HttpError(301), "other"),
        (ConnectionRefusedError(), "ailing"),
        (TimeoutError(), "ailing"),
        (APITimeoutError(), "ailing"),
        (ValueError("max_tokens must be positive"), "other"),
        (ModelUnavailable("m", "why"), "not_served"),
        (StoreError("gone"), "other"),
        (PriceUnknown("m"), "other"),
        (BudgetFileError("x", file="f"), "other"),
    ],
)
def test_what_a_failure_says(error: Exception, kind: str) -> None:
    assert failure_of(error) == kind


def test_a_store_that_is_down_is_no_ailing_model() -> None:
    error = StoreError("gone")
    error.__cause__ = ConnectionError("redis")
    assert failure_of(error) == "other"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "inf"}, 0.0),
        ({"retry-after": 7}, 0.0),
        ({}, 0.0),
        (None, 0.0),
    ],
)
def test_how_long_a_provider_asks_to_wait(headers: object, seconds: float) -> None:
    assert retry_after(Answered(headers)) == seconds


def test_reasons_repeat_nothing_that_was_sent() -> None:
    assert reason_of(HttpError(503)) == "it answered with HTTP status 503"
    assert reason_of(TimeoutError("the prompt")) == "the call failed (TimeoutError)"
    assert reason_of(ModelUnavailable("m", "there is none.")) == "there is none"


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("kind", [Health, Sessions])
def test_a_forked_child_is_not_left_with_a_lock_that_nobody_gives_back(kind: type[Health | Sessions]) -> None:
    one = kind()
    lock = one._lock
    with lock:
        child = os.fork()
        if child == 0:
            os._exit(int(lock is one._lock or one._lock.locked()))
    _, status = os.waitpid(child, 0)
    assert status == 0
