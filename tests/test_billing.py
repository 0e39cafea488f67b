"""Which failures are known to have cost nothing."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from leanloop.plugins.billing import known_unbilled


class ProviderError(Exception):
    """As the OpenAI and Anthropic clients raise it."""

    def __init__(self, status_code: object) -> None:
        self.status_code = status_code
        super().__init__(str(status_code))


class CodeError(Exception):
    """As google-genai raises it."""

    def __init__(self, code: int) -> None:
        self.code = code


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 529])
def test_an_error_status_is_unbilled(status: int) -> None:
    assert known_unbilled(ProviderError(status))
    assert known_unbilled(CodeError(status))
    request = httpx.Request("POST", "https://provider.example")
    assert known_unbilled(httpx.HTTPStatusError("x", request=request, response=httpx.Response(status, request=request)))


@pytest.mark.parametrize("status", [408, 499, 504, 524, 200, 302, 0, 99, 600, True, "429", None])
def test_a_time_out_on_the_way_or_no_error_status_may_have_been_billed(status: object) -> None:
    assert not known_unbilled(ProviderError(status))


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("no route"),
        httpx.PoolTimeout("busy"),
        ConnectionRefusedError(),
    ],
)
def test_a_connection_never_made_is_unbilled(error: Exception) -> None:
    assert known_unbilled(error)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut off"),
        ConnectionResetError(),
        TimeoutError(),
        ValueError("bug in a parser"),
        KeyboardInterrupt(),
        SystemExit(500),
        asyncio.CancelledError(),
    ],
)
def test_everything_else_may_have_been_billed(error: BaseException) -> None:
    assert not known_unbilled(error)


def test_the_cause_is_looked_through() -> None:
    wrapped = RuntimeError("in a framework")
    wrapped.__cause__ = ValueError("in a client")
    wrapped.__cause__.__cause__ = httpx.ConnectError("refused")
    assert known_unbilled(wrapped)


def test_a_status_of_its_own_comes_before_that_of_the_cause() -> None:
    wrapped = ProviderError(504)
    wrapped.__cause__ = ProviderError(429)
    assert not known_unbilled(wrapped)


def test_an_earlier_failure_says_nothing_of_the_call_made_to_mend_it() -> None:
    with pytest.raises(TimeoutError) as caught:  # noqa: PT012 the order is the point
        try:
            raise ProviderError(429)
        except ProviderError:
            raise TimeoutError  # noqa: B904 as it happens where the second call is made in the handler
    assert isinstance(caught.value.__context__, ProviderError)
    assert not known_unbilled(caught.value)


def test_causes_that_go_round_in_a_circle_end() -> None:
    one, two = ValueError(), ValueError()
    one.__cause__, two.__cause__ = two, one
    assert not known_unbilled(one)
