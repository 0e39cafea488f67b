"""The Lua scripts of a cache in Redis, and how they answer."""

from __future__ import annotations

from functools import partial

from leanloop.budgets.redis_parts import parts_in
from leanloop.budgets.redis_scripts import script_of

__all__ = [
    "BEGIN",
    "CLAIM",
    "FETCH",
    "FIND",
    "FORGET",
    "NEWS",
    "PAGE",
    "PUT",
    "RELEASE",
    "RENEW",
    "SIMILAR",
    "STATS",
    "USED",
    "parts_of",
]


_load = partial(script_of, "leanloop.plugins.cache", "shared")

BEGIN = _load("begin")
CLAIM = _load("claim")
FETCH = _load("fetch")
FIND = _load("find")
FORGET = _load("forget")
NEWS = _load("news")
PAGE = _load("page")
PUT = _load("put")
RELEASE = _load("release")
RENEW = _load("renew")
SIMILAR = _load("similar")
STATS = _load("stats")
USED = _load("used")


def parts_of(answer: bytes) -> list[bytes]:
    """The strings of an answer, each of which stands behind its length.

    Raises:
        StoreError: no script of ours answers so.
    """
    return parts_in(answer, "the cache")
