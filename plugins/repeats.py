"""Finding repetition in a history, from the messages alone.

A step is a tool call with its result. Comparing calls only would flag a fifth of successful coding
runs (scrolling, running the tests again); comparing (call, result) pairs flags a twentieth of them
(docs/decisions.md has the measurement).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from leanloop.budgets.message import Message, ToolRequest
from leanloop.plugins.results.shown_parts import ShownParts

__all__ = [
    "NO_PARTS",
    "REPEATED",
    "Step",
    "alike_arguments",
    "cycle_in",
    "last_steps",
    "may_repeat",
    "same_arguments",
    "since_news",
    "will_change",
]

NO_PARTS = ShownParts()
"""Of a history in which every result shows all of it."""

_EXACT = 2**53  # below which every whole number is one of its own as a float
_LOOKED_AT = 2_000
_PASSING = re.compile(
    r"\b(?:pending|queued|waiting|in[ _]progress|running|processing|not ready|not yet|try(?:ing)? again|retry"
    r"|rate.?limit|too many requests|time[ds]?.?out|temporar\w+|unavailable|overloaded|busy"
    r"|connection (?:reset|refused)|429|502|503|504)\b",
    re.IGNORECASE,
)

REPEATED = "[repeated call, not run again]"
"""Begins a result that was answered from an earlier one."""


class Step(NamedTuple):
    """A tool call and what came of it.

    Attributes:
        whole: the handle of the result, of which the answer shows a part; None where it shows all. The same result is
            shown in another part where less room was left for it.
    """

    request: ToolRequest
    answer: Message
    whole: str | None = None

    @property
    def replayed(self) -> bool:
        """Whether the result was given from an earlier one."""
        return self.answer.text.startswith(REPEATED)

    @property
    def result(self) -> str:
        """What the tool gave, also where it was given again."""
        return _result_in(self.answer.text)

    def same_result(self, other: Step) -> bool:
        """Whether both came to the same."""
        alike = self.result == other.result if self.whole is None else self.whole == other.whole
        return alike and self.answer.is_error == other.answer.is_error

    def same_call(self, other: Step) -> bool:
        """Whether both asked the same tool for the same, but for blanks."""
        return self.request.name == other.request.name and alike_arguments(self.request.arguments) == alike_arguments(
            other.request.arguments
        )

    def same(self, other: Step) -> bool:
        """Whether both asked for the same and came to the same."""
        return self.same_result(other) and self.same_call(other)


def may_repeat(messages: Sequence[Message], count: int, parts: ShownParts = NO_PARTS) -> bool:
    """Whether the last `count` steps can hold any repetition: quick, and False for nearly every call.

    Every repetition shows in its results: equal ones, failed ones, or one that was given again.
    """
    texts: list[str] = []
    for message in reversed(messages):
        if message.role == "tool":
            if message.is_error or message.text.startswith(REPEATED):
                return True
            texts.append(message.text)
            if len(texts) >= count:
                break
        elif message.role == "user":
            break
    return len(parts.wholes(texts)) < len(texts)


def last_steps(messages: Sequence[Message], count: int, parts: ShownParts = NO_PARTS) -> tuple[list[Step], int]:
    """The last `count` answered tool calls since the last user message, oldest first, and how many of
    them the latest assistant message asked for.

    Args:
        messages: the history.
        count: how many.
        parts: which results show a part of what.
    """
    answers: dict[str, Message] = {}
    steps: list[Step] = []
    newest = 0
    for message in reversed(messages):
        if message.role == "user" or len(steps) >= count:
            break
        if message.role == "tool":
            if message.tool_call_id is not None:
                answers[message.tool_call_id] = message
            continue
        for request in reversed(message.tool_calls):
            answer = answers.pop(request.id, None)
            if answer is not None and len(steps) < count:
                steps.append(Step(request, answer, parts.handle_of(_result_in(answer.text))))
        newest = newest or len(steps)
    steps.reverse()
    return steps, newest


def _result_in(text: str) -> str:
    """What the tool gave, without the line above one that was given again."""
    return text.partition("\n")[2] if text.startswith(REPEATED) else text


@lru_cache(maxsize=256)
def same_arguments(arguments: str) -> str:
    """Arguments in one canonical spelling, so that key order and spacing make no difference."""
    try:
        return json.dumps(json.loads(arguments), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return arguments


@lru_cache(maxsize=256)
def alike_arguments(arguments: str) -> str:
    """The same where `1.0` is `1`, and blanks around and between the words of a text are none: to see a loop by, not to
    answer from, since a tool may tell them apart.
    """
    try:
        found = json.loads(same_arguments(arguments), parse_float=_number, object_pairs_hook=_without_blanks)
        return json.dumps(found, separators=(",", ":"))
    except (ValueError, RecursionError):
        return arguments


def _without_blanks(members: list[tuple[str, object]]) -> dict[str, object]:
    return {name: " ".join(value.split()) if isinstance(value, str) else value for name, value in members}


def _number(written: str) -> float:
    number = float(written)
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def since_news(steps: Sequence[Step], step: Step) -> Sequence[Step]:
    """The steps since the last that may have changed what `step` gives: a call of something else that did not fail, and
    is none of those that come again themselves. After an edit the same test is no repetition.
    """
    for place in range(len(steps) - 1, -1, -1):
        one = steps[place]
        if not one.answer.is_error and not one.same_call(step) and sum(map(one.same, steps)) == 1:
            return steps[place + 1 :]
    return steps


def will_change(result: str) -> bool:
    """Whether a result says of itself that it is not the last word: what is busy, pending or failed for the moment."""
    return _PASSING.search(result, 0, _LOOKED_AT) is not None


def cycle_in(steps: Sequence[Step], times: int, longest: int) -> Sequence[Step]:
    """The last steps that came `times` times in the same order: A, B, A, B ... or A, B, C, A, B, C ...; none if empty.

    Two of them at least are different calls, and no more than `longest`.
    """
    for period in range(2, longest + 1):
        tail = steps[-period * times :]
        if len(tail) < period * times:
            return ()
        first = tail[:period]
        if first[0].same_call(first[1]):
            continue
        if all(step.same(first[place % period]) for place, step in enumerate(tail)):
            return first
    return ()
