"""The async driver under cancellation."""

# mypy: disable-error-code="no-any-return"
# "return (yield call)" is what a plugin's author writes; what a yield gives depends on what was yielded.

from __future__ import annotations

import asyncio

import pytest

from leanloop import Budget, Io, Message, ModelCall, ModelFlow, ModelReply, Plugin, Task
from leanloop.plugins.drive_async import arun
from leanloop.plugins.flow import Abandoned, compose

CALL = ModelCall("gpt-4o-mini", (Message("user", "hi"),))
TASK = Task(Budget(agent="a"))
REPLY = ModelReply(Message("assistant", "hello"))


def nothing() -> None:
    raise AssertionError("the plain form was used on an event loop")


class Cleans(Plugin):
    """Waits for something once the call has ended, however it ended."""

    def __init__(self) -> None:
        self.ends: list[BaseException | None] = []

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        end: BaseException | None = None
        try:
            return (yield call)
        except BaseException as error:
            end = error
            raise
        finally:
            yield Io(nothing, self.clean)
            self.ends.append(end)

    async def clean(self) -> None:
        await asyncio.sleep(0)


async def cancelled_in_the_midst(cleans: Cleans, *plugins: Plugin) -> asyncio.Task[ModelReply]:
    began = asyncio.Event()

    async def send(call: ModelCall) -> ModelReply:
        began.set()
        await asyncio.Event().wait()
        return REPLY

    hooks = [plugin.on_model for plugin in (*plugins, cleans)]
    running = asyncio.create_task(arun(compose(hooks, CALL, TASK), send))
    await began.wait()
    running.cancel()
    await asyncio.wait([running])
    return running


async def test_a_cancellation_is_thrown_in_and_what_the_flow_waits_for_is_still_awaited() -> None:
    cleans = Cleans()
    running = await cancelled_in_the_midst(cleans)
    assert running.cancelled()
    assert isinstance(cleans.ends[0], asyncio.CancelledError)


async def test_a_plugin_that_catches_exceptions_does_not_swallow_a_cancellation() -> None:
    class Apologises(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            try:
                return (yield call)
            except Exception:  # noqa: BLE001 what a plugin may well write
                return REPLY

    assert (await cancelled_in_the_midst(Cleans(), Apologises())).cancelled()


async def test_a_cancellation_while_a_plugin_waits_is_thrown_in_there() -> None:
    began, thrown = asyncio.Event(), list[BaseException]()

    async def wait() -> None:
        began.set()
        await asyncio.Event().wait()

    class Asks(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            try:
                yield Io(nothing, wait)
            except BaseException as error:
                thrown.append(error)
                raise
            return (yield call)

    async def send(call: ModelCall) -> ModelReply:
        raise AssertionError("the model was called")

    running = asyncio.create_task(arun(compose([Asks().on_model], CALL, TASK), send))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert isinstance(thrown[0], asyncio.CancelledError)


async def test_a_time_out_is_a_cancellation_inside_and_a_time_out_outside() -> None:
    cleans = Cleans()

    async def send(call: ModelCall) -> ModelReply:
        await asyncio.Event().wait()
        return REPLY

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await arun(compose([cleans.on_model], CALL, TASK), send)
    assert isinstance(cleans.ends[0], asyncio.CancelledError)


async def test_many_flows_run_side_by_side() -> None:
    cleans = Cleans()
    gate = asyncio.Barrier(10)

    async def send(call: ModelCall) -> ModelReply:
        await gate.wait()  # all ten are under way before the first may end
        return REPLY

    replies = await asyncio.gather(*(arun(compose([cleans.on_model], CALL, TASK), send) for _ in range(10)))
    assert replies == [REPLY] * 10
    assert cleans.ends == [None] * 10


async def test_a_coroutine_closed_with_its_loop_unwinds_plainly_for_it_may_wait_for_nothing() -> None:
    ends: list[BaseException] = []

    async def never(error: BaseException) -> None:
        raise AssertionError("it cannot be awaited")

    class Settles(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            try:
                return (yield call)
            except BaseException as error:
                yield Io(ends.append, never, error)
                raise

    async def send(call: ModelCall) -> ModelReply:
        await asyncio.sleep(0)
        raise AssertionError("the loop has ended")

    running = arun(compose([Plugin().on_model, Settles().on_model], CALL, TASK), send)
    running.send(None)
    running.close()
    assert isinstance(ends[0], Abandoned)
