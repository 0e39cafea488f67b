"""What a failed call says: that its model is ailing, that it cannot be had, or does not serve this call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal, cast

from leanloop.errors import LeanLoopError, ModelUnavailable
from leanloop.plugins.billing import causes, http_status

__all__ = ["Failure", "failure_of", "reason_of", "retry_after"]

Failure = Literal["ailing", "not_served", "refused", "other"]

_NOT_SERVED: Final = frozenset({401, 403, 404})
"""HTTP statuses by which a provider says that this model cannot be had, or not by this key; another may."""

_REFUSED: Final = frozenset({400, 413, 422})
"""Those by which it says that it cannot do what was asked: the caller's mistake, or more than this model can do."""

_AILING: Final = frozenset({408, 425, 429})
"""Beside 5xx: timed out, too early, too many requests (RFC 9110, 8470, 6585)."""

_NAMES: Final = frozenset(
    {
        "APIConnectionError",
        "APITimeoutError",
        "ConnectionError",
        "DeadlineExceeded",
        "EndpointConnectionError",
        "InternalServerError",
        "RateLimitError",
        "ResourceExhausted",
        "ServiceUnavailable",
        "Timeout",
        "TimeoutError",
        "TransportError",
        "gaierror",
    }
)
"""Of exceptions without a status, by class name: those of httpx, requests, the standard library and the providers'
clients."""


def failure_of(error: Exception) -> Failure:
    """What stands behind the exception of a model call."""
    if isinstance(error, ModelUnavailable):
        return "not_served"
    if isinstance(error, LeanLoopError):
        return "other"
    status = http_status(error)
    if status is not None:
        if status >= 500 or status in _AILING:
            return "ailing"
        if status in _REFUSED:
            return "refused"
        return "not_served" if status in _NOT_SERVED else "other"
    names = {kind.__name__ for cause in causes(error) for kind in type(cause).__mro__}
    return "other" if names.isdisjoint(_NAMES) else "ailing"


def retry_after(error: Exception) -> float:
    """The seconds the provider asks to wait for (RFC 9110, section 10.2.3); 0 where it says none, or a date."""
    for cause in causes(error):
        headers: object = getattr(getattr(cause, "response", None), "headers", None)
        if isinstance(headers, Mapping):
            named = cast("Mapping[str, object]", headers).items()
            told = next((value for name, value in named if name.lower() == "retry-after"), None)
            try:
                seconds = float(told) if isinstance(told, str) else 0.0
            except ValueError:
                return 0.0
            return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
    return 0.0


def reason_of(error: Exception) -> str:
    """In words of ours: a provider's may repeat what was sent."""
    if isinstance(error, ModelUnavailable):
        return error.why.rstrip(".")
    status = http_status(error)
    return f"the call failed ({type(error).__name__})" if status is None else f"it answered with HTTP status {status}"
