"""Reads runs of LangChain and LangSmith: JSON Lines or an array of runs, or one object with ``runs`` or ``data``.

Fields: https://docs.langchain.com/langsmith/run-data-format. What is read of them: ``run_type`` llm or chat_model with
``inputs.messages`` or ``prompts``, ``outputs``, ``trace_id`` (else ``dotted_order``, else the parents seen before),
``extra``, token counts and ``total_cost``; of the root also ``error`` and ``feedback_stats``. Children may stand inside
``child_runs`` or in lines of their own. Messages may be as LangChain writes them (``lc``, ``id``, ``kwargs``), as it
dumps them (``type``), or as OpenAI's (``role``, or items of its Responses API) or Anthropic's. Objects may be JSON
text, as bulk exports have them (https://docs.langchain.com/langsmith/data-export). Of tool runs only the time, the
arguments and whether they failed are read: their results stand in the next prompt. Who made a run, and for whom, is
read by `leanloop.adapters.traces.langsmith_about`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from leanloop.adapters.traces.chat_values import as_openai, chat_messages
from leanloop.adapters.traces.fields import at, listed, nano_of, seconds_of, structured, usage_of, word
from leanloop.adapters.traces.found import FoundCall
from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.langsmith_about import agent_of, describe, error_of, tool_of
from leanloop.adapters.traces.recorded_value import Record
from leanloop.adapters.traces.responses import messages_in, reply_in
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.message import Message
from leanloop.errors import TraceError
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["LangSmithRuns", "is_langsmith"]

_MODELS = ("llm", "chat_model")
_OBJECTS = ("inputs", "outputs", "extra", "feedback_stats", "tags", "child_runs")
_NOTHING = Message("assistant", "")
_JUDGED = ("reward", "correctness", "success", "score")
"""Names of feedback that say what a trace was worth, the first that is there."""


def is_langsmith(value: object) -> bool:
    """Whether it is a run, or an object with runs."""
    return any(isinstance(at(value, *way, "run_type"), str) for way in ((), ("runs", 0), ("data", 0)))


class LangSmithRuns:
    """The runs of agents in such records; see `leanloop.adapters.traces.formats.Recordings`."""

    def __init__(self, *, unsaid: bool = False) -> None:
        self._gathering = Gathering(unsaid=unsaid)
        self._roots: dict[str, str] = {}
        self._unsaid = unsaid

    def read(self, records: Iterator[Record | TraceError], file: str) -> Iterator[Trace | TraceError]:
        """Those of a file that are whole; what cannot be read comes as the error that says why."""
        return self._gathering.runs(records, file, "is not a run of LangSmith", self._take)

    def rest(self) -> Iterator[Trace | TraceError]:
        """All others."""
        return self._gathering.rest()

    def _take(self, value: object) -> Iterable[str]:
        for run, inside in _all_runs(value):
            _take(run, inside, self._gathering, self._roots, unsaid=self._unsaid)
        return ()


def _all_runs(value: object) -> Iterator[tuple[object, str | None]]:
    """Every run in a value, with the id of that on whose inside it stands."""
    runs = next((listed(at(value, name)) for name in ("runs", "data") if is_list(at(value, name))), [value])
    waiting: list[tuple[object, str | None]] = [(run, None) for run in runs]
    while waiting:
        run, inside = waiting.pop()
        if not is_object(run) or not isinstance(run.get("run_type"), str):
            raise ValueError("run_type: it has none")
        run = {**run, **{name: structured(run[name]) for name in _OBJECTS if isinstance(run.get(name), str)}}
        yield run, inside
        own = inside or word(run.get("trace_id"), run.get("id"))
        waiting.extend((child, own) for child in reversed(listed(run.get("child_runs"))))


def _take(run: object, inside: str | None, gathering: Gathering, roots: dict[str, str], *, unsaid: bool) -> None:
    own, parent = word(at(run, "id")), word(at(run, "parent_run_id"))
    order = word(at(run, "dotted_order"))
    trace = word(at(run, "trace_id"), inside)
    if trace is None and order is not None:
        trace = order.partition(".")[0].rpartition("Z")[2]
    if trace is None:
        trace = roots.get(parent, parent) if parent else own
        if own and trace:
            roots[own] = trace
    if not trace:
        raise ValueError("it has no id")
    if parent is None and inside is None:
        gathering.judge(trace, reward=_reward(run), failed=bool(at(run, "error")))
        describe(run, trace, gathering)
    if at(run, "run_type") == "tool":
        gathering.add_tool(trace, tool_of(run))
    elif at(run, "run_type") in _MODELS:
        _take_call(run, trace, gathering, unsaid=unsaid)


def _take_call(run: object, trace: str, gathering: Gathering, *, unsaid: bool) -> None:
    failed = bool(at(run, "error"))
    if failed or at(run, "outputs") is None:
        if failed and unsaid:
            gathering.add_unsaid(trace, _call(run, (), _NOTHING))
        return
    try:
        told = [one for value in _prompt(at(run, "inputs")) for one in as_openai(_message(value))]
        messages = chat_messages([*told, *as_openai(_message(_reply(at(run, "outputs"))), answer=True)])
        if messages[-1].role != "assistant":
            raise ValueError("outputs: the reply is no assistant's")
        gathering.add(trace, _call(run, messages[:-1], messages[-1]))
    except ValueError:
        if not unsaid:
            raise
        gathering.add_unsaid(trace, _call(run, (), _NOTHING))


def _reward(run: object) -> float | None:
    stats = at(run, "feedback_stats")
    for name in _JUDGED:
        found = at(stats, name, "avg")
        if isinstance(found, int | float) and not isinstance(found, bool):
            return float(found)
    return None


def _call(run: object, prompt: tuple[Message, ...], reply: Message) -> FoundCall:
    outputs, extra = at(run, "outputs"), at(run, "extra")
    fields = _fields(_reply(outputs))
    usage = usage_of(
        at(fields, "usage_metadata"),
        at(outputs, "usage_metadata"),
        at(outputs, "llm_output", "token_usage"),
        at(outputs, "usage"),
        run,
    )
    model = word(
        at(extra, "metadata", "ls_model_name"),
        at(extra, "invocation_params", "model"),
        at(extra, "invocation_params", "model_name"),
        at(fields, "response_metadata", "model_name"),
        at(outputs, "model"),
        at(run, "inputs", "model"),
    )
    began, ended = seconds_of(at(run, "start_time")), seconds_of(at(run, "end_time"))
    cost, own = nano_of(at(run, "total_cost")), word(at(run, "id"))
    return FoundCall(prompt, reply, model, usage, cost, began, ended, agent_of(run), None, error_of(run), own)


def _prompt(inputs: object) -> list[object]:
    messages = listed(at(inputs, "messages"))
    if messages and is_list(messages[0]) and not isinstance(at(messages[0], 0), str):
        messages = listed(messages[0])  # a batch; a run is one of it
    if not messages:
        prompts: list[object] = [{"role": "user", "content": text} for text in listed(at(inputs, "prompts"))[:1]]
        return prompts or messages_in(inputs)
    system = at(inputs, "system")  # Anthropic's, beside the messages
    return [{"role": "system", "content": system}, *messages] if system else messages


def _reply(outputs: object) -> object:
    generation = at(outputs, "generations", 0)
    generation = at(generation, 0) if is_list(generation) else generation
    said = at(generation, "message") or at(outputs, "choices", 0, "message")
    if said is None and isinstance(at(generation, "text"), str):
        said = {"role": "assistant", "content": at(generation, "text")}
    messages = listed(at(outputs, "messages"))
    return said or (messages[-1] if messages else reply_in(outputs) or outputs)


def _fields(value: object) -> object:
    for inner in ("kwargs", "data"):
        found = at(value, inner)
        if is_object(found):
            return found
    return value


def _message(value: object) -> dict[str, object]:
    """The fields of a message, however it is written, with what says its role under ``role``."""
    if is_list(value) and len(value) == 2:
        return {"role": value[0], "content": value[1]}
    fields = _fields(value)
    if not is_object(fields):
        return {}
    kind = word(fields.get("role"), fields.get("type"), at(value, "type"))
    if kind in (None, "constructor", "message"):
        kind = word(*reversed(listed(at(value, "id"))))
    calls = listed(fields.get("tool_calls")) or listed(at(fields, "additional_kwargs", "tool_calls"))
    return {**fields, "role": kind, "tool_calls": calls}
