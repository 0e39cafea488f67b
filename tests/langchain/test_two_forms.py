from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManager, BaseCallbackHandler, CallbackManager
from langchain_core.callbacks.manager import ahandle_event, handle_event

from leanloop import ModelCall, UsageError
from leanloop.adapters.langchain.two_forms import two_forms
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps


class Handler(BaseCallbackHandler):
    """Writes down in which form its one step was taken; refuses what is called ``no``."""

    raise_error = True
    run_inline = True

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []

    @two_forms
    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> Steps[None]:
        """What happened."""
        yield Io(self.step, self.astep, name)
        if name == "no":
            raise LookupError(name)

    def step(self, name: str) -> None:
        self.taken.append(("plain", name))

    async def astep(self, name: str) -> None:
        await asyncio.sleep(0)
        self.taken.append(("awaited", name))


EVENT = ("on_custom_event", "ignore_custom_event")


def test_langchains_sync_manager_takes_the_plain_form() -> None:
    handler = Handler()
    handle_event([handler], *EVENT, "yes", None)
    with pytest.raises(LookupError):
        handle_event([handler], *EVENT, "no", None)
    assert handler.taken == [("plain", "yes"), ("plain", "no")]


async def test_langchains_async_manager_takes_the_awaited_form() -> None:
    handler = Handler()
    await ahandle_event([handler], *EVENT, "yes", None)
    with pytest.raises(LookupError):
        await ahandle_event([handler], *EVENT, "no", None)
    assert handler.taken == [("awaited", "yes"), ("awaited", "no")]


async def test_a_sync_call_on_a_thread_that_runs_an_event_loop_takes_the_plain_form() -> None:
    handler = Handler()
    handle_event([handler], *EVENT, "sync", None)
    await ahandle_event([handler], *EVENT, "async", None)
    handle_event([handler], *EVENT, "sync again", None)
    assert handler.taken == [("plain", "sync"), ("awaited", "async"), ("plain", "sync again")]


async def test_one_handler_serves_a_manager_of_either_form_made_from_the_other() -> None:
    handler = Handler()
    outer = AsyncCallbackManager.configure([handler])
    inner = CallbackManager.configure(outer)  # as a sync call inside an async one makes it
    inner.on_custom_event("inner", None)
    await outer.on_custom_event("outer", None)
    assert handler.taken == [("plain", "inner"), ("awaited", "outer")]


async def test_asking_one_access_says_nothing_about_the_next() -> None:
    handler = Handler()
    asked = handler.on_custom_event
    assert inspect.iscoroutinefunction(asked)
    handler.on_custom_event("not asked", None)
    waiting: Any = asked("asked", None)
    await waiting
    assert handler.taken == [("plain", "not asked"), ("awaited", "asked")]


def test_a_method_of_two_forms_keeps_its_name_and_its_text() -> None:
    method = Handler.on_custom_event
    assert method.__name__ == "on_custom_event"
    assert method.__doc__ == "What happened."


def test_steps_make_no_call() -> None:
    class Calling:
        @two_forms
        def on_event(self) -> Steps[None]:
            yield ModelCall(model="gpt-4o", messages=())  # type: ignore[misc]  # pyright: ignore[reportReturnType]

    with pytest.raises(UsageError, match="gpt-4o"):
        Calling().on_event()
