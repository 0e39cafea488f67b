"""One recorded run, playing the model and the tools for the plugins.

The rules it goes by, where a recording cannot react, are those of `leanloop.adapters.traces.replay`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from leanloop.adapters.traces.bill import Meter
from leanloop.adapters.traces.reading_back import Readback, ReadingBack
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.message import Changed, Message, ToolRequest
from leanloop.errors import BudgetExceeded, TaskStopped
from leanloop.plugins import drive_sync
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.quote import DEFAULT_MAX_OUTPUT, PER_OUTPUT_TOKEN
from leanloop.plugins.repeats import REPEATED
from leanloop.plugins.stack import Stack
from leanloop.plugins.task import Task

__all__ = ["Outcome", "Playback"]

Outcome = Literal["completed", "told", "landed", "raised"]
"""``told``: it went on, but the model was told of a loop, or a tool call was answered instead of made."""

_LOOP_NOTE = "[loop]"  # begins what the loop guard tells a model


class Playback:
    """Plays a run through a stack until its end, or until the plugins stop it.

    Args:
        trace: the run.
        outputs: output tokens of each reply that was asked for, by its place; the other messages were told.
        task: a task of this run alone.
        stack: the plugins.
        meter: counts the calls that are made.
        model: whose calls they are taken to be.
        landing: output tokens of a landing's answer.
        caching: whether the provider reports cached tokens.
        reading: the agent can read back what was shortened or cleared; None where nothing is.
    """

    def __init__(
        self,
        trace: Trace,
        outputs: Mapping[int, int],
        task: Task,
        stack: Stack,
        meter: Meter,
        *,
        model: str,
        landing: int,
        caching: bool,
        reading: ReadingBack | None = None,
    ) -> None:
        self.meter = meter
        self.calls = self.loop_notes = self.answered = self.refused = 0
        self._trace = trace
        self._outputs = outputs
        self._task = task
        self._stack = stack
        self._model = model
        self._landing = landing
        self._caching = caching
        self._reading = reading
        self._readback: Readback | None = None
        self._history: list[Message] = []
        self._asked: tuple[Message, ...] = ()
        self._requests: dict[str, ToolRequest] = {}
        self._told: set[str] = set()
        self._cut: tuple[str, str] | None = None
        self._raised = False

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        if self._raised:
            return "raised"
        if self._task.landed or self._cut is not None:
            return "landed"
        return "told" if self.loop_notes or self.answered or self.refused else "completed"

    @property
    def stopped(self) -> tuple[str, str] | None:
        """What stopped it (a resource, ``loop`` or ``output cap``), and the same in a sentence."""
        stop = self._task.stopped
        if self.at_call is None or (stop is None and self._cut is None):
            return None
        if stop is None:
            return self._cut
        return stop.resource if isinstance(stop, BudgetExceeded) else "loop", stop.reason

    @property
    def at_call(self) -> int | None:
        """The model call it was stopped at, from 1; None where it went on to its end."""
        return self.calls if self.outcome in ("landed", "raised") else None

    def play(self) -> None:
        """Go through the messages in order."""
        try:
            for place, message in enumerate(self._trace.messages):
                if place in self._outputs:
                    self._reply(message, self._outputs[place])
                elif message.role == "tool" and message.tool_call_id in self._requests:
                    self._result(message)
                else:
                    self._history.append(message)
                    self._saw(message)
                if self._cut is not None or self._task.landed:
                    return
        except TaskStopped:
            self._raised = True
        finally:
            self._task.close()

    def _reply(self, recorded: Message, output: int) -> None:
        self.calls += 1
        if self._reading is not None:
            self._reading.begin(recorded)
        while (readback := self._ask(recorded, output)) is not None:
            self._read_back(readback)
        self._history.append(recorded)
        self._requests = {request.id: request for request in recorded.tool_calls}
        self._asked = tuple(self._history)
        self._saw(recorded)

    def _ask(self, recorded: Message, output: int) -> Readback | None:
        """Make one model call; gives what the model reads back before it can reply as recorded."""
        self._readback = None
        tools = self._reading.tools if self._reading is not None else ()
        call = ModelCall(self._model, tuple(self._history), tools=tools)
        drive_sync.run(self._stack.model_flow(call, self._task), lambda sent: self._send(sent, recorded, output))
        return self._readback if self._cut is None and not self._task.landed else None

    def _send(self, sent: ModelCall, recorded: Message, output: int) -> ModelReply:
        cap = sent.max_output
        reply = recorded
        if sent.purpose == "landing":
            output = self._landing if cap is None else min(self._landing, cap)
            reply = Message("assistant", "(the answer of the landing)")
        else:
            self._note_notes(sent)
            self._readback = self._reading.asks(sent.messages) if self._reading is not None else None
            if self._readback is not None:
                reply = self._readback.reply
                output = self.meter.output(reply)
            if cap is not None and output > cap:
                self._cut, output = (self._capped_by(cap), f"A reply of {output:,} tokens was cut at {cap:,}."), cap
                reply = replace(reply, tool_calls=())  # what was cut calls no tool: its arguments are not whole
        usage = self.meter.call(sent.messages, output)
        return ModelReply(reply, usage if self._caching else replace(usage, cached_input=0, cache_write=0))

    def _capped_by(self, cap: int) -> str:
        """The resource that left room for no longer reply; ``output cap`` where it was no limit's doing."""
        uses = [use for use in self._task.tally.limits() if use.resource in PER_OUTPUT_TOKEN]
        if not uses or cap == (self._task.budget.max_output or DEFAULT_MAX_OUTPUT):
            return "output cap"
        return max(uses, key=lambda use: use.share).resource

    def _note_notes(self, sent: ModelCall) -> None:
        """Count what the loop guard has told the model; a note is sent again with every later call."""
        if len(sent.messages) == len(self._history):
            return
        own = {id(message) for message in self._history}
        notes = {message.text for message in sent.messages if id(message) not in own}
        self._told |= {text for text in notes if text.startswith(_LOOP_NOTE)}
        self.loop_notes = len(self._told)

    def _read_back(self, readback: Readback) -> None:
        """Answer a call that was put in; it stays in the history."""
        self._history.append(readback.reply)
        self._asked = tuple(self._history)
        request = readback.request
        self._tool(request, replace(readback.source, tool_call_id=request.id, name=request.name))
        if self._reading is not None:
            self._reading.answered(readback, self._history[-1])

    def _result(self, recorded: Message) -> None:
        result = self._tool(self._requests[recorded.tool_call_id or ""], recorded)
        if result.raw is recorded or isinstance(result.raw, Changed):
            self._saw(recorded)
        elif result.text.startswith(REPEATED):
            self.answered += 1
        else:
            self.refused += 1

    def _tool(self, request: ToolRequest, recorded: Message) -> ToolResult:
        """Have a tool give what is recorded, and put into the history what the plugins make of that."""
        readable = self._reading is not None
        call = ToolCall(request.id, request.name, request.arguments, history=self._asked, readable=readable)
        given = ToolResult(recorded.text, recorded.is_error, raw=recorded)
        result = drive_sync.run(self._stack.tool_flow(call, self._task), lambda _: given)
        whole = result.raw is recorded
        self._history.append(recorded if whole else replace(recorded, text=result.text, is_error=result.is_error))
        return result

    def _saw(self, message: Message) -> None:
        if self._reading is not None:
            self._reading.saw(message)
