"""One run of an agent, as the adapter knows it: its task, and when it is over."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from langchain_core.messages import BaseMessage

from leanloop.adapters.langchain.messages import Transcript
from leanloop.plugins.task import Task

__all__ = ["Run"]


@dataclass(slots=True, weakref_slot=True)
class Run:
    """A task and what the adapter knows of it. `control` is held so that its identity stays its own; `session` is the
    thread that the run goes on. An `idle` one has no call in progress, and may be forgotten.
    """

    task: Task
    control: object
    transcript: Transcript = field(default_factory=Transcript)
    questions: set[str] = field(default_factory=set[str])
    idle: bool = False
    scanned: int = 0
    session: str = ""
    _lasts: weakref.ref[object] | None = None

    def note_questions(self, messages: Sequence[BaseMessage]) -> None:
        """Remember the user messages that are new, by which the run is found again after an interrupt."""
        if len(messages) < self.scanned:
            self.scanned = 0
        for message in messages[self.scanned :]:
            if message.type == "human" and message.id is not None:
                self.questions.add(message.id)
        self.scanned = len(messages)

    def end(self) -> dict[str, object]:
        """Its answer is there: the receipt, and nothing is kept for further calls."""
        self.idle = True
        self.transcript.clear()
        return self.task.receipt().as_dict()

    def lasts_as_long_as(self, made_for_it: object) -> None:
        """Be over when that is no more: something LangGraph makes for one run of a graph.

        Of many ends nobody tells a wrapper: another middleware jumps to the end, the recursion limit is reached, a node
        raises, a stream is dropped.
        """
        if self._lasts is None or self._lasts() is not made_for_it:
            # That a run which was resumed lasts on: the reference to what it lasted as long as before is dropped here.
            self._lasts = weakref.ref(made_for_it, partial(_over, weakref.ref(self)))


def _over(run: weakref.ref[Run], _: object) -> None:
    ended = run()
    if ended is not None:
        ended.idle = True
        ended.task.hold.abandon()
