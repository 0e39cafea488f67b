"""Which request a recorded tool run answered."""

from __future__ import annotations

from leanloop.adapters.traces.found import FoundCall
from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.tool_runs import Conversation, told_apart
from leanloop.adapters.traces.trace import RecordedTool, Trace
from leanloop.budgets.message import Message, ToolRequest


def asking(*calls: tuple[str, str]) -> Conversation:
    requests = tuple(ToolRequest(call, name, "{}") for call, name in calls)
    return Conversation((Message("user", "go"), Message("assistant", "", requests)), (1,))


def test_a_tool_is_of_the_run_whose_request_it_names() -> None:
    runs = [asking(("c1", "search")), asking(("c2", "search"))]

    first, second = told_apart([RecordedTool("search", "c2"), RecordedTool("search", "c1")], runs)

    assert [tool.call for tool in first] == ["c1"]
    assert [tool.call for tool in second] == ["c2"]


def test_tools_that_name_no_request_answer_those_of_their_name_in_the_order_they_began() -> None:
    tools = [
        RecordedTool("search", began=3.0, arguments="late"),
        RecordedTool("search", began=1.0, arguments="early"),
        RecordedTool("read", began=2.0),
        RecordedTool("search", "c1", began=9.0),
        RecordedTool("unasked"),
    ]

    [found] = told_apart(tools, [asking(("c1", "search"), ("c2", "search"), ("c3", "search"), ("c4", "read"))])

    assert {(tool.call, tool.arguments) for tool in found} == {
        ("c2", "early"), ("c3", "late"), ("c4", None), ("c1", None), (None, None)
    }  # fmt: skip


def test_tools_of_no_run_are_nobody_s() -> None:
    assert told_apart([RecordedTool("search")], []) == []


def test_traces_with_more_letters_than_there_is_room_for_are_given_out_the_quietest_first() -> None:
    gathering = Gathering(letters=100)
    for name in ("a", "b", "c"):
        gathering.add(name, FoundCall((Message("user", name * 40),), Message("assistant", "")))

    assert [run.id for run in gathering.ready() if isinstance(run, Trace)] == ["a"]
    assert [run.id for run in gathering.rest() if isinstance(run, Trace)] == ["b", "c"]


def test_one_trace_is_kept_whole_however_long_it_is() -> None:
    gathering = Gathering(letters=10)
    gathering.add("a", FoundCall((Message("user", "x" * 1_000),), Message("assistant", "y")))

    assert list(gathering.ready()) == []
