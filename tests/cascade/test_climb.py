"""Cheap first, and up where a gate does not pass the answer: what is asked, seen, paid and given."""

# Agents made by a fixture that takes anything, and models that are lambdas.
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Drive, Letters, letters

from leanloop import BudgetExceeded, Message, ModelCall, ModelUnavailable, ToolRequest, UsageError
from leanloop.budgets.message import ToolSpec
from leanloop.plugins.drive_stream import stream
from leanloop.plugins.drive_sync import run

Make = Callable[..., Any]
SEARCH = ToolSpec("search", parameters={"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]})


class HttpError(Exception):
    def __init__(self, status: int) -> None:
        self.status_code = status
        super().__init__("no")


def test_an_answer_that_passes_is_taken_and_the_dear_model_never_asked(agent: Make, drive: Drive) -> None:
    made = agent()
    with made.task() as task:
        reply = drive(made.flow(task), made)
    assert reply.message.text == "cheap says"
    assert made.models == ["cheap-1"]
    (saving,) = (one for one in task.receipt().savings if one.plugin == "routes")
    assert saving.cost == 1_100 * 19_000


def test_an_answer_that_fails_is_never_seen_and_goes_up(agent: Make, drive: Drive) -> None:
    made = agent(says={"cheap-1": "I'm sorry, but I can't assist with that."})
    with made.task() as task:
        reply = drive(made.flow(task), made)
    assert reply.message.text == "dear says"
    assert made.models == ["cheap-1", "dear-1"]
    assert [call.hold_stream for call in made.seen] == [True, False]
    receipt = task.receipt()
    assert {use.model: use.calls for use in receipt.models} == {"cheap-1": 1, "dear-1": 1}
    assert sum(use.cost or 0 for use in receipt.models) == 1_100 * 21_000
    (saving,) = (one for one in receipt.savings if one.plugin == "routes")
    assert saving.cost == -1_100 * 1_000


def test_the_dear_answer_streams_as_it_comes_after_one_was_held_back(agent: Make) -> None:
    made = agent(says={"cheap-1": ""})
    order: list[str] = []

    def pieces(call: ModelCall) -> Any:
        for piece in letters(made(call)):
            order.append(f"{call.model} gives {piece.message.text}")
            yield piece

    with made.task() as task:
        order.extend(f"shown {chunk.message.text}" for chunk in stream(made.flow(task), pieces, Letters()))
    assert order[:3] == ["cheap-1 gives ", "dear-1 gives d", "shown d"]


@pytest.mark.parametrize(
    "bad", [[("search", "{}")], [("seek", "{}")], [("search", '{"q": "x"}'), ("search", '{"q": "x"}')]]
)
def test_each_step_is_checked_and_the_history_stays_valid(agent: Make, bad: list[tuple[str, str]]) -> None:
    good = [("search", '{"q": "x"}'), ("search", '{"q": "y"}')]
    made = agent(
        says={"cheap-1": lambda *_: bad, "dear-1": lambda call, _: good if len(call.messages) == 1 else "done"}
    )
    with made.task() as task:
        first = run(made.flow(task, tools=(SEARCH,)), made)
        requests = first.message.tool_calls
        assert [one.name for one in requests] == ["search", "search"]
        results = tuple(Message("tool", "found", tool_call_id=one.id) for one in requests)
        history = (Message("user", "go"), first.message, *results)
        last = run(made.stack.model_flow(ModelCall("dear-1", history, tools=(SEARCH,), agent="a"), task), made)
    assert made.models[:2] == ["cheap-1", "dear-1"]
    assert all(call.messages == history for call in made.seen[2:])
    assert last.message.text == "done"


def test_three_tiers_are_climbed_one_by_one(agent: Make) -> None:
    made = agent(
        tiers="cheap: cheap-1, mid: mid-1, frontier: dear-1", says={"cheap-1": "", "mid-1": lambda *_: [("seek", "{}")]}
    )
    assert made.ask(tools=(SEARCH,)) == "dear says"
    assert made.models == ["cheap-1", "mid-1", "dear-1"]


@pytest.mark.parametrize("error", [ModelUnavailable("cheap-1", "gone"), HttpError(503), HttpError(404), TimeoutError()])
def test_a_cheap_model_that_fails_is_no_reason_to_fail(agent: Make, error: Exception) -> None:
    made = agent(says={"cheap-1": lambda *_: error})
    assert made.ask() == "dear says"


def test_a_mistake_of_the_callers_own_is_raised(agent: Make) -> None:
    made = agent(says={"cheap-1": lambda *_: KeyError("x")})
    with pytest.raises(KeyError):
        made.ask()


@pytest.mark.parametrize("error", [HttpError(503), ModelUnavailable("dear-1", "gone")])
def test_where_the_dear_model_fails_the_answer_that_is_there_is_given(agent: Make, error: Exception) -> None:
    made = agent(says={"cheap-1": "I'm sorry, but I can't assist with that.", "dear-1": lambda *_: error})
    with made.task() as task:
        reply = run(made.flow(task), made)
    assert reply.message.text.startswith("I'm sorry")
    assert "no better one could be had" in "".join(task.receipt().notes)


def test_an_answer_that_cannot_be_used_is_not_given_either(agent: Make) -> None:
    made = agent(says={"cheap-1": "", "dear-1": lambda *_: HttpError(503)})
    with pytest.raises(HttpError):
        made.ask()


ROOM = "at_limit: raise\nmax_output: 100\nlimits: [{per: task, usd: 0.006}]\n"


def test_without_room_for_a_better_answer_the_one_that_is_there_is_given(agent: Make) -> None:
    made = agent(more=ROOM, says={"cheap-1": "I'm sorry, but I can't assist with that."})
    with made.task() as task:
        reply = run(made.flow(task, "x " * 500), made)
    assert reply.message.text.startswith("I'm sorry")
    assert task.stopped is None
    assert made.models == ["cheap-1"]
    assert "no better one could be had" in "".join(task.receipt().notes)


def test_without_room_and_without_an_answer_the_limit_is_told(agent: Make) -> None:
    made = agent(more=ROOM, says={"cheap-1": ""})
    with made.task() as task, pytest.raises(BudgetExceeded) as caught:
        run(made.flow(task, "x " * 500), made)
    assert task.stopped is caught.value


def test_a_task_that_has_room_for_nothing_lands_on_the_first_refusal(agent: Make) -> None:
    made = agent(more="at_limit: raise\nlimits: [{per: task, tokens: 10}]\n")
    with pytest.raises(BudgetExceeded):
        made.ask()
    assert made.models == []


def test_what_is_asked_beside_an_answer_is_paid_to_the_token(agent: Make) -> None:
    made = agent(
        "{gates: [agreement]}", says={"cheap-1": lambda _, n: "ANSWER: 7"}, more="limits: [{tokens: 90_000}]\n"
    )
    with made.task() as task:
        assert run(made.flow(task), made).message.text == "ANSWER: 7"
    (use,) = (one for one in task.receipt().limits if one.resource == "tokens")
    assert (use.spent, made.models) == (3 * 1_100, ["cheap-1"] * 3)


@pytest.mark.parametrize("more", [{"purpose": "summary"}, {"purpose": "check"}, {"purpose": "thought"}])
def test_a_call_apart_is_never_cascaded(agent: Make, more: dict[str, Any]) -> None:
    made = agent()
    made.ask(**more)
    assert made.models == ["dear-1"]


def test_a_gate_that_nobody_knows_is_refused(agent: Make) -> None:
    made = agent("{gates: [refusal, my_check]}", supplied={"checks": {"other": lambda *_: True}})
    with pytest.raises(UsageError, match=r"names 'my_check', which is no gate \(known: .*other.*\)"):
        made.ask()


def test_a_closed_stream_is_settled_and_its_attempt_counted(agent: Make) -> None:
    made = agent(says={"cheap-1": ""})

    def pieces(call: ModelCall) -> Any:
        yield from letters(made(call))

    with made.task() as task:
        chunks = stream(made.flow(task), pieces, Letters())
        assert next(chunks).message.text == "d"
        chunks.close()
    assert {use.model: use.calls for use in task.receipt().models} == {"cheap-1": 1, "dear-1": 1}
    kept = [counts for key, counts in made.outcomes._counts.items() if key.startswith("cascade:")]
    assert kept[0]["net 0"].cost < 0


def test_an_answer_with_a_request_keeps_its_ids(agent: Make) -> None:
    made = agent(says={"cheap-1": lambda *_: [("search", '{"q": "x"}')]})
    with made.task() as task:
        reply = run(made.flow(task, tools=(SEARCH,)), made)
    assert reply.message.tool_calls == (ToolRequest("0", "search", '{"q": "x"}'),)
