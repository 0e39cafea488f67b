"""The history a landing is asked on: valid, and short enough for what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leanloop.budgets.message import Message
from leanloop.budgets.tokens import TokenCounter

__all__ = ["answered", "shortened"]

_GAP = "\n[... {:,} characters left out ...]\n"


def answered(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The history with a result for every tool call: providers refuse one that lacks any."""
    given = {message.tool_call_id for message in messages if message.role == "tool"}
    whole: list[Message] = []
    for message in messages:
        whole.append(message)
        whole += [
            Message("tool", "Not run: the task's budget was used up.", tool_call_id=request.id, name=request.name)
            for request in message.tool_calls
            if request.id not in given
        ]
    return tuple(whole)


def shortened(messages: tuple[Message, ...], tokens: int, counter: TokenCounter) -> tuple[Message, ...]:
    """The history in at most about `tokens` tokens: long texts cut in their middle, then the oldest steps dropped.

    System messages, the first user message and the last message are kept; the longest texts of the others
    are cut first, all to one length, found by halving.
    """
    if counter.prompt(messages, ()) <= tokens:
        return messages
    length = max((len(message.text) for message in messages), default=0)
    cut = messages
    while length > 200:
        length //= 2
        cut = tuple(_cut(message, length) if _may_cut(message) else message for message in messages)
        if counter.prompt(cut, ()) <= tokens:
            return cut
    while counter.prompt(cut, ()) > tokens:
        fewer = _without_oldest_step(cut)
        if len(fewer) == len(cut):
            break
        cut = fewer
    return cut


def _may_cut(message: Message) -> bool:
    return message.role in ("tool", "assistant")


def _cut(message: Message, length: int) -> Message:
    text = message.text
    if len(text) <= length:
        return message
    half = length // 2
    return replace(message, text=f"{text[:half]}{_GAP.format(len(text) - 2 * half)}{text[-half:]}", raw=None)


def _without_oldest_step(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Drop the oldest assistant message together with the results of its calls."""
    for index, message in enumerate(messages[:-1]):
        if message.role == "assistant":
            gone = {request.id for request in message.tool_calls}
            return tuple(
                other
                for place, other in enumerate(messages)
                if place != index and not (other.role == "tool" and other.tool_call_id in gone)
            )
    return messages
