"""The garbage collector, at rest while a large text is taken apart."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock

__all__ = ["collector_at_rest"]

_lock = Lock()
_resting = 0
_was_on = False


@contextmanager
def collector_at_rest() -> Generator[None]:
    """Within it no cycles are looked for, in any thread; afterwards as before.

    A large text becomes millions of small objects without a cycle among them, which the collector would go through
    again and again while there are more of them: half of the time for 10 MB of JSON.
    """
    global _resting, _was_on  # noqa: PLW0603 - there is one collector a process
    with _lock:
        if not _resting:
            _was_on = gc.isenabled()
            gc.disable()
        _resting += 1
    try:
        yield
    finally:
        with _lock:
            _resting -= 1
            if not _resting and _was_on:
                gc.enable()
