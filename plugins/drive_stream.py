"""The streaming driver: chunks pass to the consumer as they arrive, the flow resumes with the whole reply.

If the consumer stops early, `StreamClosed` is thrown into the flow with what had arrived, so that a
reservation is settled there and then. A flow whose stream is held back (`Plugin.holds_stream`, or
`ModelCall.hold_stream`) is shown when it has ended.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import Generic, Protocol, TypeVar

from leanloop.errors import UsageError
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.flow import UNDER_WAY, Abandoned, Io, ModelFlow

__all__ = ["Chunks", "StreamClosed", "astream", "shown", "stream"]

Chunk = TypeVar("Chunk")


class StreamClosed(Abandoned):
    """The consumer of a stream stopped early; `reply` is what had arrived."""

    def __init__(self, reply: ModelReply) -> None:
        self.reply = reply
        super().__init__("the stream was closed before its end")


_SHOWN = "_leanloop_shown"


def shown(error: BaseException) -> bool:
    """Whether it came after chunks had been shown, so that no second call can be made in the place of the one it broke
    off.
    """
    return bool(getattr(error, _SHOWN, False))


class Chunks(Protocol[Chunk]):
    """How an adapter turns chunks into a reply and back."""

    def join(self, chunks: Sequence[Chunk]) -> ModelReply:
        """The whole reply; of no chunks, an empty one."""
        ...

    def split(self, reply: ModelReply) -> Iterable[Chunk]:
        """Chunks for a reply that never was a stream (a cache hit, a landing without a model)."""
        ...


def stream(
    flow: ModelFlow,
    send: Callable[[ModelCall], Generator[Chunk, None, None]],
    chunks: Chunks[Chunk],
    *,
    held: bool = False,
) -> Generator[Chunk, None, None]:
    """Run `flow`, yielding the chunks of the reply it settles on; `held` keeps them until it has ended.

    Raises:
        UsageError: a plugin made a second call, or changed the reply, after chunks had been shown.
    """
    view = _View(chunks, held)
    UNDER_WAY.add(flow)
    try:
        step = next(flow)
        while True:
            value: object
            try:
                if isinstance(step, Io):
                    value = step.run()
                else:
                    view.open(step)
                    with closing(send(step)) as source:
                        try:
                            for chunk in source:
                                if view.passes(chunk):
                                    yield chunk
                        except GeneratorExit:
                            raise view.closed() from None
                    value = view.whole()
            except BaseException as error:  # noqa: BLE001 the flow decides
                step = flow.throw(view.marked(error))
            else:
                step = flow.send(value)
    except (StopIteration, StreamClosed) as end:
        rest = view.rest(end)
    finally:
        UNDER_WAY.discard(flow)
    yield from rest


async def astream(
    flow: ModelFlow,
    send: Callable[[ModelCall], AsyncGenerator[Chunk, None]],
    chunks: Chunks[Chunk],
    *,
    held: bool = False,
) -> AsyncGenerator[Chunk, None]:
    """`stream`, awaited. A cancellation while a chunk is awaited is thrown into the flow."""
    view = _View(chunks, held)
    UNDER_WAY.add(flow)
    try:
        step = next(flow)
        while True:
            value: object
            try:
                if isinstance(step, Io):
                    value = await step.arun()
                else:
                    view.open(step)
                    async with _closing(send(step)) as source:
                        try:
                            async for chunk in source:
                                if view.passes(chunk):
                                    yield chunk
                        except GeneratorExit:
                            raise view.closed() from None
                    value = view.whole()
            except BaseException as error:  # noqa: BLE001 the flow decides
                step = flow.throw(view.marked(error))
            else:
                step = flow.send(value)
    except (StopIteration, StreamClosed) as end:
        rest = view.rest(end)
    finally:
        UNDER_WAY.discard(flow)
    for chunk in rest:
        yield chunk


class _closing(Generic[Chunk]):  # noqa: N801  (a context manager, named as one)
    """`contextlib.aclosing`, but an event loop that ends closes all generators at once, perhaps `source` first.

    No generator itself, as `asynccontextmanager` would make it: the loop would close that too.
    """

    __slots__ = ("_source",)

    def __init__(self, source: AsyncGenerator[Chunk, None]) -> None:
        self._source = source

    async def __aenter__(self) -> AsyncGenerator[Chunk, None]:
        return self._source

    async def __aexit__(self, *_: object) -> None:
        if not getattr(self._source, "ag_running", False):
            await self._source.aclose()


class _View(Generic[Chunk]):
    """What the consumer has been shown of the calls so far, and so what may still follow."""

    def __init__(self, chunks: Chunks[Chunk], held: bool) -> None:
        self._chunks = chunks
        self._held = held
        self._passing = False
        self._began = False
        self._over = False
        self._arrived: list[Chunk] = []
        self._shown: ModelReply | None = None
        self._replies: list[tuple[ModelReply, list[Chunk]]] = []

    def open(self, call: ModelCall) -> None:
        if self._began:
            raise UsageError(
                "A plugin made a second call after chunks had been shown; set holds_stream = True on it, "
                "so that chunks wait for its decision."
            )
        self._arrived = []
        self._passing = not (self._held or call.hold_stream)

    def passes(self, chunk: Chunk) -> bool:
        self._arrived.append(chunk)
        self._began = self._began or self._passing
        return self._passing

    def whole(self) -> ModelReply:
        reply = self._chunks.join(self._arrived)
        self._replies.append((reply, self._arrived))
        self._shown = reply if self._began else None
        return reply

    def marked(self, error: BaseException) -> BaseException:
        if self._began:
            with contextlib.suppress(AttributeError):  # one that takes no attributes
                setattr(error, _SHOWN, True)
        return error

    def closed(self) -> StreamClosed:
        self._over = True
        return StreamClosed(self._chunks.join(self._arrived))

    def rest(self, end: StopIteration | StreamClosed) -> Iterable[Chunk]:
        if self._over or isinstance(end, StreamClosed):
            return ()
        reply: ModelReply = end.value
        if self._began:
            if self._shown is None or not _same(reply, self._shown):
                raise UsageError(
                    "A plugin changed a reply after its chunks were shown; set holds_stream = True on it, so that they "
                    "wait for its decision."
                )
            return ()
        held = next((chunks for whole, chunks in self._replies if _same(whole, reply)), None)
        return self._chunks.split(reply) if held is None else held


def _same(one: ModelReply, other: ModelReply) -> bool:
    """Whether the consumer is shown the same; what was billed for it may be more than the last call alone."""
    return one is other or (one.message is other.message and one.raw is other.raw and one.hit == other.hit)
