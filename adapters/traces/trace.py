"""A recorded run of an agent, and whether it did what it was asked."""

from __future__ import annotations

from dataclasses import dataclass

from leanloop.budgets.message import Message

__all__ = ["Trace", "succeeded"]


@dataclass(frozen=True, slots=True)
class Trace:
    """One recorded run.

    Attributes:
        id: its name; where the record has none, the number of its line.
        messages: all of it in order; each tool result names the call it answers.
        reward: what the run was judged to be worth, 1 being all of it; None where nobody judged.
        exit_status: how the agent ended, in the agent's own word; None where it is not recorded.
    """

    id: str
    messages: tuple[Message, ...]
    reward: float | None = None
    exit_status: str | None = None


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
