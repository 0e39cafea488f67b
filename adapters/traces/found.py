"""What a record has of one trace, before its model calls are put together into runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from leanloop.adapters.traces.trace import RecordedCall, RecordedTool
from leanloop.budgets.message import Message
from leanloop.budgets.usage import Usage

__all__ = ["FoundCall", "FoundTrace"]


@dataclass(frozen=True, slots=True)
class FoundCall:
    """One model call as a record has it; times as Unix time, `id` the record's own name for it in its trace."""

    prompt: tuple[Message, ...]
    reply: Message
    model: str | None = None
    usage: Usage | None = None
    cost: int | None = None
    began: float | None = None
    ended: float | None = None
    agent: str | None = None
    phase: str | None = None
    error: str | None = None
    id: str | None = None

    def holds(self, other: FoundCall) -> bool:
        """Whether the other's time lies within its own, and it says the same; where it says nothing, used the same."""
        times = (self.began, other.began, other.ended, self.ended)
        known = [time for time in times if time is not None]
        return (
            len(known) == len(times)
            and known == sorted(known)
            and self.prompt == other.prompt
            and self.reply == other.reply
            and (bool(self.prompt) or self.usage == other.usage)
        )

    def recorded(self, place: int, agent: str | None) -> RecordedCall:
        """What is known of it beside its texts; `agent` where it names none."""
        began, ended = self.began, self.ended
        seconds = None if began is None or ended is None else max(0.0, ended - began)
        return RecordedCall(
            place, self.model, self.usage, self.cost, began, seconds, self.agent or agent, self.phase, self.error
        )


@dataclass(slots=True)
class FoundTrace:
    """All of one trace that was found so far.

    Attributes:
        known: each message once, so that a long run does not hold its history again and again.
        there: what was added under an id, by its hash.
        letters: of the messages in `known`.
        unsaid: calls whose texts are not recorded, and those that failed.
    """

    calls: list[FoundCall] = field(default_factory=list[FoundCall])
    known: dict[Message, Message] = field(default_factory=dict[Message, Message])
    there: set[int] = field(default_factory=set[int])
    letters: int = 0
    reward: float | None = None
    failed: bool = False
    agent: str | None = None
    tags: dict[str, str] = field(default_factory=dict[str, str])
    unsaid: list[FoundCall] = field(default_factory=list[FoundCall])
    tools: list[RecordedTool] = field(default_factory=list[RecordedTool])
