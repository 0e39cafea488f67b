"""The history of one task as it is sent: with a line in the place of each result that is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from leanloop.budgets.message import Message, ToolRequest
from leanloop.plugins.cleared import Answer, Cleared
from leanloop.plugins.clearing import Part, Prompt
from leanloop.plugins.needs import Seen, needed
from leanloop.plugins.result_uses import ResultUses
from leanloop.plugins.results.ask import READ_RESULT

__all__ = ["SentHistory", "ToolAnswer", "Totals"]


@dataclass(slots=True, eq=False)
class ToolAnswer:
    """A tool result that is sent as it came.

    Attributes:
        place: where it stands.
        name: by which decisions about it are found again.
        request: the call it answers.
        saved: tokens less with a line in its place; 0 where it is to stay.
        since: the model call from which on it could have been cleared; None while it could not.
        needed_by: the place of the latest result that says "the same as that one"; -1 where there is none.
    """

    place: int
    name: Answer
    request: ToolRequest
    message: Message
    saved: int = 0
    since: int | None = None
    needed_by: int = -1


class Totals(NamedTuple):
    """Tokens of a prompt as it is sent and bare, as the history has it; `known` is what of it the call before began
    with too.
    """

    sent: int
    sent_known: int
    bare: int
    bare_known: int


class SentHistory:
    """Follows one history as it grows; what is new in it is looked at once.

    Args:
        cleared: the task's decisions.
        count: tokens that a message adds to a prompt.

    Attributes:
        sent: what is sent, message by message.
        made: how many messages the latest call had.
        uses: which results the agent draws on.
        seen: what of that is new since it was last taken.
    """

    def __init__(self, cleared: Cleared, count: Callable[[Message], int]) -> None:
        self.sent: list[Message] = []
        self.made = 0
        self.uses = ResultUses()
        self.seen: list[Seen] = []
        self._cleared = cleared
        self._count = count
        self._history: tuple[Message, ...] = ()
        self._sizes: list[int] = []
        self._bare: list[int] = []
        self._results: list[int] = []
        self._answers: dict[int, ToolAnswer] = {}
        self._answered: dict[Answer, int] = {}
        self._times: Counter[str] = Counter()
        self._requests: dict[str, ToolRequest] = {}

    def follow(self, history: tuple[Message, ...]) -> list[ToolAnswer]:
        """Take in what is new; gives the results among it that no decision is about. An edited history is cut back."""
        known = len(self._history)
        if history[:known] != self._history:
            known = _common(self._history, history)
            self._cut(known)
        found = [answer for place in range(known, len(history)) if (answer := self._add(place, history[place]))]
        self._history = history
        return found

    def same_as(self, answer: ToolAnswer) -> ToolAnswer | None:
        """An earlier result that says the same and is sent as it came."""
        message = answer.message
        if message.images or message.other_tokens:
            return None
        for other in self._answers.values():
            said = other.message
            if other.place < answer.place and said.text == message.text and said.is_error == message.is_error:
                return other
        return None

    def clearable(self, keep: int, least: int, step: int) -> list[ToolAnswer]:
        """The results that may be cleared and save more than `least` tokens, oldest first.

        Not the latest `keep`, nor what one of those points at, nor any that the model was not shown yet.
        """
        behind = len(self._results) - keep
        border = self._results[behind] if 0 <= behind < len(self._results) else len(self.sent) if behind >= 0 else 0
        found: list[ToolAnswer] = []
        for answer in self._answers.values():
            if answer.place < min(border, self.made) and answer.saved > least and answer.needed_by < border:
                answer.since = step if answer.since is None else answer.since
                found.append(answer)
        return found

    def replace(
        self, answer: ToolAnswer, line: Message, behind: ToolAnswer | None = None, alone: Message | None = None
    ) -> None:
        """Send `line` instead of a result from now on (see `Stand`); a result it says the same as stays in place."""
        name = behind.name if behind is not None else None
        self._cleared.add(answer.message, line, answer.name.number, behind=name, alone=alone)
        if behind is not None and alone is None:
            behind.needed_by = answer.place
        if self._answers.get(answer.place) is answer:  # else the history was edited meanwhile
            del self._answers[answer.place]
            self.sent[answer.place] = line
            self._sizes[answer.place] = self._count(line)

    def prompt(
        self,
        front: int,
        clearable: Sequence[ToolAnswer],
        step: int,
        chances: tuple[list[float], list[float]],
        later: float,
    ) -> Prompt:
        """The prompt from its first clearable result on, with `front` tokens before the messages."""
        first = clearable[0].place
        parts = [Part(size) for size in self._sizes[first:]]
        for answer in clearable:
            waited = step - (step if answer.since is None else answer.since)
            idle, by_class = self.uses.idle(answer.place), chances[self.uses.used(answer.place)]
            parts[answer.place - first] = Part(
                self._sizes[answer.place],
                answer.saved,
                waited,
                needed(by_class, idle, later + 1),
                needed(by_class, idle, 1),
            )
        return Prompt(
            front + sum(self._sizes[:first]), parts, front + sum(self._sizes[: self.made]) if self.made else 0
        )

    def names_handle(self, after: int, before: int) -> bool:
        """Whether a message between two places says how to read something back."""
        return any(READ_RESULT in message.text for message in self.sent[after + 1 : before] if message.role == "tool")

    def totals(self, front: int, broken_at: int | None = None) -> Totals:
        """The size of the prompt; from the place `broken_at` on it is sent otherwise than in the call before."""
        known = self.made if broken_at is None else min(self.made, broken_at)
        return Totals(
            front + sum(self._sizes),
            front + sum(self._sizes[:known]) if self.made else 0,
            front + sum(self._bare),
            front + sum(self._bare[: self.made]) if self.made else 0,
        )

    def _add(self, place: int, message: Message) -> ToolAnswer | None:
        size = self._count(message)
        self._bare.append(size)
        self._sizes.append(size)
        self.sent.append(message)
        read = (self._answered.get(name) for name in map(self._cleared.read, message.tool_calls) if name is not None)
        self.seen += self.uses.add(place, message, [one for one in read if one is not None])
        if message.tool_calls:
            self._requests = {request.id: request for request in message.tool_calls}
        if message.role != "tool" or message.tool_call_id is None:
            return None
        self._results.append(place)
        request = self._requests.get(message.tool_call_id)
        if request is None:
            return None
        name = Answer(message.tool_call_id, self._times[message.tool_call_id])
        self._times[name.id] += 1
        stand = self._cleared.of(message, name.number, self._answered)
        self._answered[name] = place
        if stand is None:
            self._answers[place] = answer = ToolAnswer(place, name, request, message)
            return answer
        self.sent[place], self._sizes[place] = stand.line, self._count(stand.line)
        original = self._answers.get(self._answered[stand.behind]) if stand.behind is not None else None
        if original is not None:
            original.needed_by = place
        return None

    def _cut(self, known: int) -> None:
        for kept in (self.sent, self._sizes, self._bare):
            del kept[known:]
        self._results = [place for place in self._results if place < known]
        self._answers = {place: answer for place, answer in self._answers.items() if place < known}
        self._answered = {name: place for name, place in self._answered.items() if place < known}
        self._times = Counter(name.id for name in self._answered)
        asked = next((message for message in reversed(self._history[:known]) if message.tool_calls), None)
        self._requests = {request.id: request for request in asked.tool_calls} if asked is not None else {}
        self._history = self._history[:known]
        self.uses.cut(known)
        self.made = min(self.made, known)


def _common(old: tuple[Message, ...], new: tuple[Message, ...]) -> int:
    """How many leading messages are the same."""
    for index, (one, other) in enumerate(zip(old, new, strict=False)):
        if one is not other and one != other:
            return index
    return min(len(old), len(new))
