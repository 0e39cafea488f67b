"""Where a provider that must be told is told to cache the prompt.

Anthropic's rules (https://platform.claude.com/docs/en/build-with-claude/prompt-caching): tools come before the system
prompt, which comes before the messages; at most 4 breakpoints; at each, the provider looks back over at most 20 blocks
for what an earlier call has written; a prefix below a least length is not cached; what is new up to a breakpoint is
written at 1.25 times the price of input; another `tool_choice` makes the messages' part of the cache useless, not that
of tools and system prompt. A breakpoint by itself costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leanloop.budgets.message import Message

__all__ = ["BEHIND_TOOLS", "LOOKBACK", "MARKED", "MOST", "Sizes", "cache_marks"]

MARKED = frozenset({"anthropic"})
"""The providers that cache only where they are told to; the others find the longest prefix by themselves."""

BEHIND_TOOLS = -1
LOOKBACK = 20
MOST = 4
_APART = LOOKBACK - 5  # a step between two places has several blocks


class Sizes(NamedTuple):
    """Tokens of a prompt's parts, each with all before it, and the least that the model's provider caches."""

    tools: int
    system: int
    whole: int
    least: int


def cache_marks(messages: Sequence[Message], sizes: Sizes, written: int | None, *, goes_on: bool) -> tuple[int, ...]:
    """The places for breakpoints, ascending, at most four.

    Behind the tools and the system prompt, for other tasks of the agent; where the previous call has `written`, to be
    found however many blocks came since; and behind the last message, for the next call. Where nothing is known to be
    written (another task's call may have), the places left stand within one look back of each other.

    Args:
        messages: what is sent, the system prompt first.
        sizes: of it.
        written: the place of the latest breakpoint up to which this task has sent the same before.
        goes_on: another call will follow; a last one only reads.
    """
    first = 1 if messages and messages[0].role == "system" else 0
    head = [BEHIND_TOOLS] * (sizes.tools >= sizes.least) + [0] * (first == 1 and sizes.system >= sizes.least)
    last = next((place for place in range(len(messages) - 1, first - 1, -1) if _can_be_marked(messages[place])), None)
    if not goes_on or last is None or sizes.whole < sizes.least:
        return tuple(head)
    body = [last]
    if written is not None and first <= written < last and _can_be_marked(messages[written]):
        body.append(written)
    elif written is None:
        body += _spaced(messages, first, last, MOST - len(head) - 1)
    return (*head, *sorted(body))


def _spaced(messages: Sequence[Message], first: int, last: int, count: int) -> list[int]:
    """Up to `count` places before `last`, each a little nearer to the next than the provider looks back."""
    places: list[int] = []
    passed = 0
    for place in range(last, first - 1, -1):
        if len(places) == count:
            break
        if passed >= _APART and _can_be_marked(messages[place]):
            places.append(place)
            passed = 0
        passed += _blocks(messages[place])
    return places


def _blocks(message: Message) -> int:
    return max(1, bool(message.text) + len(message.tool_calls) + len(message.images))


def _can_be_marked(message: Message) -> bool:
    """A block of text or a tool's result; not what the model wrote (thinking cannot be marked) nor an empty text."""
    return message.role in ("user", "tool") and bool(message.text.strip() or message.images)
