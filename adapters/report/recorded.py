"""Recorded runs as rows of events, so that both make one report.

A run is a task: a row ``settled`` for each model call, ``tool`` for each tool that gave a result, ``task_ended`` at its
end. What a record does not say is not made up:

- Cost: that of the record; else its tokens by the price list (``priced``); none where the model has no price.
- Tokens: those of the record; else counted here, as if the provider had cached nothing (``estimated``).
- Times: those of the record; a row without one has no ``at``, and only its ``place`` in the run.
- A tool ran for as long as the record says, else for a time nobody knows that ended when its result was sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import PurePath

from leanloop.adapters.traces.prefix_hashes import prefix_hashes
from leanloop.adapters.traces.trace import UNSAID, RecordedCall, RecordedTool, Trace, asked
from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.prices import PriceBook
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown
from leanloop.plugins.events.row import VERSION
from leanloop.plugins.repeats import same_arguments

__all__ = ["RowsOfRuns"]

Row = dict[str, object]

_ENDED_WELL = "submitted"
"""SWE-agent's word for an end that nothing brought about."""


class RowsOfRuns:
    """Makes rows of runs, of all files of one report: a run that two files hold is told by the same rows.

    Args:
        model: whose the calls are of which the record names no model; None where that is not known.
    """

    def __init__(self, model: str | None = None) -> None:
        self._model = model
        self._prices = PriceBook({})
        self._key = secrets.token_bytes(16)
        self._runs: dict[int, int] = {}
        self._of: str | None = None
        self._asked: set[int] = set()

    def rows(self, trace: Trace, file: str) -> Iterator[Row]:
        """The rows of one run; runs of one trace come one after the other."""
        common = self._common(trace, file)
        if trace.of is None or trace.of != self._of:
            self._of, self._asked = trace.of, set()
        calls = trace.calls or tuple(RecordedCall(place) for place in asked(trace))
        said = any(message.text for message in trace.messages)
        hashes = prefix_hashes(trace.messages)
        ran = {tool.call: tool for tool in trace.tools if tool.call is not None}
        for number, call in enumerate(calls):
            again = hashes[call.place] in self._asked
            self._asked.add(hashes[call.place])
            phase = call.phase or ("retry" if again else _phase(trace.messages, call.place))
            yield common | self._call(call, trace.messages if said else (), phase)
            known = calls[number + 1].began if number + 1 < len(calls) else None
            for place, request, result in _results(trace.messages, call.place):
                tool = ran.pop(request.id, None) or RecordedTool(request.name)
                arguments = request.arguments if said else tool.arguments
                row = self._tool(tool, arguments, failed=tool.failed or result.is_error, known=known)
                yield common | {"place": place, "agent": tool.agent or call.agent} | row
        for number, call in enumerate(trace.unsaid):
            yield common | self._call(call, (), call.phase) | {"place": len(trace.messages) + number}
        for number, tool in enumerate(tool for tool in trace.tools if tool.call is None or tool.call in ran):
            row = self._tool(tool, tool.arguments, failed=tool.failed, known=None)
            yield common | {"place": number, "agent": tool.agent} | row
        yield common | _end(trace, (*calls, *trace.unsaid))

    def _common(self, trace: Trace, file: str) -> Row:
        row: Row = {"v": VERSION, "task": self._name(trace, file)}
        if trace.of is not None and trace.of != trace.id:
            row["within"] = [_clean(trace.of)]
        if trace.tags:
            row["tags"] = {_clean(name): _clean(value) for name, value in trace.tags}
        return row

    def _name(self, trace: Trace, file: str) -> str:
        """Its id where that is a trace's; else each run has its own, also where two say that they are the same."""
        if trace.of is not None:
            return _clean(trace.id)
        name = _clean(trace.id)
        if name.startswith(("line ", "events")):
            name = f"{_clean(PurePath(file).name)}, {name}"
        named = _digest(name)
        content = _digest(name + repr(trace.messages))
        number = self._runs.get(content)
        if number is None:
            number = self._runs[named] = self._runs.get(named, 0) + 1
            self._runs[content] = number
        return name if number == 1 else f"{name} ({number})"

    def _call(self, call: RecordedCall, messages: tuple[Message, ...], phase: str | None) -> Row:
        model = call.model or self._model
        usage = call.usage
        if usage is None and messages and call.place != UNSAID:
            usage = _counted(messages, call.place, model)
        cost = call.cost
        priced = cost is None and usage is not None and model is not None
        if cost is None and usage is not None and model is not None:
            cost = self._cost(model, usage)
        ended = None if call.began is None else call.began + (call.seconds or 0.0)
        row: Row = {"event": "settled", "at": ended, "model": model, "phase": phase, "place": call.place}
        row |= {"seconds": call.seconds, "error": call.error, "agent": call.agent, "cost": cost}
        if usage is not None:
            row |= {"input": usage.input, "output": usage.output, "cached_input": usage.cached_input}
            row |= {"estimated": usage.estimated, "priced": priced and cost is not None}
        return {name: _clean(value) if isinstance(value, str) else value for name, value in row.items()}

    def _cost(self, model: str, usage: Usage) -> int | None:
        try:
            return self._prices.price(model).cost(usage)
        except PriceUnknown:
            return None

    def _tool(self, tool: RecordedTool, arguments: str | None, *, failed: bool, known: float | None) -> Row:
        at = known if tool.began is None else tool.began + (tool.seconds or 0.0)
        row: Row = {"event": "tool", "at": at, "tool": _clean(tool.name), "seconds": tool.seconds, "is_error": failed}
        if arguments is not None:
            told = same_arguments(arguments).encode("utf-8", "surrogatepass")
            row["arguments"] = blake2b(told, key=self._key, digest_size=8).hexdigest()
        return row


def _counted(messages: tuple[Message, ...], place: int, model: str | None) -> Usage:
    counter = counter_for(model or "")
    tokens = counter.expected(counter.prompt(messages[:place]))
    return Usage(tokens, counter.expected(counter.reply(messages[place])), estimated=True)


def _phase(messages: tuple[Message, ...], place: int) -> str:
    """As `leanloop.plugins.thinking.phase` has it; which tools a call might use is not recorded."""
    return "result" if place > 0 and messages[place - 1].role == "tool" else "plan"


def _results(messages: tuple[Message, ...], place: int) -> Iterator[tuple[int, ToolRequest, Message]]:
    """The results of what the reply there asked for, and their places."""
    requests = {request.id: request for request in messages[place].tool_calls}
    for later in range(place + 1, len(messages)):
        message = messages[later]
        if not requests or message.role == "assistant":
            return
        if message.role == "tool" and (request := requests.pop(message.tool_call_id or "", None)):
            yield later, request, message


def _end(trace: Trace, calls: tuple[RecordedCall, ...]) -> Row:
    began = [call.began for call in calls if call.began is not None]
    ended = [call.began + (call.seconds or 0.0) for call in calls if call.began is not None]
    stopped = None if trace.exit_status == _ENDED_WELL else trace.exit_status
    row: Row = {"event": "task_ended", "cycles": len(calls), "stopped": _clean(stopped or "") or None}
    if ended:
        row |= {"at": max(ended), "seconds": max(ended) - min(began)}
    return row | {"agent": next((_clean(call.agent) for call in calls if call.agent), None)}


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _clean(text: str) -> str:
    """Without halves of letters, which no file can hold."""
    return text.encode("utf-8", "replace").decode()
