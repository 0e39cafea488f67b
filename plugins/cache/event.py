"""What went wrong in a cache: never an exception into an agent, always said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from leanloop.plugins.log import warn

__all__ = ["CacheEvent", "OnCacheEvent", "Problem", "log_event"]

Problem = Literal["damaged", "newer", "foreign", "dimension", "not_finite", "too_large", "store", "embedder"]
"""An entry that cannot be read; of a newer version; found under a key that is not its own. A vector of another length
than the others of its partition; one that holds NaN or infinity, or nothing but zeros. An entry larger than all that is
kept. A store that failed. An embedder that failed."""


@dataclass(frozen=True, slots=True)
class CacheEvent:
    """One entry was not used, or not kept. Neither its text nor its answer is in here.

    Attributes:
        problem: what is wrong.
        key: of the entry, a digest; empty where it is about no single one.
        detail: one sentence.
    """

    problem: Problem
    key: str
    detail: str


OnCacheEvent = Callable[[CacheEvent], None]


def log_event(event: CacheEvent) -> None:
    """A line in the log, where nobody else wants to be told; one a minute of each problem."""
    detail = event.detail.rstrip(".")
    warn(
        "Cache: %s. The call goes on without it (%s, entry %s).",
        detail,
        event.problem,
        event.key or "-",
        kind=event.problem,
    )
