"""The one mechanism: a plugin is a generator around a call.

A plugin yields the call it wants made and returns the result it wants seen. It may yield no call,
the same call twice, or another call; what goes wrong inside is thrown in at its ``yield``. I/O is
yielded as `Io`, so that one generator serves the sync, async and streaming drivers. The shape is
that of httpx's auth flows and pluggy's wrappers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from leanloop.budgets.budget import Budget
from leanloop.errors import UsageError
from leanloop.plugins.call import EmbedCall, ModelCall, ModelReply, ToolCall, ToolResult

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["UNDER_WAY", "Abandoned", "Flow", "Io", "ModelFlow", "Paused", "Plugin", "ToolFlow", "compose"]

P = ParamSpec("P")
T = TypeVar("T")
Call = TypeVar("Call", ModelCall, ToolCall, EmbedCall)
Result = TypeVar("Result")


class Io(Generic[T]):
    """Work that waits: `sync` for the plain driver, `aio` for the async one, the same arguments for both."""

    __slots__ = ("_aio", "_args", "_kwargs", "_sync")

    def __init__(self, sync: Callable[P, T], aio: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> None:
        self._sync = sync
        self._aio = aio
        self._args = args
        self._kwargs = kwargs

    def run(self) -> T:
        """Do it on this thread."""
        return self._sync(*self._args, **self._kwargs)

    async def arun(self) -> T:
        """Do it on the event loop."""
        return await self._aio(*self._args, **self._kwargs)


class Abandoned(BaseException):
    """Thrown into a flow nobody waits for any more: a stream closed early, a coroutine whose event loop ended.

    It stands in for GeneratorExit, which Python does not throw through a `yield from` but turns into
    `close()` (PEP 380), and a flow that is closed could wait for nothing while it unwinds.
    """


class Paused(BaseException):
    """Thrown into a tool's flow when the run is suspended in its midst (an interrupt) and will make the call again.

    `cause` is the framework's own exception, which goes on its way when the flow has unwound. It is
    no Exception, so that a plugin's `except Exception` does not take it for a failure.
    """

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause
        super().__init__(str(cause))


# What a `yield` evaluates to depends on what was yielded (a reply for a call, T for Io[T]), which the
# send type of a Generator cannot say; hence Any there, and only there.
Flow = Generator[Io[Any] | Call, Any, Result]
ModelFlow = Generator[Io[Any] | ModelCall, Any, ModelReply]
ToolFlow = Generator[Io[Any] | ToolCall, Any, ToolResult]

UNDER_WAY: set[object] = set()
"""Flows that a driver which may be abandoned has begun and not ended.

Where a garbage collection finds driver and flow in one ring it closes them in any order, and a flow that is closed
settles nothing. Held here the flow outlives its driver, whose closing throws `Abandoned` into it.
"""


class Plugin:
    """One saving or guard. Override what it is about; the rest passes through.

    `holds_stream` is True for a plugin that may reject a reply after it came: then streamed chunks
    are held back until its flow has ended.
    """

    holds_stream: bool = False

    def idle(self, budget: Budget) -> bool:
        """Whether it has nothing to do under this budget; then it is left out."""
        return False

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Wrap one model call."""
        reply: ModelReply = yield call
        return reply

    def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
        """Wrap one tool call."""
        result: ToolResult = yield call
        return result


def compose(  # noqa: C901, PLR0912 one loop, in and out again: it is around every call
    hooks: Sequence[Callable[[Call, Task], Flow[Call, Result]]], call: Call, task: Task
) -> Flow[Call, Result]:
    """Nest the hooks (outermost first) around `call` into one flow.

    The flow yields only `Io` and the calls that reach the middle, for a driver to perform. The hooks'
    own flows stand on a stack: what the innermost yields goes straight to the driver.
    """
    flows: list[Flow[Call, Result]] = []
    kind = type(call)
    step: Any = call
    while True:
        value: Any = None
        failure: BaseException | None = None
        try:
            if type(step) is kind:
                for hook in hooks[len(flows) :]:
                    flow = hook(step, task)
                    step = next(flow)
                    flows.append(flow)
                    if type(step) is not kind:
                        break
        except StopIteration as stop:  # it answers by itself
            value = stop.value
        except BaseException as error:  # noqa: BLE001 the next plugin out decides
            failure = error
        else:
            try:
                if type(step) is not kind and not isinstance(step, Io):
                    raise UsageError(_wrong(hooks[len(flows) - 1], step, call))
                value = yield step
            except BaseException as error:  # noqa: BLE001 a plugin decides
                failure = error
        while flows:
            flow = flows.pop()
            try:
                step = flow.send(value) if failure is None else flow.throw(failure)
            except StopIteration as stop:
                value, failure = stop.value, None
            except BaseException as error:  # noqa: BLE001 the next plugin out decides
                failure = error
            else:
                flows.append(flow)
                break
        else:
            try:
                if failure is not None:
                    raise failure
                result: Result = value
                return result
            finally:
                del failure  # with its traceback it would hold this frame, and this frame holds it


def _wrong(hook: object, step: object, call: object) -> str:
    name = getattr(hook, "__qualname__", repr(hook))
    return f"{name} yielded {type(step).__name__}; yield the {type(call).__name__} it wants made, or Io."
