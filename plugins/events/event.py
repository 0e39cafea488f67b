"""What happens while a task runs: one small frozen class for each thing that can.

Amounts are in the ledger's units: usd in nano-dollars, seconds as seconds. No event holds text of a prompt, an answer
or a tool's arguments, but `Settled` where the user asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from leanloop.budgets.usage import Usage

Tier = Literal["exact", "normal", "alike", "result", "shadow", "miss", "checked"]

__all__ = [
    "EVENTS",
    "Alerted",
    "Event",
    "Gated",
    "Hit",
    "Landed",
    "Nudged",
    "Of",
    "Refused",
    "Reserved",
    "Saved",
    "Settled",
    "Shortened",
    "TaskBegan",
    "TaskEnded",
    "Text",
    "Tier",
    "ToolEnded",
]


@dataclass(frozen=True, slots=True)
class Of:
    """Whose event it is.

    ``within`` are the ids of the tasks that this one is a part of, its parent first.
    """

    task: str
    agent: str
    within: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and when (Unix seconds)."""

    kind: ClassVar[str] = ""
    of: Of
    at: float


@dataclass(frozen=True, slots=True)
class TaskBegan(Event):
    """A task was opened; ``value`` is what it is worth."""

    kind: ClassVar[str] = "task_began"
    value: int | None = None


@dataclass(frozen=True, slots=True)
class TaskEnded(Event):
    """A task was closed. ``seconds`` leaves out what it waited for a person; ``stopped`` is why it ran out."""

    kind: ClassVar[str] = "task_ended"
    seconds: float = 0.0
    cycles: int | None = None
    stopped: str | None = None
    landed: bool = False


@dataclass(frozen=True, slots=True)
class Reserved(Event):
    """The worst case of a model call was set aside: tokens it reads, tokens it may write, what both cost at most."""

    kind: ClassVar[str] = "reserved"
    call: str = ""
    model: str = ""
    input: int = 0
    output: int = 0
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """What a call said, where the user asks for it: the last message that was sent, and the answer."""

    asked: str
    answered: str


@dataclass(frozen=True, slots=True)
class Settled(Event):
    """A model call, or one that made embeddings, was booked.

    Attributes:
        call: the same as in `Reserved`.
        provider: its id in genai-prices, where it is known.
        phase: what the call was about: plan, tool, result, answer, landing, retry, summary, check, thought, embedding.
        effort: the reasoning effort that was asked for.
        estimated: the provider did not report what is booked.
        seconds: until the whole answer was there.
        error: the class of what went wrong and was billed all the same.
        limits: how the limits it touched stand, by scope and resource: spent and limit.
    """

    kind: ClassVar[str] = "settled"
    call: str = ""
    model: str = ""
    provider: str | None = None
    phase: str = ""
    effort: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost: int | None = None
    seconds: float = 0.0
    error: str | None = None
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """A call was refused: which limit had no room for it, what is spent of it, and what the call needs at least."""

    kind: ClassVar[str] = "refused"
    scope: str = ""
    resource: str = ""
    limit: int = 0
    spent: int = 0
    needed: int = 0


@dataclass(frozen=True, slots=True)
class ToolEnded(Event):
    """A tool ran, or was answered in its place."""

    kind: ClassVar[str] = "tool"
    tool: str = ""
    seconds: float = 0.0
    is_error: bool = False
    arguments: str = ""
    """A hash of its arguments, by which calls that repeat each other are found."""


@dataclass(frozen=True, slots=True)
class Shortened(Event):
    """A tool result was shortened, from so many tokens to so many."""

    kind: ClassVar[str] = "shortened"
    tool: str = ""
    tokens: int = 0
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Hit(Event):
    """A cache was asked: by which tier it answered, or that it did not.

    ``wrong`` says of an answer that was checked against a fresh one whether it was another.
    """

    kind: ClassVar[str] = "hit"
    tier: Tier = "miss"
    wrong: bool | None = None


@dataclass(frozen=True, slots=True)
class Gated(Event):
    """It was decided what a call is made with; see `leanloop.plugins.outcomes.decision.Decision`."""

    kind: ClassVar[str] = "gated"
    by: str = ""
    setting: str = ""
    other: str | None = None
    chance: float | None = None
    unsure: bool = False
    escalated: bool = False
    cost: int | None = None
    other_cost: int | None = None


@dataclass(frozen=True, slots=True)
class Nudged(Event):
    """The model was told something: of a loop, or of what is left. ``what`` names the tools, or the limit."""

    kind: ClassVar[str] = "nudged"
    by: Literal["loop", "budget"] = "loop"
    what: str = ""


@dataclass(frozen=True, slots=True)
class Landed(Event):
    """A task ended with its last answer: why, and whether a model gave it."""

    kind: ClassVar[str] = "landed"
    reason: str = ""
    by_model: bool = True


@dataclass(frozen=True, slots=True)
class Alerted(Event):
    """People were told something; see `leanloop.Alert`."""

    kind: ClassVar[str] = "alert"
    alert: str = ""
    message: str = ""
    scope: str = ""
    resource: str = ""
    limit: int | None = None
    spent: int | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Saved(Event):
    """A plugin spared something, or lost it where the numbers are below 0; see `leanloop.Saving`."""

    kind: ClassVar[str] = "saved"
    plugin: str = ""
    what: str = ""
    how: str = ""
    calls: int = 0
    tokens: int = 0
    cost: int = 0


EVENTS: tuple[type[Event], ...] = (
    TaskBegan, Reserved, Settled, Refused, ToolEnded, Shortened, Hit, Gated, Nudged, Landed, Alerted, Saved, TaskEnded,
)  # fmt: skip
"""All there are, roughly in the order of a task."""
