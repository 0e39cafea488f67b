"""What was exchanged with cognitive tools within steps of an agent, put back where it was said.

The framework is shown a step's last reply only. So that later calls begin as the ones before them did, byte for byte,
and the model keeps what it thought, each exchange is sent again at its place, as `leanloop.plugins.notes` does with
notes. It is kept as long as the task is held in this process; a run that is resumed in another one goes on without, and
reads its prefix from the provider's cache up to that place only.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from leanloop.budgets.message import Message

__all__ = ["Exchanges"]

_NOTES = 3
"""As many notes to the model as may be given between two attempts of one step."""


@dataclass(slots=True)
class _Exchange:
    """What was said behind so many messages, the last of them `after`.

    `reply`: the answer to it as the model made it, with calls that the framework was not shown; `answers` are theirs.
    """

    agent: str
    position: int
    after: Message
    said: list[Message] = field(default_factory=list[Message])
    reply: Message | None = None
    answers: tuple[Message, ...] = ()


class Exchanges:
    """Those of one task."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._kept: list[_Exchange] = []

    def add(self, agent: str, history: tuple[Message, ...], said: tuple[Message, ...]) -> None:
        """`said` was exchanged behind `history` and what was exchanged there before."""
        with self._lock:
            self._at(agent, history).said.extend(said)

    def replied(self, agent: str, history: tuple[Message, ...], reply: Message, answers: tuple[Message, ...]) -> None:
        """`reply` asked for tools of the framework and for cognitive ones, and these gave `answers`."""
        with self._lock:
            at = self._at(agent, history)
            at.reply, at.answers = reply, answers

    def apply(self, agent: str, history: tuple[Message, ...]) -> tuple[Message, ...]:
        """`history` with all that belongs into it; what has lost its place (an edited history) is left out."""
        with self._lock:
            mine = [(place, one) for one in self._kept if one.agent == agent and (place := _place(one, history))]
        if not mine:
            return history
        parts: list[Message] = []
        start = 0
        for place, one in sorted(mine, key=lambda pair: pair[0]):
            parts += history[start:place]
            parts += one.said
            start = place
            if one.reply is not None and start < len(history) and _shows(history[start], one.reply, one.answers):
                parts.append(one.reply)
                start += 1
                while start < len(history) and history[start].role == "tool":
                    parts.append(history[start])
                    start += 1
                parts += one.answers
        return (*parts, *history[start:])

    def _at(self, agent: str, history: tuple[Message, ...]) -> _Exchange:
        for one in self._kept:
            if one.agent == agent and one.position == len(history) and _place(one, history) == one.position:
                return one
        self._kept.append(made := _Exchange(agent, len(history), history[-1]))
        return made


def _place(one: _Exchange, history: tuple[Message, ...]) -> int | None:
    """Behind how many messages it belongs; None where its place is gone. Notes may have come before it meanwhile."""
    for place in range(one.position, min(one.position + _NOTES, len(history)) + 1):
        there = history[place - 1]
        if there == one.after or (there.role == "tool" and there.tool_call_id == one.after.tool_call_id is not None):
            return place
    return None


def _shows(shown: Message, reply: Message, answers: tuple[Message, ...]) -> bool:
    """Whether a message of the framework is what was left of a reply: one whose calls somebody edited, or took out, is
    not, and what the model is sent is then what was run.
    """
    answered = {answer.tool_call_id for answer in answers}
    left = tuple(request for request in reply.tool_calls if request.id not in answered)
    return shown.role == "assistant" and shown.tool_calls == left
