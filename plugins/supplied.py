"""What a user brings of their own beside the budget file: functions it names, and how difficulty is judged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leanloop.plugins.cache.embedder import Embedder
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.events.sink import Redact, Sink

if TYPE_CHECKING:
    from leanloop.plugins.outcomes.store import OutcomeStore
    from leanloop.plugins.scaffold.tool import CognitiveTool

__all__ = ["Answer", "Check", "Difficulty", "RunCode", "SameAnswer", "Supplied"]

Check = Callable[[ModelCall, ModelReply], bool | Awaitable[bool]]
"""Whether an answer may be taken."""

Answer = Callable[[str], str | Awaitable[str | None] | None]
"""The answer to a question, or None where it is not known."""

Difficulty = Callable[[ModelCall], float]
"""The chance, from 0 to 1, that the dearer setting succeeds where the cheaper one fails."""

SameAnswer = Callable[[str, str], bool]
"""Whether two answers say the same."""

RunCode = Callable[[str], str]
"""Runs code, in a sandbox of the user's own, and gives what it printed."""


@dataclass(frozen=True, slots=True)
class Supplied:
    """What a user brings of their own.

    Attributes:
        checks: by the name that ``routes: {cascade: {gates: ...}}`` uses.
        answers: by the name that ``answers`` uses.
        difficulty: judges it instead of what is learned from outcomes.
        outcomes: where outcomes are kept instead of where the budget says.
        embedder: by which texts of one family are found; by default the words themselves.
        cognitive_tools: beside those that are there.
        same_answer: says of two answers in words whether they come to the same, where a cascade asks for several.
        run_code: for the cognitive tool ``use_code``, which is offered only with it.
        on_event: told of what happens, beside what the budget's ``events`` names.
        redact: changes texts before they are told, where ``events: {text: on}`` asks for them.
        otel: makes the sink for a budget that says ``events: {otel: on}``.
    """

    checks: Mapping[str, Check] = field(default_factory=dict[str, "Check"])
    answers: Mapping[str, Answer] = field(default_factory=dict[str, "Answer"])
    difficulty: Difficulty | None = None
    outcomes: OutcomeStore | None = None
    embedder: Embedder | None = None
    cognitive_tools: Sequence[CognitiveTool] = ()
    same_answer: SameAnswer | None = None
    run_code: RunCode | None = None
    on_event: Sequence[Sink] = ()
    redact: Redact | None = None
    otel: Callable[[], Sink] | None = None
