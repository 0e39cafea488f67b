"""Plugins nested into one flow: what each sees, and what reaches the middle."""

# mypy: disable-error-code="no-any-return"
# "return (yield call)" is what a plugin's author writes; what a yield gives depends on what was yielded.

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from leanloop import Budget, Io, Message, ModelCall, ModelReply, Plugin, Task, ToolCall, ToolResult, UsageError
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import Flow, ModelFlow, Paused, ToolFlow, compose

CALL = ModelCall("gpt-4o-mini", (Message("user", "hi"),))
TASK = Task(Budget(agent="a"))


def said(text: str) -> ModelReply:
    return ModelReply(Message("assistant", text))


class Brackets(Plugin):
    """Marks what goes in and what comes out."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        reply: ModelReply = yield ModelCall(f"{call.model}<{self.mark}", call.messages)
        return said(f"{self.mark}({reply.message.text})")


def test_the_first_plugin_is_outermost() -> None:
    hooks = [Brackets(mark).on_model for mark in "abc"]
    reply = run(compose(hooks, CALL, TASK), lambda call: said(call.model))
    assert reply.message.text == "a(b(c(gpt-4o-mini<a<b<c)))"


def test_without_plugins_the_call_itself_is_made() -> None:
    hooks: list[Callable[[ModelCall, Task], ModelFlow]] = []
    seen: list[ModelCall] = []

    def send(call: ModelCall) -> ModelReply:
        seen.append(call)
        return said("x")

    assert run(compose(hooks, CALL, TASK), send).message.text == "x"
    assert seen[0] is CALL


def test_a_plugin_that_overrides_nothing_passes_everything_on_untouched() -> None:
    reply = said("x")
    assert run(compose([Plugin().on_model], CALL, TASK), lambda call: reply) is reply
    tool = ToolCall("1", "search", "{}")
    result = ToolResult("found")

    def send(call: ToolCall) -> ToolResult:
        assert call is tool
        return result

    assert run(compose([Plugin().on_tool], tool, TASK), send) is result


def test_a_tool_flow_nests_like_a_model_flow() -> None:
    class Loud(Plugin):
        def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
            result: ToolResult = yield call
            return ToolResult(result.text.upper())

    flow = compose([Loud().on_tool, Plugin().on_tool], ToolCall("1", "search", "{}"), TASK)
    assert run(flow, lambda call: ToolResult(call.name)).text == "SEARCH"


def test_only_the_inner_plugins_see_a_second_attempt() -> None:
    seen: list[str] = []

    class Sees(Plugin):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            seen.append(self.name)
            return (yield call)

    class Twice(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            yield call
            return (yield call)

    run(compose([Sees("out").on_model, Twice().on_model, Sees("in").on_model], CALL, TASK), lambda call: said("x"))
    assert seen == ["out", "in", "in"]


def test_what_is_raised_inside_arrives_at_the_yield_of_each_plugin_from_the_inside_out() -> None:
    order: list[str] = []

    class Notes(Plugin):
        def __init__(self, name: str) -> None:
            self.name = name

        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            try:
                return (yield call)
            except OSError as error:
                order.append(self.name)
                raise LookupError(self.name) from error if self.name == "inner" else None
            except LookupError:
                order.append(self.name)
                raise
            finally:
                order.append(f"{self.name} done")

    def send(call: ModelCall) -> ModelReply:
        raise OSError("down")

    with pytest.raises(LookupError, match="inner") as caught:
        run(compose([Notes("outer").on_model, Notes("inner").on_model], CALL, TASK), send)
    assert isinstance(caught.value.__cause__, OSError)
    assert order == ["inner", "inner done", "outer", "outer done"]


def test_a_plugin_that_yields_something_else_is_told_what_to_yield() -> None:
    class Wrong(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            return (yield cast("ModelCall", "a string"))

    with pytest.raises(UsageError, match=r"Wrong\.on_model yielded str; yield the ModelCall it wants made, or Io\."):
        run(compose([Wrong().on_model], CALL, TASK), lambda call: said("x"))


def test_a_model_call_yielded_around_a_tool_is_refused() -> None:
    class Wrong(Plugin):
        def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
            return (yield cast("ToolCall", CALL))

    with pytest.raises(UsageError, match="yielded ModelCall; yield the ToolCall"):
        run(compose([Wrong().on_tool], ToolCall("1", "t", "{}"), TASK), lambda call: ToolResult(""))


def test_a_hook_without_a_name_can_be_at_fault_too() -> None:
    class Hook:
        def __call__(self, call: ModelCall, task: Task) -> Flow[ModelCall, ModelReply]:
            return (yield cast("ModelCall", None))

        def __repr__(self) -> str:
            return "the hook"

    with pytest.raises(UsageError, match="the hook yielded NoneType"):
        run(compose([Hook()], CALL, TASK), lambda call: said("x"))


def test_an_inner_wait_passes_outer_plugins_by() -> None:
    class Asks(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            found: str = yield Io(_upper, _aupper, "hit")
            return said(found)

    flow = compose([Brackets("a").on_model, Asks().on_model], CALL, TASK)
    assert run(flow, lambda call: said("never")).message.text == "a(HIT)"


def _upper(text: str) -> str:
    return text.upper()


async def _aupper(text: str) -> str:
    return text.upper()


async def test_io_takes_the_same_arguments_in_both_forms() -> None:
    async def power(base: int, *, exponent: int) -> int:
        return base**exponent

    def plain_power(base: int, *, exponent: int) -> int:
        return base**exponent

    wait = Io(plain_power, power, 2, exponent=10)
    assert wait.run() == await wait.arun() == 1024


def test_a_flow_that_raises_stop_iteration_is_an_error_and_no_result() -> None:
    def send(call: ModelCall) -> ModelReply:
        raise StopIteration(said("smuggled"))

    with pytest.raises(RuntimeError, match="StopIteration"):
        run(compose([Plugin().on_model], CALL, TASK), send)


async def test_nor_is_one_that_awaits_it() -> None:
    async def send(call: ModelCall) -> ModelReply:
        raise StopAsyncIteration

    with pytest.raises((RuntimeError, StopAsyncIteration)):
        await arun(compose([Plugin().on_model], CALL, TASK), send)


def test_a_paused_run_is_no_failure_to_a_plugin() -> None:
    handled: list[Exception] = []

    class Catches(Plugin):
        def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
            try:
                return (yield call)
            except Exception as error:  # noqa: BLE001 what a plugin may well write
                handled.append(error)
                return ToolResult("failed", is_error=True)

    cause = KeyError("interrupt")

    def send(call: ToolCall) -> ToolResult:
        raise Paused(cause)

    with pytest.raises(Paused) as caught:
        run(compose([Catches().on_tool], ToolCall("1", "t", "{}"), TASK), send)
    assert caught.value.cause is cause
    assert not handled


def test_a_flow_of_many_plugins_nests_deep() -> None:
    hooks: list[Any] = [Plugin().on_model] * 100
    assert run(compose(hooks, CALL, TASK), lambda call: said("x")).message.text == "x"
