"""The history a landing is asked on: valid, and short enough for what is left; or told as it is, without a model."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from leanloop.budgets.message import Message
from leanloop.budgets.tokens import TokenCounter
from leanloop.errors import TaskStopped

__all__ = ["answered", "gathered", "shortened"]

_GAP = "\n[... {:,} characters left out ...]\n"
_WORTH_CUTTING = 200
"""Characters. The note of what was left out costs about a dozen tokens itself."""


def answered(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The history with a result for every tool call: providers refuse one that lacks any.

    A result belongs to the assistant message before it; an id alone does not tell, some models use one again.
    """
    whole: list[Message] = []
    given: set[str | None] = set()
    for message in reversed(messages):
        if message.role == "tool":
            given.add(message.tool_call_id)
        elif message.role == "assistant":
            whole += [
                Message("tool", "Not run: the task's budget was used up.", tool_call_id=request.id, name=request.name)
                for request in reversed(message.tool_calls)
                if request.id not in given
            ]
            given = set()
        whole.append(message)
    return tuple(reversed(whole))


def gathered(messages: Sequence[Message], stop: TaskStopped) -> str:
    """An answer from the history alone: the last thing said and the latest results."""
    parts = [f"This task stopped before it was finished. {stop.reason}"]
    said = next((m.text for m in reversed(messages) if m.role == "assistant" and m.text.strip()), "")
    if said:
        parts.append(f"Last said:\n{_clip(said)}")
    results = [message for message in messages if message.role == "tool" and message.text.strip()][-3:]
    parts += [f"Result of {message.name or 'a tool'}:\n{_clip(message.text)}" for message in results]
    return "\n\n".join(parts)


def _clip(text: str, length: int = 1_000) -> str:
    return text if len(text) <= length else f"{text[:length]} [... {len(text) - length:,} characters more]"


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
    steps = sum(message.role == "assistant" for message in cut[:-1])
    fewest = bisect_left(
        range(steps), True, key=lambda count: counter.prompt(_without_oldest(cut, count), ()) <= tokens
    )
    return _without_oldest(cut, fewest)


def _may_cut(message: Message) -> bool:
    return message.role in ("tool", "assistant")


def _cut(message: Message, length: int) -> Message:
    text = message.text
    if len(text) <= length + _WORTH_CUTTING:
        return message
    half = length // 2
    return replace(message, text=f"{text[:half]}{_GAP.format(len(text) - 2 * half)}{text[-half:]}", raw=None)


def _without_oldest(messages: tuple[Message, ...], count: int) -> tuple[Message, ...]:
    """Drop the `count` oldest assistant messages, each together with the results of its calls."""
    kept: list[Message] = []
    begun = 0
    for message in messages:
        begun += message.role == "assistant"
        if message.role not in ("assistant", "tool") or not 0 < begun <= count:
            kept.append(message)
    return tuple(kept)
