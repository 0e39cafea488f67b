"""Streams: what the consumer is shown and when, and what a plugin learns of one that ends early."""

# mypy: disable-error-code="no-any-return"
# "return (yield call)" is what a plugin's author writes; what a yield gives depends on what was yielded.

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from typing import Any

import pytest

from leanloop import Budget, Io, Message, ModelCall, ModelFlow, ModelReply, Plugin, StreamClosed, Task, UsageError
from leanloop.plugins.drive_stream import astream, stream
from leanloop.plugins.flow import compose
from leanloop.plugins.stack import Stack

CALL = ModelCall("gpt-4o-mini", (Message("user", "hi"),))
TASK = Task(Budget(agent="a"))


class Letters:
    """A chunk is a letter."""

    def join(self, chunks: Sequence[str]) -> ModelReply:
        return ModelReply(Message("assistant", "".join(chunks)))

    def split(self, reply: ModelReply) -> Iterable[str]:
        return [f"<{reply.message.text}>"]


class Source:
    """A model that streams its answers, one for each call; knows how far it came and whether it was closed."""

    def __init__(self, *answers: str, fails: int | None = None) -> None:
        self.answers = iter(answers)
        self.sent: list[str] = []
        self.closed = 0
        self.fails = fails

    def __call__(self, call: ModelCall) -> Generator[str, None, None]:
        try:
            yield from self._letters()
        finally:
            self.closed += 1

    async def aio(self, call: ModelCall) -> AsyncGenerator[str, None]:
        try:
            for letter in self._letters():
                await asyncio.sleep(0)
                yield letter
        finally:
            await asyncio.sleep(0)
            self.closed += 1

    def _letters(self) -> Iterator[str]:
        for index, letter in enumerate(next(self.answers)):
            if index == self.fails:
                raise ConnectionError("cut off")
            self.sent.append(letter)
            yield letter


class Watches(Plugin):
    """Keeps what came of the call, and waits for something while it unwinds."""

    def __init__(self) -> None:
        self.ends: list[object] = []

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        try:
            reply: ModelReply = yield call
        except BaseException as error:
            yield Io(self.ends.append, self._append, error)
            raise
        yield Io(self.ends.append, self._append, reply.message.text)
        return reply

    async def _append(self, end: object) -> None:
        await asyncio.sleep(0)
        self.ends.append(end)

    @property
    def closed(self) -> StreamClosed:
        (end,) = self.ends
        assert isinstance(end, StreamClosed)
        return end


class Twice(Plugin):
    """Makes every call twice."""

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        yield call
        return (yield call)


class Shouts(Plugin):
    """Changes the reply."""

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        reply: ModelReply = yield call
        return replace(reply, message=replace(reply.message, text=reply.message.text.upper()))


def flow(*plugins: Plugin, call: ModelCall = CALL) -> ModelFlow:
    return compose([plugin.on_model for plugin in plugins], call, TASK)


def test_chunks_pass_as_they_arrive() -> None:
    source, watches = Source("abc"), Watches()
    chunks = stream(flow(watches), source, Letters())
    for letter in "abc":
        assert next(chunks) == letter
        assert source.sent[-1] == letter
        assert not watches.ends
    assert list(chunks) == []
    assert watches.ends == ["abc"]
    assert source.closed == 1


async def test_chunks_pass_as_they_arrive_async() -> None:
    source, watches = Source("abc"), Watches()
    seen: list[str] = []
    async for letter in astream(flow(watches), source.aio, Letters()):
        seen.append(letter)
        assert source.sent == seen
        assert not watches.ends
    assert seen == ["a", "b", "c"]
    assert watches.ends == ["abc"]
    assert source.closed == 1


@pytest.mark.parametrize(("held", "hold_stream"), [(True, False), (False, True)])
def test_a_held_stream_is_shown_when_the_flow_has_ended(held: bool, hold_stream: bool) -> None:
    source, watches = Source("abc"), Watches()
    call = replace(CALL, hold_stream=hold_stream)
    chunks = stream(flow(watches, call=call), source, Letters(), held=held)
    assert next(chunks) == "a"
    assert source.sent == ["a", "b", "c"]
    assert watches.ends == ["abc"]
    assert list(chunks) == ["b", "c"]


@pytest.mark.parametrize(("held", "hold_stream"), [(True, False), (False, True)])
async def test_a_held_stream_is_shown_when_the_flow_has_ended_async(held: bool, hold_stream: bool) -> None:
    source, watches = Source("abc"), Watches()
    call = replace(CALL, hold_stream=hold_stream)
    chunks = astream(flow(watches, call=call), source.aio, Letters(), held=held)
    assert await anext(chunks) == "a"
    assert watches.ends == ["abc"]
    assert [letter async for letter in chunks] == ["b", "c"]


def test_a_reply_that_never_was_a_stream_is_split() -> None:
    class Hit(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            yield from ()
            return ModelReply(Message("assistant", "known"))

    assert list(stream(flow(Hit()), Source(), Letters())) == ["<known>"]


def test_a_held_reply_that_was_changed_is_split() -> None:
    assert list(stream(flow(Shouts()), Source("abc"), Letters(), held=True)) == ["<ABC>"]


def test_a_held_reply_keeps_its_own_chunks_where_a_later_call_is_not_used() -> None:
    class First(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            first: ModelReply = yield call
            yield call
            return first

    assert list(stream(flow(First()), Source("abc", "xyz"), Letters(), held=True)) == ["a", "b", "c"]


def test_an_empty_stream_is_an_empty_reply() -> None:
    watches = Watches()
    assert list(stream(flow(watches), Source(""), Letters())) == []
    assert watches.ends == [""]


def test_a_second_call_after_chunks_were_shown_says_what_to_set() -> None:
    source = Source("abc", "xyz")
    chunks = stream(flow(Twice()), source, Letters())
    shown: list[str] = []
    with pytest.raises(UsageError, match=r"second call after chunks had been shown; set holds_stream = True"):
        shown.extend(chunks)
    assert source.sent == ["a", "b", "c"], "the second call was never made"


async def test_a_second_call_after_chunks_were_shown_says_what_to_set_async() -> None:
    source = Source("abc", "xyz")
    with pytest.raises(UsageError, match=r"second call after chunks had been shown"):
        assert [chunk async for chunk in astream(flow(Twice()), source.aio, Letters())]
    assert source.sent == ["a", "b", "c"]


def test_the_same_plugin_may_call_twice_while_the_stream_is_held() -> None:
    assert list(stream(flow(Twice()), Source("abc", "xyz"), Letters(), held=True)) == ["x", "y", "z"]


def test_a_reply_changed_after_its_chunks_were_shown_says_what_to_set() -> None:
    with pytest.raises(UsageError, match=r"changed a reply after its chunks were shown; set holds_stream = True"):
        list(stream(flow(Shouts()), Source("abc"), Letters()))


async def test_a_reply_changed_after_its_chunks_were_shown_says_what_to_set_async() -> None:
    with pytest.raises(UsageError, match="changed a reply after its chunks were shown"):
        assert [chunk async for chunk in astream(flow(Shouts()), Source("abc").aio, Letters())]


def test_an_earlier_reply_cannot_stand_in_for_one_that_was_shown_in_part() -> None:
    class FallsBack(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            first: ModelReply = yield replace(call, hold_stream=True)
            try:
                return (yield call)
            except ConnectionError:
                return first

    shown: list[str] = []
    with pytest.raises(UsageError, match="changed a reply"):
        shown.extend(stream(flow(FallsBack()), Source("a", "xyz", fails=2), Letters()))


class Retries(Plugin):
    """Makes the call again where the connection was lost."""

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        try:
            return (yield call)
        except ConnectionError:
            return (yield call)


class FailsFirst(Source):
    """The first stream breaks off before its first letter."""

    def _letters(self) -> Iterator[str]:
        answer = next(self.answers)
        if not answer:
            raise ConnectionError
        yield from answer


def test_a_call_that_failed_before_its_first_chunk_can_be_made_again() -> None:
    assert list(stream(flow(Retries()), FailsFirst("", "abc"), Letters())) == ["a", "b", "c"]


def test_one_that_failed_after_chunks_were_shown_can_not() -> None:
    with pytest.raises(UsageError, match="second call after chunks had been shown"):
        list(stream(flow(Retries()), Source("abc", "abc", fails=1), Letters()))


def test_a_stream_that_breaks_off_raises_after_what_had_come() -> None:
    watches, source, shown = Watches(), Source("abc", fails=2), list[str]()
    with pytest.raises(ConnectionError, match="cut off"):
        shown.extend(_seen(stream(flow(watches), source, Letters()), shown))
    assert shown == ["a", "b"]
    assert isinstance(watches.ends[0], ConnectionError)
    assert source.closed == 1


def _seen(chunks: Iterable[str], shown: list[str]) -> list[str]:
    for chunk in chunks:
        shown.append(chunk)  # noqa: PERF402 what was seen before it broke off counts
    return []


def test_a_stream_closed_early_tells_the_plugin_what_had_arrived() -> None:
    source, watches = Source("abc"), Watches()
    with closing(stream(flow(Plugin(), watches), source, Letters())) as chunks:
        assert (next(chunks), next(chunks)) == ("a", "b")
    assert watches.closed.reply.message.text == "ab"
    assert source.closed == 1


async def test_a_stream_closed_early_tells_the_plugin_what_had_arrived_async() -> None:
    source, watches = Source("abc"), Watches()
    async with aclosing(astream(flow(Plugin(), watches), source.aio, Letters())) as chunks:
        assert (await anext(chunks), await anext(chunks)) == ("a", "b")
    assert watches.closed.reply.message.text == "ab"
    assert source.closed == 1


def test_a_stream_left_to_the_garbage_collector_unwinds_too() -> None:
    source, watches = Source("abc"), Watches()
    chunks = stream(flow(watches), source, Letters())
    next(chunks)
    del chunks
    gc.collect()
    assert watches.closed.reply.message.text == "a"
    assert source.closed == 1


async def test_a_stream_left_to_the_garbage_collector_unwinds_too_async() -> None:
    source, watches = Source("abc"), Watches()
    async for _ in astream(flow(watches), source.aio, Letters()):
        break
    gc.collect()
    for _ in range(20):  # the loop closes a dropped generator in a task of its own
        await asyncio.sleep(0)
    assert watches.closed.reply.message.text == "a"
    assert source.closed == 1


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_stream_unwinds_once_when_a_loop_that_ends_closes_all_generators_at_once(newest_first: bool) -> None:
    source, watches = Source("abc"), Watches()
    begun: list[AsyncGenerator[Any, Any]] = []
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=begun.append)
    try:
        outer = astream(flow(watches), source.aio, Letters())
        await anext(outer)
    finally:
        sys.set_asyncgen_hooks(*hooks)
    ends = begun[::-1] if newest_first else begun
    # As asyncio's shutdown_asyncgens does; closing one that is being closed already is an error it puts up with.
    told = await asyncio.gather(*(generator.aclose() for generator in ends), return_exceptions=True)
    assert not [error for error in told if error is not None and "already running" not in str(error)]
    assert watches.closed.reply.message.text == "a"
    assert len(watches.ends) == 1
    assert source.closed == 1


def test_a_stream_never_begun_makes_no_call() -> None:
    source, watches = Source("abc"), Watches()
    stream(flow(watches), source, Letters()).close()
    assert not watches.ends
    assert not source.sent


def test_a_held_stream_closed_early_had_come_to_its_end() -> None:
    watches = Watches()
    with closing(stream(flow(watches), Source("abc"), Letters(), held=True)) as chunks:
        next(chunks)
    assert watches.ends == ["abc"]


def test_a_plugin_may_answer_a_close_with_a_reply_nobody_sees() -> None:
    class Keeps(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            try:
                return (yield call)
            except StreamClosed as closed:
                return closed.reply

    chunks = stream(flow(Keeps()), Source("abc"), Letters())
    next(chunks)
    chunks.close()
    assert list(chunks) == []


def test_a_plugin_cannot_make_another_call_for_a_consumer_that_is_gone() -> None:
    class Insists(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            try:
                return (yield call)
            except StreamClosed:
                return (yield call)

    source = Source("abc", "xyz")
    chunks = stream(flow(Insists()), source, Letters())
    next(chunks)
    with pytest.raises(UsageError, match="second call"):
        chunks.close()
    assert source.sent == ["a"]


def test_an_exception_thrown_into_the_stream_is_thrown_into_the_flow() -> None:
    source, watches = Source("abc"), Watches()
    chunks = stream(flow(watches), source, Letters())
    next(chunks)
    with pytest.raises(KeyboardInterrupt):
        chunks.throw(KeyboardInterrupt())
    assert isinstance(watches.ends[0], KeyboardInterrupt)
    assert source.closed == 1


async def test_a_cancellation_while_a_chunk_is_awaited_is_thrown_into_the_flow() -> None:
    watches, waiting = Watches(), asyncio.Event()

    async def stuck(call: ModelCall) -> AsyncGenerator[str, None]:
        yield "a"
        waiting.set()
        await asyncio.Event().wait()
        yield "never"

    async def consume() -> list[str]:
        return [chunk async for chunk in astream(flow(watches), stuck, Letters())]

    consumer = asyncio.create_task(consume())
    await waiting.wait()
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert isinstance(watches.ends[0], asyncio.CancelledError)


async def test_a_cancellation_while_the_consumer_is_busy_closes_the_stream() -> None:
    source, watches, busy = Source("abc"), Watches(), asyncio.Event()

    async def consume() -> None:
        async with aclosing(astream(flow(watches), source.aio, Letters())) as chunks:
            async for _ in chunks:
                busy.set()
                await asyncio.Event().wait()

    consumer = asyncio.create_task(consume())
    await busy.wait()
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert watches.closed.reply.message.text == "a"
    assert source.closed == 1


@pytest.mark.parametrize("holds", [False, True])
def test_a_stack_holds_its_streams_when_one_plugin_says_so(holds: bool) -> None:
    class MayReject(Plugin):
        holds_stream = holds

    assert Stack([Plugin(), MayReject()]).holds_stream is holds


def test_closing_twice_is_no_error() -> None:
    close: Callable[[], None]
    chunks = stream(flow(Watches()), Source("abc"), Letters())
    next(chunks)
    close = chunks.close
    close()
    close()
