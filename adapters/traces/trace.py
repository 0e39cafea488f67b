"""A recorded run of an agent, and whether it did what it was asked."""

from __future__ import annotations

from dataclasses import dataclass

from leanloop.budgets.message import Message
from leanloop.budgets.usage import Usage

__all__ = ["RecordedCall", "Trace", "asked", "succeeded"]


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """What a record says of one model call; None where it does not say.

    Attributes:
        place: of its reply in the run's messages.
        usage: what the provider reported.
        cost: in nano-dollars, as the record has it.
        began, seconds: the time of day as Unix time, and how long it took.
    """

    place: int
    model: str | None = None
    usage: Usage | None = None
    cost: int | None = None
    began: float | None = None
    seconds: float | None = None


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
    """

    id: str
    messages: tuple[Message, ...]
    reward: float | None = None
    exit_status: str | None = None
    calls: tuple[RecordedCall, ...] = ()


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
