"""A check of the user's own: a function, plain or async, that may raise or never come back."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import cast

from leanloop.budgets.at_fork import renew_in_child
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.cascade.verdict import PASSED, Verdict, failed, unknown
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps
from leanloop.plugins.supplied import Check

__all__ = ["own_check"]

_MOST_THREADS = 64


class _Threads:
    """The threads that plain checks run in. Python cannot end one: a check that hangs keeps its place for good, and
    where all are taken no further one is begun.
    """

    def __init__(self) -> None:
        self.renew()
        renew_in_child(self, _Threads.renew)

    def renew(self) -> None:
        self._free = threading.BoundedSemaphore(_MOST_THREADS)

    def start(self, work: Callable[[], bool]) -> Future[bool] | None:
        """Begin the work in a thread of its own, in this context; None where no thread is free."""
        free = self._free
        if not free.acquire(blocking=False):
            return None
        done: Future[bool] = Future()
        done.set_running_or_notify_cancel()
        context = copy_context()

        def run() -> None:
            try:
                done.set_result(context.run(work))
            except BaseException as error:  # noqa: BLE001  (whatever it raises is no concern of this thread)
                done.set_exception(error)
            finally:
                free.release()

        threading.Thread(target=run, name="leanloop check", daemon=True).start()
        return done


_threads = _Threads()


def own_check(check: Check, call: ModelCall, reply: ModelReply, timeout: float) -> Steps[Verdict]:
    """What the check says of an answer; where it raises, or takes longer than `timeout` seconds, nothing.

    A plain function runs in a thread, so that it can be left behind; a coroutine function on the event loop, or in a
    thread where there is none.
    """
    verdict: Verdict = yield Io(_plainly, _awaited, check, call, reply, timeout)
    return verdict


def _plainly(check: Check, call: ModelCall, reply: ModelReply, timeout: float) -> Verdict:
    done = _threads.start(lambda: _whole(check, call, reply))
    if done is None:
        return _busy()
    try:
        return _said(done.result(timeout))
    except TimeoutError as error:
        return _raised(error) if done.done() else _late(timeout)
    except BaseException as error:
        if not done.done():
            raise  # of this thread: an interrupt
        return _raised(error)


async def _awaited(check: Check, call: ModelCall, reply: ModelReply, timeout: float) -> Verdict:  # noqa: ASYNC109
    if inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(getattr(check, "__call__", None)):  # noqa: B004
        doing: asyncio.Future[bool] = asyncio.ensure_future(_bool(cast("Awaitable[bool]", check(call, reply))))
    else:
        done = _threads.start(lambda: _whole(check, call, reply))
        if done is None:
            return _busy()
        doing = asyncio.wrap_future(done)
    try:
        finished, _ = await asyncio.wait({doing}, timeout=timeout)
    except asyncio.CancelledError:
        _leave(doing)
        raise
    if not finished:
        _leave(doing)
        return _late(timeout)
    if doing.cancelled():
        return unknown("it was cancelled")
    error = doing.exception()
    return _said(doing.result()) if error is None else _raised(error)


def _whole(check: Check, call: ModelCall, reply: ModelReply) -> bool:
    said = check(call, reply)
    if inspect.isawaitable(said):
        return asyncio.run(_bool(said))
    return bool(said)


async def _bool(said: Awaitable[bool]) -> bool:
    return bool(await said)


def _leave(doing: asyncio.Future[bool]) -> None:
    """Nobody waits for it any more; what it raises is nobody's."""
    doing.add_done_callback(lambda one: one.cancelled() or one.exception())
    doing.cancel()


def _said(passes: bool) -> Verdict:
    return PASSED if passes else failed("the check says so")


def _raised(error: BaseException) -> Verdict:
    return unknown(f"it raised {type(error).__name__}")


def _late(timeout: float) -> Verdict:
    return unknown(f"it took longer than {timeout:g} s")


def _busy() -> Verdict:
    return unknown(f"{_MOST_THREADS} checks are running or hang")
