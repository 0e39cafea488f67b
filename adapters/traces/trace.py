"""A recorded run of an agent, and whether it did what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from leanloop.budgets.message import Message
from leanloop.budgets.usage import Usage

__all__ = ["UNSAID", "RecordedCall", "RecordedTool", "Trace", "asked", "succeeded"]

UNSAID = -1
"""The place of a call whose reply is not recorded."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """What a record says of one model call; None where it does not say.

    Attributes:
        place: of its reply in the run's messages, else `UNSAID`.
        usage: what the provider reported.
        cost: in nano-dollars, as the record has it.
        began, seconds: the time of day as Unix time, and how long it took.
        agent, phase: who made it, and what it was about, in the record's own words.
        error: what it failed with.
    """

    place: int
    model: str | None = None
    usage: Usage | None = None
    cost: int | None = None
    began: float | None = None
    seconds: float | None = None
    agent: str | None = None
    phase: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedTool:
    """What a record says of one tool that ran, beside its result in the messages; None where it does not say.

    Attributes:
        call: the id of the request it answers.
        arguments: as text.
        began, seconds: the time of day as Unix time, and how long it took.
    """

    name: str
    call: str | None = None
    arguments: str | None = None
    began: float | None = None
    seconds: float | None = None
    failed: bool = False
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """One recorded run.

    Attributes:
        id: its name; where the record has none, the number of its line.
        messages: all of it in order; each tool result names the call it answers.
        reward: what the run was judged to be worth, 1 being all of it; None where nobody judged.
        exit_status: how the agent ended, in the agent's own word; None where it is not recorded.
        calls: its model calls, in order, where the record tells them from what was only told to the model (the turns
            before, in a run that goes on with a conversation); empty where it does not: every assistant message is one.
        of: the trace it is a part of, where the record names one.
        tags: whom and what it was for, by name.
        unsaid: model calls whose texts are not recorded, and those that failed; only where they are asked for.
        tools: tools that ran, where the record tells more of them than their results.
        file: that tells of it first.
    """

    id: str
    messages: tuple[Message, ...]
    reward: float | None = None
    exit_status: str | None = None
    calls: tuple[RecordedCall, ...] = ()
    of: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    unsaid: tuple[RecordedCall, ...] = ()
    tools: tuple[RecordedTool, ...] = ()
    file: str = field(default="", compare=False)


def asked(trace: Trace) -> tuple[int, ...]:
    """The places of the replies that were asked for in this run."""
    if trace.calls:
        return tuple(call.place for call in trace.calls)
    return tuple(place for place, message in enumerate(trace.messages) if message.role == "assistant")


def succeeded(trace: Trace) -> bool | None:
    """Whether the run was a success, None where the record does not say.

    - With a reward: it is at least 1 (tau-bench's ``reward``, InterCode's ``max_reward``).
    - Else with an exit status: it is ``submitted``, SWE-agent's word for a patch handed in. That says less
      than a reward: nobody ran the patch.
    """
    if trace.reward is not None:
        return trace.reward >= 1
    if trace.exit_status is not None:
        return trace.exit_status == "submitted"
    return None
