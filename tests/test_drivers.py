"""One contract, four drivers: a plugin is written once and behaves the same in each."""

# mypy: disable-error-code="no-any-return"
# "return (yield call)" is what a plugin's author writes; what a yield gives depends on what was yielded.

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from leanloop import Budget, Io, Message, ModelCall, ModelFlow, ModelReply, Plugin, Task, ToolRequest, Usage
from leanloop.plugins.flow import compose

CALL = ModelCall("gpt-4o-mini", (Message("user", "hi"),))
TASK = Task(Budget(agent="a"))

Send = Callable[[ModelCall], ModelReply]
Drive = Callable[[ModelFlow, Send], ModelReply]


def said(text: str) -> ModelReply:
    return ModelReply(Message("assistant", text, (ToolRequest("1", "t", "{}"),)), Usage(1, 2))


def test_a_call_that_no_plugin_touches_is_made_once_and_its_reply_seen(drive: Drive) -> None:
    seen: list[ModelCall] = []

    def send(call: ModelCall) -> ModelReply:
        seen.append(call)
        return said("hello")

    assert drive(compose([Plugin().on_model], CALL, TASK), send) == said("hello")
    assert [call is CALL for call in seen] == [True]


class Politely(Plugin):
    """Changes the call on its way in."""

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        return (yield replace(call, messages=(*call.messages, Message("user", "please"))))


def test_another_call_can_be_made_than_was_asked_for(drive: Drive) -> None:
    reply = drive(compose([Politely().on_model], CALL, TASK), lambda call: said(call.messages[-1].text))
    assert reply.message.text == "please"


class Loudly(Plugin):
    """Changes the reply on its way out."""

    holds_stream = True

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        reply: ModelReply = yield call
        return replace(reply, message=replace(reply.message, text=reply.message.text.upper()))


def test_a_reply_can_be_changed(holding: Drive) -> None:
    assert holding(compose([Loudly().on_model], CALL, TASK), lambda call: said("hello")) == said("HELLO")


class Hit(Plugin):
    """Answers by itself."""

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        found: ModelReply = yield Io(self.look_up, self.alook_up, "key")
        return found

    def look_up(self, key: str) -> ModelReply:
        return said(f"sync {key}")

    async def alook_up(self, key: str) -> ModelReply:
        await asyncio.sleep(0)
        return said(f"async {key}")


def test_a_hit_makes_no_call_and_waits_in_the_way_of_the_driver(drive: Drive) -> None:
    def send(call: ModelCall) -> ModelReply:
        raise AssertionError("the model was called")

    form: str = getattr(drive, "form")  # noqa: B009 a driver of tests/conftest.py
    assert drive(compose([Loudly().on_model, Hit().on_model], CALL, TASK), send) == said(f"{form} key".upper())


class Retry(Plugin):
    """Makes the call again while it fails, three times at most."""

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        for _ in range(2):
            try:
                return (yield call)
            except ConnectionError:
                continue
        return (yield call)


def test_a_failed_call_can_be_made_again(drive: Drive) -> None:
    failures = [ConnectionError(), ConnectionError()]

    def send(call: ModelCall) -> ModelReply:
        if failures:
            raise failures.pop()
        return said("at last")

    assert drive(compose([Retry().on_model], CALL, TASK), send) == said("at last")


def test_retries_nest(drive: Drive) -> None:
    attempts: list[ModelCall] = []

    def send(call: ModelCall) -> ModelReply:
        attempts.append(call)
        raise ConnectionError(len(attempts))

    with pytest.raises(ConnectionError, match="9"):
        drive(compose([Retry().on_model, Retry().on_model], CALL, TASK), send)


class Better(Plugin):
    """Asks again with another model where the first answer is short."""

    holds_stream = True

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        reply: ModelReply = yield call
        if len(reply.message.text) < 5:
            reply = yield replace(call, model="gpt-4o")
        return reply


def test_a_whole_reply_can_be_thrown_away_and_asked_for_again(holding: Drive) -> None:
    reply = holding(
        compose([Better().on_model], CALL, TASK), lambda call: said("long enough" if call.model == "gpt-4o" else "so")
    )
    assert reply == said("long enough")


class OrTheFirst(Plugin):
    """Asks twice; the first answer stands where the second fails."""

    holds_stream = True

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        first: ModelReply = yield call
        try:
            return (yield replace(call, model="gpt-4o"))
        except ConnectionError:
            return first


def test_the_first_reply_can_stand_where_a_second_call_fails(holding: Drive) -> None:
    def send(call: ModelCall) -> ModelReply:
        if call.model == "gpt-4o":
            raise ConnectionError
        return said("the first")

    assert holding(compose([OrTheFirst().on_model], CALL, TASK), send) == said("the first")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_a_call_raises_is_thrown_in_and_comes_out_the_same(drive: Drive, error: type[BaseException]) -> None:
    raised = error("from the model")
    seen: list[BaseException] = []

    class Watches(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            try:
                return (yield call)
            except BaseException as thrown:
                seen.append(thrown)
                yield Io(seen.append, _aappend(seen), thrown)
                raise

    def send(call: ModelCall) -> ModelReply:
        raise raised

    with pytest.raises(error) as caught:
        drive(compose([Watches().on_model], CALL, TASK), send)
    assert caught.value is raised or error is asyncio.CancelledError  # asyncio.run makes a new one
    assert seen == [raised, raised], "thrown in, and waited for while unwinding"


def _aappend(seen: list[BaseException]) -> Callable[[BaseException], asyncio.Future[None]]:
    def append(error: BaseException) -> asyncio.Future[None]:
        seen.append(error)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    return append


def test_what_a_wait_raises_is_thrown_in_too(drive: Drive) -> None:
    class Asks(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            try:
                yield Io(self.fail, self.afail)
            except LookupError:
                return (yield call)
            raise AssertionError("nothing was raised")

        def fail(self) -> None:
            raise LookupError

        async def afail(self) -> None:
            raise LookupError

    assert drive(compose([Asks().on_model], CALL, TASK), lambda call: said("without it")) == said("without it")


def test_an_error_of_the_plugin_itself_comes_out(drive: Drive) -> None:
    class Breaks(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            yield call
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(compose([Plugin().on_model, Breaks().on_model], CALL, TASK), lambda call: said("x"))


def test_an_inner_failure_can_become_an_answer(drive: Drive) -> None:
    class Apologises(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            try:
                return (yield call)
            except ConnectionError:
                return said("sorry")

    def send(call: ModelCall) -> ModelReply:
        raise ConnectionError

    assert drive(compose([Apologises().on_model, Retry().on_model], CALL, TASK), send) == said("sorry")
