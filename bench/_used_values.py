"""Which values of earlier tool results an agent used, and whether it still saw them when it did (see evidence.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from evidence import arguments_of, stands_in, values_in

from leanloop.budgets.message import Message

__all__ = ["said", "seen", "sources", "used"]


def said(message: Message) -> str:
    return message.text + "\n" + "\n".join(map(arguments_of, message.tool_calls))


@lru_cache(maxsize=50_000)
def used(text: str) -> tuple[str, ...]:
    """The values in what an agent said, each once."""
    return tuple(dict.fromkeys(values_in(text)))


@lru_cache(maxsize=4_096)
def _lower(text: str) -> str:
    return text.lower()


def seen(value: str, messages: Sequence[Message]) -> bool:
    """Whether a value stands anywhere in what is sent, the latest first."""
    for message in reversed(messages):
        if stands_in(value, _lower(message.text)):
            return True
        if message.tool_calls and stands_in(value, _lower(said(message))):
            return True
    return False


def sources(value: str, messages: Sequence[Message]) -> Iterator[int]:
    """The places of the tool results that have a value, the latest first."""
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].role == "tool" and stands_in(value, _lower(messages[place].text)):
            yield place
