"""Every event at its place, once, the same in every framework; and what is told adds up to the receipt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from heard import FRAMEWORKS, Agent, Heard, Run
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop import Budget, Limit, ModelCall, ModelReply, parse_budget
from leanloop.plugins.events.event import (
    Alerted,
    Event,
    Gated,
    Hit,
    Landed,
    Nudged,
    Refused,
    Settled,
    TaskEnded,
    ToolEnded,
)

TASK = ("task_began", "task_ended")


def said(event: Event) -> str:
    """An event in a word or two; of a sub-task with "> " before it."""
    match event:
        case Settled():
            told = f"settled {event.phase}"
        case ToolEnded():
            told = f"tool {event.tool}{' failed' if event.is_error else ''}"
        case Refused():
            told = f"refused {event.resource}"
        case Hit():
            told = f"hit {event.tier}"
        case Gated():
            told = f"gated {event.by} {event.setting}{' escalated' if event.escalated else ''}"
        case Nudged():
            told = f"nudged {event.by}"
        case Alerted():
            told = f"alert {event.alert}"
        case Landed():
            told = f"landed {'by the model' if event.by_model else 'without it'}"
        case TaskEnded():
            told = f"task_ended{' landed' if event.landed else ' stopped' if event.stopped else ''}"
        case _:
            told = event.kind
    return f"{'> ' * len(event.of.within)}{told}"


def under(*limits: Limit, agent: str = "a", **rules: object) -> Budget:
    return Budget.model_validate({"agent": agent, "limits": limits, "notify": (), "warn": (), **rules})


def steps(count: int, *tools: str) -> Callable[[int, bool], str | Sequence[tuple[str, str]]]:
    """So many calls of the tools in turn, each with an argument of its own, then an answer."""

    def reply(done: int, may_call: bool) -> str | Sequence[tuple[str, str]]:
        return [(tools[done % len(tools)], f"topic {done}")] if done < count and may_call else "the answer"

    return reply


def same(done: int, may_call: bool) -> str | Sequence[tuple[str, str]]:
    return [("search", "the same")] if may_call and done < 4 else "the answer"


def stubborn(done: int, may_call: bool) -> str | Sequence[tuple[str, str]]:
    return [("search", f"topic {done}")]


def search(q: str) -> str:
    return f"something about {q}"


def long(q: str) -> str:
    return f"{q}\n" + "\n".join(f"a line {n} of a long result" for n in range(2_000))


def hard(call: ModelCall) -> float:
    return 0.9


def easy(call: ModelCall) -> float:
    return 0.1


def good(call: ModelCall, reply: ModelReply) -> bool:
    return call.model == "gpt-4.1"


def broken(q: str) -> str:
    raise ValueError(q)


CALL = ("reserved", "settled plan")
READ = ("reserved", "settled result")
SUB = Agent(steps(1, "search"), under(agent="inner"), {"search": search})


@dataclass(frozen=True)
class Case:
    agent: Agent
    told: tuple[str, ...]


CASES = {
    "an answer": Case(Agent(steps(0, "search"), under(), {"search": search}), (*TASK[:1], *CALL, *TASK[1:])),
    "an agent without tools": Case(
        Agent(steps(0), under()), ("task_began", "reserved", "settled answer", "task_ended")
    ),
    "a tool": Case(
        Agent(steps(1, "search"), under(), {"search": search}),
        ("task_began", *CALL, "tool search", *READ, "task_ended"),
    ),
    "a tool call that was refused": Case(
        Agent(steps(2, "search"), under(Limit(tool_calls={"search": 1})), {"search": search}),
        (
            "task_began", *CALL, "tool search", *READ,
            "refused tool_calls:search", "tool search failed", *READ, "task_ended",
        ),
    ),
    "a landing": Case(
        Agent(steps(9, "search"), under(Limit(model_calls=2)), {"search": search}),
        (
            "task_began", *CALL, "tool search", "refused model_calls",
            "reserved", "settled landing", "landed by the model", "task_ended landed",
        ),
    ),
    "a landing in which the model still asks for tools": Case(
        Agent(stubborn, under(Limit(model_calls=2)), {"search": search}),
        (
            "task_began", *CALL, "tool search", "refused model_calls",
            "reserved", "settled landing", "landed by the model", "task_ended landed",
        ),
    ),
    "a landing without a model": Case(
        Agent(steps(9, "search"), under(Limit(model_calls=1), landing={"tokens": 0}), {"search": search}),
        ("task_began", *CALL, "tool search", "refused model_calls", "landed without it", "task_ended landed"),
    ),
    "a limit that raises": Case(
        Agent(steps(9, "search"), under(Limit(model_calls=1), at_limit="raise"), {"search": search}),
        ("task_began", *CALL, "tool search", "refused model_calls", "task_ended stopped"),
    ),
    "a loop": Case(
        Agent(same, under(), {"search": lambda q: "nothing"}),
        (
            "task_began", *CALL, "tool search", *READ, "tool search", *READ, "tool search", "nudged loop", *CALL,
            "saved", "tool search", *READ, "task_ended",
        ),
    ),
    "a note of what is left": Case(
        Agent(steps(2, "search"), under(Limit(model_calls=6), notify=(0.3,)), {"search": search}),
        ("task_began", *CALL, "tool search", *READ, "tool search", "nudged budget", *CALL, "task_ended"),
    ),
    "a long result": Case(
        Agent(steps(1, "long"), under(results={"max_tokens": 300}), {"long": long}),
        ("task_began", *CALL, "saved", "shortened", "tool long", *READ, "task_ended"),
    ),
    "an alert": Case(
        Agent(steps(1, "search"), under(Limit(model_calls=2), warn=(0.5,), landing={"tokens": 0}), {"search": search}),
        ("task_began", "reserved", "alert share", "settled plan", "tool search", *READ, "task_ended"),
    ),
    "a sub-agent": Case(
        Agent(steps(1, "research"), under(Limit(tokens=50_000)), {"research": SUB}),
        (
            "task_began", *CALL,
            "> task_began", "> reserved", "> settled plan", "> tool search", "> reserved", "> settled result",
            "> task_ended", "tool research", *READ, "task_ended",
        ),
    ),
    "a person is asked": Case(
        Agent(steps(2, "approve"), under(), {"approve": None}),
        ("task_began", *CALL, "tool approve", *READ, "tool approve", *READ, "task_ended"),
    ),
    "a route": Case(
        Agent(
            steps(0),
            parse_budget("agent: a\nroutes: {cheap: gpt-4.1-nano, frontier: gpt-4.1}"),
            given={"difficulty": hard},
            models=("gpt-4.1-nano", "gpt-4.1"),
        ),
        ("task_began", "reserved", "settled answer", "saved", "gated routes gpt-4.1", "task_ended"),
    ),
    "a cascade that goes up": Case(
        Agent(
            steps(0),
            parse_budget("agent: a\nroutes: {cheap: gpt-4.1-nano, frontier: gpt-4.1, cascade: {gates: [good]}}"),
            given={"difficulty": easy, "checks": {"good": good}},
            models=("gpt-4.1-nano", "gpt-4.1"),
        ),
        (
            "task_began", "reserved", "settled answer", "reserved", "settled retry", "saved",
            "gated routes gpt-4.1 escalated", "task_ended",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", CASES)
def test_a_run_tells_each_thing_once_and_in_its_place(name: str, framework: str) -> None:
    case, heard = CASES[name], Heard()
    run = FRAMEWORKS[framework].run(case.agent, heard)

    assert tuple(map(said, heard)) == case.told, run.error
    assert run.error is None or case.agent.budget.at_limit == "raise"
    adds_up(heard, run)


def adds_up(heard: Heard, run: Run) -> None:
    """What was told of one run, against its receipt."""
    calls = [event for event in heard if isinstance(event, Settled)]
    reserved = [event for event in heard if event.kind == "reserved"]
    assert [one.call for one in calls] == [getattr(one, "call", None) for one in reserved]
    assert len({one.call for one in calls}) == len(calls)
    assert [event.at for event in heard] == sorted(event.at for event in heard)
    if run.error is not None:
        return
    assert sum(Decimal(one.cost or 0) for one in calls) / 10**9 == Decimal(str(run.receipt["usd"]))
    assert sum(one.usage.total for one in calls) == run.receipt["tokens"]
    assert len(calls) == run.receipt["model_calls"]
    ended = [event for event in heard if isinstance(event, TaskEnded) and not event.of.within]
    assert [event.stopped for event in ended] == [run.receipt["stopped"]]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@settings(max_examples=8, deadline=None)
@given(calls=st.integers(1, 6), limit=st.integers(2, 6), inner=st.integers(1, 4))
def test_what_is_told_adds_up_to_the_receipt(framework: str, calls: int, limit: int, inner: int) -> None:
    sub = Agent(steps(9, "search"), under(Limit(model_calls=inner), agent="inner"), {"search": search})
    agent = Agent(
        steps(calls, "research", "search"), under(Limit(model_calls=limit)), {"research": sub, "search": search}
    )
    heard = Heard()
    adds_up(heard, FRAMEWORKS[framework].run(agent, heard))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_given_again_is_a_hit(framework: str, tmp_path: Path) -> None:
    cache = {"store": f"sqlite:///{tmp_path}/cache.db"}
    agent = Agent(steps(0, "search"), under(cache=cache), {"search": search})
    told: list[tuple[str, ...]] = []
    for _ in range(2):
        heard = Heard()
        FRAMEWORKS[framework].run(agent, heard)
        told.append(tuple(map(said, heard)))

    assert told == [("task_began", *CALL, "hit miss", "task_ended"), ("task_began", "hit exact", "saved", "task_ended")]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_tool_that_raises_is_told_of_as_failed(framework: str) -> None:
    heard = Heard()
    FRAMEWORKS[framework].run(Agent(steps(1, "broken"), under(), {"broken": broken}), heard)

    assert [said(one) for one in heard][3] == "tool broken failed"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_sink_that_raises_changes_nothing(framework: str) -> None:
    def failing(event: Event) -> None:
        raise ValueError(event.kind)

    agent = Agent(steps(2, "search"), under(), {"search": search})
    silent, loud = (FRAMEWORKS[framework].run(agent, sink).receipt for sink in (Heard(), failing))

    assert (silent["usd"], silent["tokens"]) == (loud["usd"], loud["tokens"])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_was_said_is_told_only_where_the_file_asks_for_it_and_as_redact_gives_it(framework: str) -> None:
    def run(events: object) -> str:
        heard = Heard()
        redact = {"redact": str.upper}
        FRAMEWORKS[framework].run(Agent(steps(1, "search"), under(events=events), {"search": search}, redact), heard)
        return repr(list(heard))

    assert "topic 0" not in run(None)
    assert "the answer" not in run(None)
    assert "THE ANSWER" in run({"text": True})
    assert "the answer" not in run({"text": True})
