"""What a step of the work is called: said by the code around it, so that like steps are judged by like."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import cast

from leanloop.errors import UsageError

__all__ = ["current_step", "step"]

_current: ContextVar[str | None] = ContextVar("leanloop_step", default=None)


def current_step() -> str | None:
    """The name declared for the code that runs here; None where there is none."""
    return _current.get()


@contextmanager
def step(name: str) -> Generator[None]:
    """Declare that the calls made in this block are one step of the work: ``with leanloop.step("extract dates"):``.

    The name is the best that can be known of how hard a call is. It should say the kind of work, not the question: one
    name for every run of the same step. Inside of another step the inner name counts. It reaches threads and tasks as
    context variables do.

    Raises:
        UsageError: the name is no text, or there is nothing in it.
    """
    said = cast("object", name)
    if not isinstance(said, str) or not said.strip():
        raise UsageError(f'A step needs a name: leanloop.step("extract dates"); {name!r} is none.')
    token = _current.set(said.strip())
    try:
        yield
    finally:
        _current.reset(token)
