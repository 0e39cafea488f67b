"""A call whose model fails goes to the next; what it may have cost is counted, and what the caller did wrong raised."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from routed import OWN, TWO, Clock, Fails, HttpError, Make

from leanloop import Message, ModelCall, ModelReply, Usage
from leanloop.errors import BudgetExceeded, ModelUnavailable
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_stream import shown, stream

FOUR = "cheap: [gpt-4.1-nano, gpt-5-nano], mid: gpt-4.1-mini, frontier: gpt-4.1"


def fails(*models: str, status: int = 503) -> Fails:
    return lambda call: HttpError(status) if call.model in models else None


@pytest.mark.parametrize(
    ("down", "asked"),
    [
        (("gpt-4.1-nano",), ["gpt-4.1-nano", "gpt-5-nano"]),
        (("gpt-4.1-nano", "gpt-5-nano"), ["gpt-4.1-nano", "gpt-5-nano", "gpt-4.1-mini"]),
        (("gpt-4.1-nano", "gpt-5-nano", "gpt-4.1-mini"), ["gpt-4.1-nano", "gpt-5-nano", "gpt-4.1-mini", "gpt-4.1"]),
    ],
)
def test_the_next_of_the_tier_is_asked_then_the_next_tier(
    routed: Make, down: tuple[str, ...], asked: list[str]
) -> None:
    agent = routed(FOUR, chance=0.0, fails=fails(*down))
    with agent.task() as task:
        reply = agent.ask(task)
    assert agent.models == asked
    assert reply.message.text == f"{asked[-1]} says so"
    assert len(task.receipt().notes) == len(down)
    assert [(use.model, use.calls) for use in task.receipt().models] == [(asked[-1], 1)]


def test_where_all_above_fail_the_nearest_below_is_asked(routed: Make) -> None:
    agent = routed(FOUR, chance=0.9, fails=fails("gpt-4.1"))
    with agent.task() as task:
        agent.ask(task)
    assert agent.models == ["gpt-4.1", "gpt-4.1-mini"]


def test_where_all_fail_the_first_failure_is_raised_and_nothing_stays_reserved(routed: Make) -> None:
    agent = routed(
        TWO, "limits: [{usd: 1, tokens: 90_000}]", chance=0.0, fails=lambda call: HttpError(500 + len(call.model))
    )
    with agent.task() as task:
        with pytest.raises(HttpError, match=str(500 + len("gpt-4.1-nano"))):
            agent.ask(task)
        assert task.receipt().models == ()
    assert [one for one in agent.store.accounts() if one.balance.reserved] == []


def test_a_failure_that_may_have_been_billed_is_counted_and_so_are_its_tokens(routed: Make) -> None:
    agent = routed(TWO, "limits: [{usd: 1}]", chance=0.0, fails=lambda c: TimeoutError() if "nano" in c.model else None)
    with agent.task() as task:
        agent.ask(task, max_output=100)
    uses = {use.model: use for use in task.receipt().models}
    assert uses["gpt-4.1-nano"].usage.output == 100
    (saving,) = task.receipt().savings
    assert saving.cost < 0 or saving.what == "calls routed to gpt-4.1"


def test_a_model_that_failed_is_passed_over_for_a_while(routed: Make, clock: Clock) -> None:
    agent = routed(TWO, chance=0.0, fails=fails("gpt-4.1-nano"))
    with agent.task() as task:
        for _ in range(3):
            agent.ask(task)
        agent.fails = lambda _: None
        clock.now += 5
        agent.ask(task)
    assert agent.models == ["gpt-4.1-nano", "gpt-4.1", "gpt-4.1", "gpt-4.1", "gpt-4.1-nano"]


def test_where_all_are_passed_over_they_are_asked_all_the_same(routed: Make) -> None:
    agent = routed("cheap: gpt-4.1-nano, frontier: gpt-4.1", chance=0.0, fails=lambda _: HttpError(503))
    with agent.task() as task:
        for _ in range(2):
            with pytest.raises(HttpError):
                agent.ask(task)
    assert agent.models == ["gpt-4.1-nano", "gpt-4.1"] * 2


def test_a_slow_model_is_passed_over_for_the_next_of_its_tier(routed: Make) -> None:
    agent = routed("cheap: [gpt-4.1-nano, gpt-5-nano], slow: 5s", chance=0.0, takes=6.0)
    with agent.task() as task:
        for _ in range(4):
            agent.ask(task)
    assert agent.models == ["gpt-4.1-nano"] * 3 + ["gpt-5-nano"]


@pytest.mark.parametrize("status", [400, 422])
def test_what_the_agents_own_model_refuses_is_the_callers_mistake(routed: Make, status: int) -> None:
    agent = routed("cheap: gpt-4.1-nano", chance=0.9, fails=lambda _: HttpError(status))
    with agent.task() as task, pytest.raises(HttpError):
        agent.ask(task)
    assert agent.models == [OWN]


def test_what_another_refuses_the_next_may_take_and_it_is_asked_no_more_in_the_task(routed: Make) -> None:
    agent = routed("cheap: gpt-4.1-nano", chance=0.0, fails=fails("gpt-4.1-nano", status=400))
    with agent.task() as task:
        agent.ask(task)
        agent.ask(task)
    assert agent.models == ["gpt-4.1-nano", OWN, OWN]
    with agent.task() as task:
        agent.ask(task)
    assert agent.models[3:] == ["gpt-4.1-nano", OWN]  # no health matter: the next task asks it again


def test_a_call_that_all_refuse_is_no_models_fault(routed: Make) -> None:
    agent = routed("cheap: gpt-4.1-nano", chance=0.0, fails=lambda _: HttpError(400))
    with agent.task() as task:
        with pytest.raises(HttpError):
            agent.ask(task)
        assert task.left_alone == set()


@pytest.mark.parametrize("error", [HttpError(401), HttpError(404), ModelUnavailable("gpt-4.1-nano", "no key.")])
def test_a_model_that_cannot_be_had_is_left_alone_and_said_once(
    routed: Make, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    agent = routed(TWO, chance=0.0, fails=lambda call: error if call.model == "gpt-4.1-nano" else None)
    for _ in range(2):
        with agent.task() as task:
            agent.ask(task)
            agent.ask(task)
    assert agent.models == ["gpt-4.1-nano", "gpt-4.1", "gpt-4.1"] * 2
    assert len([record for record in caplog.records if "go past gpt-4.1-nano" in record.message]) == 1


def test_errors_of_ours_and_bugs_are_raised_at_once(routed: Make) -> None:
    agent = routed(TWO, chance=0.0, fails=lambda _: KeyError("bug"))
    with agent.task() as task, pytest.raises(KeyError):
        agent.ask(task)
    assert agent.models == ["gpt-4.1-nano"]


def test_a_call_there_is_no_money_for_goes_a_tier_down_before_the_task_lands(routed: Make) -> None:
    agent = routed(TWO, "limits: [{usd: 0.0004}]", "landing: {tokens: 10}", chance=0.9)
    with agent.task() as task:
        agent.ask(task, max_output=1_000)
    assert agent.models == ["gpt-4.1-nano"]
    assert not task.landed
    assert "no room in usd for gpt-4.1" in task.receipt().notes[0]


def test_what_a_cheaper_model_does_not_help_is_refused_for_good(routed: Make) -> None:
    agent = routed(TWO, "limits: [{usd: 1, tokens: 1_000}]", "at_limit: raise", chance=0.9)
    with agent.task() as task:
        with pytest.raises(BudgetExceeded, match="1,000 tokens"):
            agent.ask(task, " ".join(f"w{number}" for number in range(600)))
        assert task.stopped is not None
    assert agent.models == []


def test_a_landing_stays_with_the_model_the_task_was_with(routed: Make) -> None:
    agent = routed(TWO, "limits: [{model_calls: 3}]", chance=0.0, asks_for_tools=True)
    with agent.task() as task:
        for _ in range(3):
            agent.ask(task)
    assert [(call.model, call.purpose) for call in agent.seen] == [
        ("gpt-4.1-nano", "step"),
        ("gpt-4.1-nano", "step"),
        ("gpt-4.1-nano", "landing"),
    ]


def test_a_landing_whose_model_fails_goes_to_another(routed: Make) -> None:
    agent = routed(
        TWO,
        "limits: [{model_calls: 3}]",
        chance=0.0,
        asks_for_tools=True,
        fails=lambda c: HttpError(503) if (c.model, c.purpose) == ("gpt-4.1-nano", "landing") else None,
    )
    with agent.task() as task:
        for _ in range(3):
            agent.ask(task)
    assert agent.models[-2:] == ["gpt-4.1-nano", "gpt-4.1"]
    assert task.landed


def test_another_model_gets_the_nearest_effort_it_knows_and_room_for_it(routed: Make) -> None:
    able = {
        OWN: Abilities(efforts=("low", "high"), thinking_tokens={"high": 4_000}),
        "gpt-4.1-nano": Abilities(efforts=("none", "low"), provider="openai"),
        "gpt-4.1": Abilities(efforts=("medium",), thinking_tokens={"medium": 2_000}, provider="openai"),
    }
    for chance, effort, most in ((0.0, "low", 0), (0.9, "medium", 2_000)):
        agent = routed(TWO, chance=chance, able=able)
        with agent.task() as task:
            agent.ask(task, thinking="high", min_output=4_064, max_output=8_000)
        (call,) = agent.seen
        assert (call.thinking, call.provider) == (effort, "openai")
        assert call.min_output >= most
        assert (call.max_output or 0) > call.min_output
    agent = routed(TWO, chance=0.0, able={"gpt-4.1-nano": Abilities()})
    with agent.task() as task:
        agent.ask(task, thinking="high", min_output=4_064)
    assert (agent.seen[0].thinking, agent.seen[0].min_output) == (None, 0)


def test_threads_share_what_is_known_of_a_failing_model(routed: Make) -> None:
    agent = routed(TWO, "limits: [{cycles: 999}]", chance=0.0, fails=fails("gpt-4.1-nano"))

    def one(_: int) -> None:
        with agent.task() as task:
            agent.ask(task)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    assert agent.models.count("gpt-4.1") == 40
    assert agent.models.count("gpt-4.1-nano") <= 8  # those that were under way when it opened


async def test_event_loops_do_too(routed: Make) -> None:
    agent = routed(TWO, "limits: [{cycles: 999}]", chance=0.0, fails=fails("gpt-4.1-nano"))

    async def send(call: ModelCall) -> ModelReply:
        await asyncio.sleep(0)
        return agent(call)

    with agent.task() as task:
        calls = [ModelCall(OWN, (Message("user", f"q{n}"),)) for n in range(10)]
        await asyncio.gather(*(arun(agent.stack.model_flow(call, task), send) for call in calls))
        await arun(agent.stack.model_flow(calls[0], task), send)
    assert agent.models[-1] == "gpt-4.1"
    assert agent.models.count("gpt-4.1") == 11


def test_a_stream_that_breaks_after_it_was_shown_is_not_begun_again(routed: Make) -> None:
    agent = routed(TWO, "limits: [{usd: 1}]", chance=0.0)

    class Letters:
        def join(self, chunks: Sequence[str]) -> ModelReply:
            return ModelReply(Message("assistant", "x"), Usage(1, 1))

        def split(self, reply: ModelReply) -> list[str]:
            return [reply.message.text]

    def send(call: ModelCall) -> Generator[str, None, None]:
        agent.seen.append(call)
        if call.model == "gpt-4.1-nano" and len(agent.seen) == 1:
            raise HttpError(503)  # before anything was shown: the next is asked
        yield "a"
        raise HttpError(503)

    with agent.task() as task:
        flow = agent.stack.model_flow(ModelCall(OWN, (Message("user", "go"),)), task)
        chunks = stream(flow, send, Letters())
        assert next(chunks) == "a"
        with pytest.raises(HttpError) as raised:
            next(chunks)
    assert shown(raised.value)
    assert agent.models == ["gpt-4.1-nano", "gpt-4.1"]


def test_where_nothing_is_reported_it_is_counted_for_the_model_that_answered(routed: Make) -> None:
    agent = routed(TWO, chance=0.0)
    agent.usage = lambda _: None
    with agent.task() as task:
        agent.ask(task, "what is it?")
    (use,) = task.receipt().models
    (saving,) = task.receipt().savings
    assert use.usage.estimated
    # gpt-4o's price of the same tokens, less gpt-4.1-nano's: 2.50 - 0.10 and 10 - 0.40 usd a million.
    assert saving.cost == use.usage.input * 2_400 + use.usage.output * 9_600
