"""Marks model calls that are counted already, so that none is counted twice however LlamaIndex nests them.

A CustomLLM's `achat` calls its `chat`, which calls its `complete`: one call to the provider, three methods of a
guarded LLM. The marks are context variables: they reach threads and async tasks alike, and nothing beside the call.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextvars import ContextVar
from typing import TypeVar, cast

from leanloop.plugins.current import enter, leave
from leanloop.plugins.task import Task

__all__ = ["acovered_stream", "covered_stream", "in_model_call", "lands_elsewhere", "model_call_covered", "within"]

Chunk = TypeVar("Chunk")
Noted = TypeVar("Noted")

_model: ContextVar[bool] = ContextVar("leanloop_llama_model_covered", default=False)
_metered: ContextVar[bool] = ContextVar("leanloop_llama_metered", default=False)


def in_model_call() -> bool:
    """Whether this code runs inside a model call that is being counted."""
    return _model.get()


def lands_elsewhere() -> bool:
    """Whether what this code is a part of (a tool of an agent, a query) lands for it, so that a refusal is raised."""
    return _metered.get()


class model_call_covered:  # noqa: N801  (a context manager, named as one)
    """Around the one place where a counted model call is made."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _model.set(True)

    def __exit__(self, *_: object) -> None:
        _model.reset(self._token)


class within:  # noqa: N801
    """Around a part of `task`: what is called in there belongs to it.

    With `metered`, calls of a model in there are counted and no more: they raise where a limit is reached, and
    what is around them lands.
    """

    __slots__ = ("_entered", "_metered", "_task", "_tokens")

    def __init__(self, task: Task, *, metered: bool) -> None:
        self._task = task
        self._metered = metered

    def __enter__(self) -> None:
        self._tokens = (_model.set(False), _metered.set(self._metered))
        self._entered = enter(self._task)

    def __exit__(self, *_: object) -> None:
        leave(self._entered)
        model, metered = self._tokens
        _metered.reset(metered)
        _model.reset(model)


def covered_stream(
    begin: Callable[[], Iterator[Chunk]], note: Callable[[Chunk], Noted]
) -> Generator[Noted, None, None]:
    """What `note` makes of the chunks, each made where it is known that the call is counted already.

    A stream may call another method while it is read.
    """
    with model_call_covered():
        source = begin()
    try:
        while True:
            with model_call_covered():
                chunk = next(source, None)
            if chunk is None:
                return
            yield note(chunk)
    finally:
        cast("Generator[Chunk, None, None]", source).close()


async def acovered_stream(
    begin: Callable[[], Awaitable[AsyncIterator[Chunk]]], note: Callable[[Chunk], Noted]
) -> AsyncGenerator[Noted, None]:
    """`covered_stream`, awaited."""
    with model_call_covered():
        source = await begin()
    try:
        while True:
            with model_call_covered():
                chunk = await anext(source, None)
            if chunk is None:
                return
            yield note(chunk)
    finally:
        await cast("AsyncGenerator[Chunk, None]", source).aclose()
