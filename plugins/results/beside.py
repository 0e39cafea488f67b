"""Work on a text that may be large, without holding up an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from leanloop.plugins.flow import Io

__all__ = ["beside"]

T = TypeVar("T")

_LARGE = 200_000
"""Characters from which on handing work to a thread costs less than the loop would stand still."""


def beside(text: str, work: Callable[[], T]) -> Generator[Io[Any], Any, T]:
    """Do `work` on `text`: here, or where it takes long on a thread beside the event loop, if there is one."""
    if len(text) <= _LARGE:
        return work()
    done: T = yield Io(work, lambda: asyncio.to_thread(work))
    return done
