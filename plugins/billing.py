"""What is known of a model call that failed: whether it was billed, and how it was answered."""

from __future__ import annotations

from collections.abc import Iterator

from leanloop.errors import ModelUnavailable, TaskStopped

__all__ = ["causes", "http_status", "known_unbilled"]

_MAYBE_BILLED = frozenset({408, 499, 504, 524})
"""Time-outs on the way: the model may have run all the same."""

_NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "ConnectionRefusedError", "PoolTimeout", "gaierror"})
"""Exceptions of httpx, requests and the standard library raised before a request left, by class name."""


def known_unbilled(error: BaseException) -> bool:
    """True where the provider is known to have billed nothing.

    That is an HTTP error status other than a time-out (the big providers bill completed generations
    only), a connection that was never made, and a refusal of ours. Everything else (a read time-out, a cancellation, a
    bug after the answer came) may have been billed, and unknown counts as spent.
    """
    if not isinstance(error, Exception):
        return False  # cancelled or interrupted; and the code of a SystemExit is no HTTP status
    for cause in causes(error):
        if isinstance(cause, TaskStopped | ModelUnavailable):
            return True  # our own refusal, further in
        if any(kind.__name__ in _NEVER_SENT for kind in type(cause).__mro__):
            return True
        status = _status(cause)
        if status is not None:
            return status >= 400 and status not in _MAYBE_BILLED
    return False


def http_status(error: BaseException) -> int | None:
    """The HTTP status a failed call was answered with, None where there was no answer."""
    return next((status for cause in causes(error) if (status := _status(cause)) is not None), None)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, outermost first."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__  # not __context__: that may be an earlier failure this call was made to mend


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "code", "status"):
            value: object = getattr(holder, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and 100 <= value < 600:
                return value
    return None
