"""Reads runs of LangChain and LangSmith: JSON Lines or an array of runs, or one object with ``runs`` in it.

Fields: https://docs.langchain.com/langsmith/run-data-format. What is read of them: ``run_type`` llm or chat_model with
``inputs.messages`` or ``prompts``, ``outputs``, ``trace_id`` (else ``dotted_order``, else the parents seen before),
``extra``, token counts and ``total_cost``; of the root also ``error`` and ``feedback_stats``. Children may stand inside
``child_runs`` or in lines of their own. Messages may be as LangChain writes them (``lc``, ``id``, ``kwargs``), as it
dumps them (``type``), or as OpenAI's (``role``). Of tool runs only the time, the arguments and whether they failed are
read: their results stand in the next prompt. Who made a run, and for whom, is read by
`leanloop.adapters.traces.langsmith_about`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from leanloop.adapters.traces.chat_values import chat_messages, content_of
from leanloop.adapters.traces.fields import at, listed, seconds_of, usage_of, word
from leanloop.adapters.traces.gathering import FoundCall, Gathering
from leanloop.adapters.traces.langsmith_about import agent_of, describe, error_of, tool_of
from leanloop.adapters.traces.records import Record
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.message import Message
from leanloop.errors import TraceError
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["is_langsmith", "read_langsmith"]

_MODELS = ("llm", "chat_model")
_ROLES = {
    "human": "user",
    "ai": "assistant",
    "function": "tool",
    "HumanMessage": "user",
    "HumanMessageChunk": "user",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "SystemMessage": "system",
    "SystemMessageChunk": "system",
    "ToolMessage": "tool",
    "ToolMessageChunk": "tool",
    "FunctionMessage": "tool",
}
_NOTHING = Message("assistant", "")
_JUDGED = ("reward", "correctness", "success", "score")
"""Names of feedback that say what a trace was worth, the first that is there."""


def is_langsmith(value: object) -> bool:
    """Whether it is a run, or an object with runs."""
    return isinstance(at(value, "run_type"), str) or isinstance(at(value, "runs", 0, "run_type"), str)


def read_langsmith(
    records: Iterator[Record | TraceError], file: str, *, unsaid: bool = False
) -> Iterator[Trace | TraceError]:
    """The runs of agents in it; what cannot be read comes as the error that says why, see `read_runs`."""
    gathering = Gathering()
    roots: dict[str, str] = {}
    for record in records:
        if isinstance(record, TraceError):
            yield record
            continue
        try:
            value = record.value(file)
            for run, inside in _all_runs(value):
                _take(run, inside, gathering, roots, unsaid=unsaid)
        except TraceError as error:
            yield error
        except ValueError as error:
            yield TraceError(f"is not a run of LangSmith: {error}", file=file, line=record.line)
        yield from gathering.ready()
    yield from gathering.rest()


def _all_runs(value: object) -> Iterator[tuple[object, str | None]]:
    """Every run in a value, with the id of that on whose inside it stands."""
    runs = at(value, "runs")
    waiting: list[tuple[object, str | None]] = [(run, None) for run in (runs if is_list(runs) else [value])]
    while waiting:
        run, inside = waiting.pop()
        if not is_object(run) or not isinstance(run.get("run_type"), str):
            raise ValueError("run_type: it has none")
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
        messages = chat_messages([*map(_message, _prompt(at(run, "inputs"))), _message(_reply(at(run, "outputs")))])
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
    )
    began, ended = seconds_of(at(run, "start_time")), seconds_of(at(run, "end_time"))
    cost = _cost(at(run, "total_cost"))
    return FoundCall(prompt, reply, model, usage, cost, began, ended, agent_of(run), None, error_of(run))


def _prompt(inputs: object) -> list[object]:
    messages = listed(at(inputs, "messages"))
    if messages and is_list(messages[0]) and not isinstance(at(messages[0], 0), str):
        return listed(messages[0])  # a batch; a run is one of it
    prompts = listed(at(inputs, "prompts"))
    return messages or [{"role": "user", "content": text} for text in prompts[:1]]


def _reply(outputs: object) -> object:
    generation = at(outputs, "generations", 0)
    generation = at(generation, 0) if is_list(generation) else generation
    said = at(generation, "message") or at(outputs, "choices", 0, "message")
    if said is None and isinstance(at(generation, "text"), str):
        said = {"role": "assistant", "content": at(generation, "text")}
    messages = listed(at(outputs, "messages"))
    return said or (messages[-1] if messages else outputs)


def _fields(value: object) -> object:
    for inner in ("kwargs", "data"):
        found = at(value, inner)
        if is_object(found):
            return found
    return value


def _message(value: object) -> object:
    """A message in OpenAI's shape."""
    if is_list(value) and len(value) == 2:
        value = {"role": value[0], "content": value[1]}
    fields = _fields(value)
    kind = word(at(fields, "role"), at(fields, "type"), at(value, "type"), at(value, "id", -1))
    if kind in (None, "constructor"):
        kind = word(*reversed(listed(at(value, "id"))))
    message: dict[str, object] = {
        "role": _ROLES.get(kind or "", kind),
        "content": content_of(at(fields, "content")),
        "name": word(at(fields, "name")),
    }
    calls = listed(at(fields, "tool_calls")) or listed(at(fields, "additional_kwargs", "tool_calls"))
    if calls:
        message["tool_calls"] = [
            {"id": at(call, "id"), "name": at(call, "name"), "arguments": at(call, "args")}
            if is_object(call) and "args" in call
            else call
            for call in calls
        ]
    if message["role"] == "tool":
        message["tool_call_id"] = word(at(fields, "tool_call_id"))
        message["is_error"] = at(fields, "status") == "error"
    return message


def _cost(value: object) -> int | None:
    """Dollars, as a number or as text, in nano-dollars."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 40:
        return None
    try:
        cost = Decimal(str(value))
    except InvalidOperation:
        return None
    return round(cost * 10**9) if cost.is_finite() and 0 <= cost < 10**9 else None
