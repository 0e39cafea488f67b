"""What a record has of one trace, before its model calls are put together into runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from leanloop.adapters.traces.trace import RecordedCall, RecordedTool
from leanloop.budgets.message import Message
from leanloop.budgets.usage import Usage
from leanloop.errors import TraceError

__all__ = ["FoundCall", "FoundTrace"]


@dataclass(frozen=True, slots=True)
class FoundCall:
    """One model call as a record has it; times as Unix time, `id` the record's own name for it in its trace, `parent`
    that of what it is in.
    """

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
    parent: str | None = None

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

    @property
    def is_said(self) -> bool:
        """Whether its texts are recorded."""
        return bool(self.prompt or self.reply.text or self.reply.tool_calls)

    def lasts_while(self, told: FoundCall) -> bool:
        """Whether all that is told happened while it was made."""
        times = (self.began, told.ended if told.began is None else told.began, told.ended, self.ended)
        known = [time for time in times if time is not None]
        return len(known) == len(times) and known == sorted(known)

    def filled(self, other: FoundCall) -> FoundCall:
        """The same call, with what another record of it says where this one says nothing."""
        texts = self if self.prompt or not other.is_said else other
        return replace(
            self,
            prompt=texts.prompt,
            reply=texts.reply,
            model=self.model or other.model,
            usage=self.usage or other.usage,
            cost=other.cost if self.cost is None else self.cost,
            began=other.began if self.began is None else self.began,
            ended=other.ended if self.ended is None else self.ended,
            agent=self.agent or other.agent,
            phase=self.phase or other.phase,
            error=self.error or other.error,
        )

    def recorded(self, place: int, agent: str | None) -> RecordedCall:
        """What is known of it beside its texts; `agent` where it names none."""
        began, ended = self.began, self.ended
        seconds = None if began is None or ended is None else max(0.0, ended - began)
        began = ended if began is None else began
        return RecordedCall(
            place, self.model, self.usage, self.cost, began, seconds, self.agent or agent, self.phase, self.error
        )


@dataclass(slots=True)
class FoundTrace:
    """All of one trace that was found so far.

    Attributes:
        file: that told of it first.
        known: each message once, so that a long run does not hold its history again and again.
        there: what was added under an id, by its hash.
        letters: of the messages in `known`, and of `pieces`.
        unsaid: calls whose texts are not recorded, and those that failed.
        why: what to say of calls by id, if their texts are not told of apart from them.
        told: calls as records that stand apart from them tell of them, by the id of the call, or of what it is in.
        pieces: of such a record, where it is one for each message.
    """

    file: str = ""
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
    why: dict[str, TraceError] = field(default_factory=dict[str, TraceError])
    told: dict[str, list[FoundCall]] = field(default_factory=dict[str, list[FoundCall]])
    pieces: dict[str, list[object]] = field(default_factory=dict[str, list[object]])

    def tell_texts(self, whole: Callable[[str, list[object]], list[FoundCall]]) -> None:
        """Give the calls the texts that were told apart from them; what is told of no call is one by itself.

        Args:
            whole: makes calls of an id and its pieces.
        """
        for own, pieces in self.pieces.items():
            self.told.setdefault(own, whole(own, pieces))
        self.calls = [self._with_told(call) for call in self.calls]
        said = {call.id for call in self.calls if call.id is not None}
        silent = [call for call in self.unsaid if call.id not in said]
        self.unsaid = []
        for call in silent:
            self._add_told(self._with_told(call))
        for own, left in self.told.items():
            for call in left if own not in said else ():
                self._add_told(call)
        for own in said:
            self.why.pop(own, None)

    def _with_told(self, call: FoundCall) -> FoundCall:
        """The call with what is told of it by its id, else by that of what it is in, while it was made."""
        if of_it := self.told.get(call.id or ""):
            return call.filled(of_it.pop(0))
        around = self.told.get(call.parent or "", [])
        for place, told in enumerate(around):
            if call.lasts_while(told):
                self.why.pop(call.parent or "", None)
                return call.filled(around.pop(place))
        return call

    def _add_told(self, call: FoundCall) -> None:
        if call.is_said and call.error is None:
            self.calls.append(call)
            self.why.pop(call.id or "", None)
        else:
            self.unsaid.append(call)
