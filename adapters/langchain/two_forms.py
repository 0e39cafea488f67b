"""A callback method that is awaited where LangChain awaits, and plain where it does not.

A handler is one object for both of LangChain's callback managers: the list a user gives is copied from one to the
other wherever async code calls sync code. The async manager asks `inspect.iscoroutinefunction` of a method, and awaits
what it gives if so. The sync manager calls without asking; a coroutine it would run on an event loop of its own, and
swallow what that raises (``_ahandle_event_for_handler`` and ``handle_event`` in langchain_core.callbacks.manager).
So a method with two forms is a coroutine function to whoever asks, and a plain function to whoever does not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, Self, cast

from leanloop.plugins.steps import Steps, aperform, perform

__all__ = ["two_forms"]

P = ParamSpec("P")


def two_forms(steps: Callable[P, Steps[None]]) -> Callable[P, None]:
    """The callback method that takes these steps, in the form its caller wants."""
    method: Any = _TwoForms(steps)
    functools.update_wrapper(method, steps)
    return cast("Callable[P, None]", method)


class _TwoForms:
    def __init__(self, steps: Callable[..., Steps[None]]) -> None:
        self._steps = steps

    def __get__(self, handler: object, owner: type) -> object:
        return self if handler is None else _Bound(functools.partial(self._steps, handler))


class _Bound(functools.partial[Any]):
    """To `inspect`, a partial of a coroutine function; it notes that it was asked. New at each access, as bound
    methods are, so that one caller's question is not another's.
    """

    _asked: bool
    _steps: Callable[..., Steps[None]]

    def __new__(cls, steps: Callable[..., Steps[None]]) -> Self:
        bound = super().__new__(cls, _awaited, steps)
        bound._steps = steps
        bound._asked = False
        return bound

    @property
    def func(self) -> Callable[..., Any]:
        self._asked = True
        return super().func

    def __call__(self, /, *args: object, **kwargs: object) -> Any:
        return super().__call__(*args, **kwargs) if self._asked else perform(self._steps(*args, **kwargs))


async def _awaited(steps: Callable[..., Steps[None]], *args: object, **kwargs: object) -> None:
    await aperform(steps(*args, **kwargs))
