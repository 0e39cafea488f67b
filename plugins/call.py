"""A model call, a tool call, and what comes back: small, frozen, free of any framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Literal

from leanloop.budgets.degrade_step import Effort
from leanloop.budgets.message import Message, ToolSpec
from leanloop.budgets.usage import Usage
from leanloop.plugins.abilities import Abilities

Purpose = Literal["step", "landing", "summary", "check", "thought"]
_APART = frozenset({"summary", "check", "thought"})
Finish = Literal["stop", "length", "refused"]
Tier = Literal["exact", "normal", "alike", "known"]

__all__ = ["EmbedCall", "Finish", "ModelCall", "ModelReply", "Purpose", "Tier", "ToolCall", "ToolResult"]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """What is about to be sent to a model.

    Attributes:
        model: the name the provider prices it by; ``provider`` where the framework knows it.
        messages: system prompt first, then the history.
        tools: the tools offered. ``answer_tools`` names those that carry a structured answer.
        forbid_tools: the model may call no tool but an answer tool (a landing).
        force_tool: the model must call a tool (a structured answer that is made by one, `tool_choice`).
        max_output: the most output tokens asked for; None leaves it to the framework.
        effort: the reasoning effort asked for, where that is to be less than the user's own; None leaves it.
        thinking: the reasoning effort asked for, be it more or less than the user's own; None leaves it to that.
        min_output: output tokens the call cannot do without (a thinking budget, a cap that cannot be lowered).
        final: False where something else will be tried if this call is refused: the refusal stops nothing.
        purpose: ``landing`` is the last call of a task that ran out; ``summary``, ``check`` and ``thought`` are calls
            that a plugin makes for itself (`apart`).
        hold_stream: keep the chunks of this call back until the whole reply is known.
        cache_marks: where the provider is to keep what it has read, for those that must be told: places in `messages`
            behind which a breakpoint stands, ascending; -1 is behind the tools. None leaves it to the framework.
        agent: the name of the agent whose loop makes this call, so that others follow which begin as this one does;
            empty for a call outside of any.
        readable: the agent can call `read_result`, and it is ours: what is cleared from the messages stays within its
            reach.
        history: the agent's steps, where the messages tell them in prose or lose which results were errors;
            None where the messages show them.
        structured: the answer must have a form that the user has asked for.
        settings: gives all else that is sent and may change the answer (temperature, stop, seed, tool_choice, response
            format, thinking), by name; asked for only where answers are cached. None where the framework tells none:
            such a call is not cached.
        abilities: tells what the model of that name can do, the agent's own or another that a call may be sent to;
            raises `ModelUnavailable` where it cannot be had. None where the framework tells nothing.
        session: names the conversation that this run goes on, so that what was chosen for it before is kept; empty
            where the framework has none.
        node: names the place in the user's own graph that makes this call; empty where there is none.
        raw: the framework's own request.
    """

    model: str
    messages: tuple[Message, ...]
    provider: str | None = None
    tools: tuple[ToolSpec, ...] = ()
    answer_tools: frozenset[str] = frozenset()
    forbid_tools: bool = False
    force_tool: bool = False
    max_output: int | None = None
    effort: Effort | None = None
    thinking: Effort | None = None
    min_output: int = 0
    final: bool = True
    purpose: Purpose = "step"
    hold_stream: bool = False
    cache_marks: tuple[int, ...] | None = None
    agent: str = ""
    readable: bool = False
    history: tuple[Message, ...] | None = None
    structured: bool = False
    settings: Callable[[], Mapping[str, object]] | None = field(default=None, compare=False, repr=False)
    abilities: Callable[[str], Abilities] | None = field(default=None, compare=False, repr=False)
    session: str = ""
    node: str = ""
    raw: object = field(default=None, compare=False, repr=False)

    @property
    def apart(self) -> bool:
        """Whether a plugin makes it for itself, so that it is no part of what the agent's model is shown."""
        return self.purpose in _APART

    @property
    def steps(self) -> tuple[Message, ...]:
        """The history in which tool calls and their results are found."""
        return self.messages if self.history is None else self.history

    def but(self, **changes: object) -> ModelCall:
        """The call with other values: `dataclasses.replace` at half its cost, which each plugin on its way pays."""
        values: list[Any] = list(_values(self))
        for name, value in changes.items():
            values[_PLACES[name]] = value
        return ModelCall(*values)


_PLACES = {one.name: place for place, one in enumerate(fields(ModelCall))}
_values = attrgetter(*_PLACES)


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model answered.

    Attributes:
        usage: None where the provider reported none.
        finish: how it ended, where the provider says so: of itself (``stop``, also to call tools), cut off
            (``length``), or kept from going on (``refused``).
        plain: nothing is in it but text and tool calls.
        hit: which tier of the cache gave it again, or ``known`` where the budget file has the answer; None where it
            was made now.
        logprob: the mean log-probability of its tokens, where the provider gave them.
    """

    message: Message
    usage: Usage | None = None
    finish: Finish | None = None
    plain: bool = True
    hit: Tier | None = None
    logprob: float | None = None
    raw: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool about to be run.

    ``arguments`` is JSON text; ``known`` is False for a tool the agent does not have; ``history`` is
    what the model had seen when it asked; ``hints`` is what the tool says of itself, such as MCP's ``readOnlyHint``;
    ``readable`` says that the agent can call `read_result`, so that what is left out of a result stays within its
    reach; ``direct`` that the result ends the run and goes to the user, so that nothing may be left out of it.
    """

    id: str
    name: str
    arguments: str
    known: bool = True
    history: tuple[Message, ...] = ()
    readable: bool = False
    direct: bool = False
    hints: Mapping[str, object] = field(default_factory=dict[str, object], compare=False)
    raw: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model will be shown of a tool's run.

    ``plain`` says that nothing is in it but text. ``raw`` is the framework's own result; in
    `leanloop.budgets.message.Changed` where a plugin put another text in it.
    """

    text: str
    is_error: bool = False
    plain: bool = True
    raw: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """Texts about to be turned into embeddings, and the model that does it; ``provider`` where it is known."""

    model: str
    texts: tuple[str, ...]
    provider: str | None = None
