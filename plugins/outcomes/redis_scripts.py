"""The Lua scripts of an outcome store in Redis, and how they answer."""

from __future__ import annotations

from functools import partial

from leanloop.budgets.redis_parts import parts_in
from leanloop.budgets.redis_scripts import script_of

__all__ = ["ADD", "COUNTS", "FAMILIES", "FAMILY", "OF_TASK", "PAGE", "RECORD", "parts_of"]


_load = partial(script_of, "leanloop.plugins.outcomes", "shared")

ADD = _load("add")
COUNTS = _load("counts")
FAMILIES = _load("families")
FAMILY = _load("family")
OF_TASK = _load("of_task")
PAGE = _load("page")
RECORD = _load("record")


def parts_of(answer: bytes) -> list[bytes]:
    """The strings of an answer, each of which stands behind its length.

    Raises:
        StoreError: no script of ours answers so.
    """
    return parts_in(answer, "the outcomes")
