"""What agents of LlamaIndex stream as they work, as recorded runs."""

# Frameworks' own types are partly unknown:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import io

import pytest
from recorded_runs import Row, lines, llama_index_events, workflow_events

from leanloop.adapters.traces.formats import read_runs
from leanloop.adapters.traces.trace import Trace, asked
from leanloop.errors import TraceError

AS_SAID = [("system", "be kind"), ("user", "find a"), ("assistant", ""), ("tool", "found a"), ("assistant", "it is a")]


def read(rows: list[Row]) -> list[Trace | TraceError]:
    return list(read_runs(io.BytesIO(lines(rows).encode()), "t.jsonl"))


def traces(rows: list[Row]) -> list[Trace]:
    found = [run for run in read(rows) if isinstance(run, Trace)]
    assert len(found) == len(read(rows)), read(rows)
    return found


@pytest.fixture(scope="module", name="events")
def made_events() -> list[Row]:
    return workflow_events(named=False)


@pytest.mark.parametrize("named", [True, False])
def test_the_events_of_an_agent_are_one_conversation(*, named: bool) -> None:
    [trace] = traces(workflow_events(named=named))

    assert [(message.role, message.text) for message in trace.messages] == AS_SAID
    assert asked(trace) == (2, 4)
    assert [(call.agent, call.model, call.usage, call.began) for call in trace.calls] == [
        ("finder", None, None, None), ("finder", None, None, None)
    ]  # fmt: skip
    assert [(tool.name, tool.call, tool.arguments, tool.failed) for tool in trace.tools] == [
        ("search", "c1", '{"q": "a"}', False)
    ]


def test_the_same_said_again_is_another_run(events: list[Row]) -> None:
    assert [len(trace.calls) for trace in traces([*events, *events])] == [2, 2]


def test_events_of_the_user_s_own_among_them_are_passed_over(events: list[Row]) -> None:
    assert len(traces([*events, {"progress": 0.5}, {"qualified_name": "shop.Asked", "value": {}}])) == 1


def test_what_is_no_event_of_a_file_without_any_is_told() -> None:
    rows: list[Row] = [{"class_name": "SpanStart", "span_id": "1"}, {"progress": 0.5}]

    [error] = read(rows)
    assert "t.jsonl:2: is not an event of LlamaIndex" in str(error)


def test_an_output_needs_the_input_of_its_agent(events: list[Row]) -> None:
    [output] = [event for event in events[:4] if "response" in event and isinstance(event["response"], dict)]
    said_by_nobody = {**output, "response": {**output["response"], "role": "user", "blocks": []}}

    [error] = read([output])
    assert "response: no AgentInput of its agent is before it" in str(error)
    [error] = read([events[0], said_by_nobody])
    assert "response: it is no assistant's" in str(error)


def test_they_may_stand_among_events_of_the_instrumentation(events: list[Row]) -> None:
    found = traces([*llama_index_events(), *events])

    assert all([(message.role, message.text) for message in trace.messages] == AS_SAID for trace in found)
