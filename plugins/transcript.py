"""The neutral form of a history that grows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from leanloop.budgets.message import Message

__all__ = ["Transcript"]

Raw = TypeVar("Raw")


class Transcript(Generic[Raw]):
    """Only what is new in a history, or has changed, is converted.

    Messages are compared by identity first, so an unchanged history of any length costs next to
    nothing. A message edited in place is not noticed.

    Args:
        convert: from a framework's message to the neutral one, which keeps it in `raw`.
    """

    def __init__(self, convert: Callable[[Raw], Message]) -> None:
        self._convert = convert
        self._lock = threading.Lock()
        self._raw: list[Raw] = []
        self._neutral: tuple[Message, ...] = ()
        self._expected: dict[int, Message] = {}
        self._system: Message | None = None

    def expect(self, message: Message) -> None:
        """A message just made, which the history will hold next: it need not be converted again."""
        with self._lock:
            self._expected[id(message.raw)] = message

    def of(self, messages: Sequence[Raw]) -> tuple[Message, ...]:
        """`messages` as neutral ones."""
        raw = list(messages)
        with self._lock:
            known = len(self._raw)
            if raw[:known] != self._raw:
                known = _common(raw, self._raw)
            if known < len(raw) or known < len(self._raw):
                new = tuple(self._new(message) for message in raw[known:])
                self._raw = raw
                self._neutral = self._neutral[:known] + new
                self._expected.clear()
            return self._neutral

    def _new(self, message: Raw) -> Message:
        known = self._expected.get(id(message))
        return known if known is not None and known.raw is message else self._convert(message)

    def system(self, message: Raw) -> Message:
        """The system message, which stands apart in some frameworks and mostly stays the same."""
        known = self._system
        if known is None or known.raw is not message:
            known = self._system = self._convert(message)
        return known

    def clear(self) -> None:
        """Let go of the messages."""
        with self._lock:
            self._raw, self._neutral, self._system = [], (), None
            self._expected.clear()


def _common(raw: Sequence[Raw], old: Sequence[Raw]) -> int:
    """How many leading messages are the same in both."""
    for index, (message, other) in enumerate(zip(raw, old, strict=False)):
        if message is not other and message != other:
            return index
    return min(len(raw), len(old))
