"""What a change of model costs in a warm session, reckoned by hand beside the code."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from routed import Clock, Make, Routed

from leanloop import Message, ModelCall, Usage
from leanloop.budgets.prices import PriceBook, PriceOverride
from leanloop.plugins.drive_sync import run
from leanloop.plugins.routing.accounts import other_cost
from leanloop.plugins.routing.sessions import Session, Sessions
from leanloop.plugins.routing.warmth import Rest, lifetime, rest_cost, warm_after


def override(*usd: str) -> PriceOverride:
    given, said, cached, written = (Decimal(one) for one in usd)
    return PriceOverride(given, said, cached, written)


# USD per million tokens: input, output, cached input, cache write; list prices of July 2026.
PRICES = PriceBook({
    "claude-sonnet-4-5": override("3", "15", "0.3", "3.75"),
    "claude-opus-4-5": override("5", "25", "0.5", "6.25"),
    "claude-haiku-4-5": override("1", "5", "0.1", "1.25"),
    "gemini-2.5-pro": override("1.25", "10", "0.125", "1.25"),
    "gemini-2.5-flash": override("0.3", "2.5", "0.03", "0.3"),
    "gpt-5.1": override("1.25", "10", "0.125", "1.25"),
    "gpt-5-mini": override("0.25", "2", "0.025", "0.25"),
    "gpt-4o": override("2.5", "10", "1.25", "2.5"),
    "gpt-4o-mini": override("0.15", "0.6", "0.075", "0.15"),
})  # fmt: skip

# A session with 40,064 cached tokens (a multiple of OpenAI's step of 128), 500 new ones and an answer of 300: what the
# next call costs with the cheaper model, cold, in parts of what it costs with the model that is warm.
PAIRS = [
    ("claude-sonnet-4-5", "claude-haiku-4-5", 2.33),
    ("claude-opus-4-5", "claude-haiku-4-5", 1.40),
    ("gemini-2.5-pro", "gemini-2.5-flash", 1.50),
    ("gpt-5.1", "gpt-5-mini", 1.24),
    ("gpt-4o", "gpt-4o-mini", 0.12),
]
ONE_CALL = Rest(prompt=40_564, growth=0, output=300, calls=0)


def cost(model: str, rest: Rest, warm: int, *, writes: bool = False) -> int:
    return rest_cost(model, PRICES.price(model), rest, warm, writes=writes)


@pytest.mark.parametrize(("warm", "cold", "ratio"), PAIRS)
def test_one_call_in_a_warm_session_costs_what_it_was_measured_to(warm: str, cold: str, ratio: float) -> None:
    assert cost(cold, ONE_CALL, 0) / cost(warm, ONE_CALL, 40_064) == pytest.approx(ratio, abs=0.006)


def test_by_hand_sonnet_stays_and_haiku_takes_over() -> None:
    # 40,064 x $0.30 + 500 x $3 + 300 x $15 a million, and 40,564 x $1 + 300 x $5.
    assert cost("claude-sonnet-4-5", ONE_CALL, 40_064) == 12_019_200 + 1_500_000 + 4_500_000
    assert cost("claude-haiku-4-5", ONE_CALL, 0) == 40_564_000 + 1_500_000


def test_by_hand_what_is_new_is_written_to_anthropics_cache() -> None:
    # 40,064 x $0.30 + 500 x $3.75 + 300 x $15, and 40,564 x $1.25 + 300 x $5.
    assert cost("claude-sonnet-4-5", ONE_CALL, 40_064, writes=True) == 12_019_200 + 1_875_000 + 4_500_000
    assert cost("claude-haiku-4-5", ONE_CALL, 0, writes=True) == 50_705_000 + 1_500_000


def test_by_hand_two_more_calls_that_grow_by_a_thousand() -> None:
    rest = Rest(prompt=40_000, growth=1_000, output=100, calls=2)
    # This call reads 39,000, the next two are reckoned at their mean of 41,500, of which 40,500 are known.
    first = 39_000 * 300 + 1_000 * 3_750
    again = 40_500 * 300 + 1_000 * 3_750
    assert cost("claude-sonnet-4-5", rest, 39_000, writes=True) == first + 2 * again + 3 * 100 * 15_000


@given(st.integers(10_000, 200_000), st.integers(0, 200_000), st.floats(0, 50), st.sampled_from([p[:2] for p in PAIRS]))
def test_the_more_is_cached_the_less_it_costs_and_more_calls_never_cost_less(
    prompt: int, warm: int, calls: float, pair: tuple[str, str]
) -> None:
    for model in pair:
        rest = Rest(prompt, 500, 300, calls)
        costs = [cost(model, rest, tokens, writes=True) for tokens in (0, warm // 2, warm)]
        assert costs == sorted(costs, reverse=True)
        assert cost(model, rest._replace(calls=calls + 1), warm, writes=True) >= costs[-1]


def test_what_is_read_next_is_what_was_reported_or_what_the_provider_keeps_by_itself() -> None:
    assert warm_after("claude-sonnet-4-5", Usage(5_000, 10, cached_input=3_000, cache_write=1_500)) == 4_500
    assert warm_after("claude-sonnet-4-5", Usage(5_000, 10)) == 0
    assert warm_after("gpt-4.1", Usage(5_000, 10)) == 5_000
    assert warm_after("gpt-4.1", Usage(1_000, 10)) == 0
    assert (lifetime("claude-sonnet-4-5"), lifetime("gpt-4.1")) == (300, 600)


# Whole agents: with prices of their own, in sessions.

FALLS = "cheap: gpt-5-mini, frontier: gpt-5.1"
NAMED = "\n".join(
    f"  {model}: {{input: {i}, output: {o}, cached_input: {c}}}"
    for model, i, o, c in [
        ("gpt-5.1", 1.25, 10, 0.125), ("gpt-5-mini", 0.25, 2, 0.025),
        ("gpt-4o", 2.5, 10, 1.25), ("gpt-4o-mini", 0.15, 0.6, 0.075),
    ]
)  # fmt: skip


def warm_session(routed: Make, routes: str, tokens: int) -> tuple[Routed, list[ModelCall]]:
    """An agent whose first call was hard, with so many tokens of prompt."""
    agent = routed(routes, "limits: [{cycles: 99}]", f"prices:\n{NAMED}", chance=0.9, asks_for_tools=True)
    words = " ".join(f"w{number}" for number in range(tokens // 3))  # three tokens each, or a little less
    history = [Message("system", words), Message("user", "go")]
    agent.usage = lambda call: Usage(tokens := agent.tokens(call), 300, cache_write=tokens * ("claude" in call.model))
    return agent, [ModelCall("gpt-4o", tuple(history))]


def go_on(agent: Routed, task: object, calls: list[ModelCall]) -> None:
    run(agent.stack.model_flow(calls[-1], task), agent)  # type: ignore[arg-type]
    messages = (*calls[-1].messages, Message("assistant", "so"), Message("user", f"and then {len(calls)}?"))
    calls.append(ModelCall("gpt-4o", messages))


@pytest.mark.parametrize(
    ("routes", "falls"),
    [
        ("cheap: claude-haiku-4-5, frontier: claude-sonnet-4-5", False),
        ("cheap: gpt-5-mini, frontier: gpt-5.1", True),  # dearer for one call, cheaper for the three that are expected
        ("cheap: gpt-4o-mini, frontier: gpt-4o", True),
    ],
)
def test_a_warm_session_falls_only_where_that_pays_over_the_rest(routed: Make, routes: str, falls: bool) -> None:
    agent, calls = warm_session(routed, routes, 40_000)
    with agent.task() as task:
        go_on(agent, task, calls)
        agent.chance = 0.0
        go_on(agent, task, calls)
    cheap, dear = (tier.split(": ")[1] for tier in routes.split(", "))
    assert agent.models == [dear, cheap if falls else dear]


def test_where_tasks_end_soon_a_fall_has_no_time_to_pay(routed: Make) -> None:
    agent, calls = warm_session(routed, FALLS, 40_000)
    for number in range(40):
        with agent.task() as task:
            two = calls[:1]
            agent.chance, agent.asks_for_tools = 0.9, True
            go_on(agent, task, two)
            agent.chance, agent.asks_for_tools = 0.0 if number == 39 else 0.9, False
            go_on(agent, task, two)
    assert agent.models == ["gpt-5.1"] * 80


def test_what_was_cached_is_forgotten_in_time_and_then_the_session_falls(routed: Make, clock: Clock) -> None:
    agent, calls = warm_session(routed, FALLS, 40_000)
    with agent.task() as task:
        go_on(agent, task, calls)
        agent.chance = 0.0
        clock.now += 601
        go_on(agent, task, calls)
    assert agent.models == ["gpt-5.1", "gpt-5-mini"]


def test_a_short_session_has_nothing_to_lose(routed: Make) -> None:
    agent, calls = warm_session(routed, FALLS, 300)
    with agent.task() as task:
        go_on(agent, task, calls)
        agent.chance = 0.0
        go_on(agent, task, calls)
    assert agent.models == ["gpt-5.1", "gpt-5-mini"]


def test_a_rise_for_what_is_hard_is_never_held_back(routed: Make) -> None:
    agent, calls = warm_session(routed, FALLS, 40_000)
    agent.chance = 0.0
    with agent.task() as task:
        go_on(agent, task, calls)
        agent.chance = 0.9
        go_on(agent, task, calls)
    assert agent.models == ["gpt-5-mini", "gpt-5.1"]


def test_a_cold_rise_is_a_loss_on_the_receipt(routed: Make) -> None:
    agent, calls = warm_session(routed, "cheap: gpt-4o-mini, frontier: gpt-5.1", 40_000)
    agent.budget = agent.budget.model_copy(update={"prices": {}})
    with agent.task() as task:
        go_on(agent, task, calls)
        agent.chance = 0.0
        go_on(agent, task, calls)
    assert agent.models == ["gpt-5.1", "gpt-4o-mini"]
    by_what = {saving.what: saving for saving in task.receipt().savings}
    assert set(by_what) == {"calls routed to gpt-5.1", "calls routed to gpt-4o-mini"}
    assert "its cached prefix counted" in by_what["calls routed to gpt-5.1"].how


def test_without_prices_a_warm_session_stays_and_a_cold_one_falls(routed: Make, clock: Clock) -> None:
    agent = routed("cheap: nobody-1, frontier: nobody-2", chance=0.9, asks_for_tools=True)
    agent.usage = lambda call: Usage(5_000, 100)
    with agent.task() as task:
        for chance, passes in ((0.9, 0), (0.0, 0), (0.0, 601)):
            agent.chance = chance
            clock.now += passes
            agent.ask(task)
    assert agent.models == ["nobody-2", "nobody-2", "nobody-1"]
    assert any("is not known without a price of" in note for note in task.receipt().notes)


def test_by_hand_the_other_cost_has_its_prefix_cached() -> None:
    session = Session("cheap", "gpt-5-mini", 0.0, prompt=40_064)
    price = PRICES.price("gpt-5.1")
    # As the code has it: 39,936 + ... read in steps of 128 from 1,024 on, the rest at the full price.
    read = 1_024 + (40_064 - 1_024) // 128 * 128
    expected = read * 125 + (40_564 - read) * 1_250 + 300 * 10_000
    assert other_cost("gpt-5.1", price, Usage(40_564, 300), session, 10.0) == expected
    assert other_cost("gpt-5.1", price, Usage(40_564, 300), session, 601.0) == 40_564 * 1_250 + 3_000_000
    assert other_cost("gpt-5.1", price, Usage(40_564, 300), None, 0.0) == 40_564 * 1_250 + 3_000_000
    assert other_cost("gpt-5.1", None, Usage(1, 1), None, 0.0) is None
    assert other_cost("gpt-5.1", price, Usage(1, 1, cached_input=5), None, 0.0) is None
    session.caches = False
    assert other_cost("gpt-5.1", price, Usage(40_564, 300), session, 10.0) == 40_564 * 1_250 + 3_000_000


def test_whether_a_provider_caches_is_seen() -> None:
    messages = (Message("user", "go"),)
    session = Session("cheap", "gpt-4.1", 0.0)
    session.answered("gpt-4.1", messages, Usage(5_000, 10), 0.0)
    assert session.caches is None
    session.answered("gpt-4.1", messages, Usage(5_000, 10), 1.0)
    assert session.caches is False
    session.answered("gpt-4.1", messages, Usage(5_000, 10, cached_input=4_096), 2.0)
    assert session.caches is True
    other = Session("cheap", "claude-haiku-4-5", 0.0)
    other.answered("claude-haiku-4-5", messages, Usage(9_000, 10), 0.0)
    assert other.caches is False


def test_an_edited_history_is_not_warm() -> None:
    session = Session("cheap", "gpt-4.1", 0.0)
    one, two, three = (Message("user", text) for text in ("a", "b", "c"))
    session.answered("gpt-4.1", (one, two), Usage(5_000, 10), 0.0)
    assert session.cached("gpt-4.1", (one, two, three), 1.0) == 5_000
    assert session.cached("gpt-4.1", (one, three, three), 1.0) == 0
    assert session.cached("gpt-4.1", (one,), 1.0) == 0
    assert session.cached("gpt-5", (one, two, three), 1.0) == 0
    for number in range(20):
        session.answered(f"m{number}", (one,), Usage(1, 1), 0.0)
    assert len(session.warm) == 8


def test_sessions_are_forgotten_after_their_time_and_beyond_their_number(clock: Clock) -> None:
    sessions = Sessions()
    for number in range(5_000):
        sessions.keep(("a", str(number), ""), Session("mid", "m", clock.now))
    assert sessions.of(("a", "0", ""), 60) is None
    assert sessions.of(("a", "4999", ""), 60) is not None
    clock.now += 61
    assert sessions.of(("a", "4999", ""), 60) is None


def test_a_session_goes_on_in_the_next_task_and_another_begins_anew(routed: Make, clock: Clock) -> None:
    agent = routed("cheap: nobody-1, frontier: nobody-2, sticky: 10m", asks_for_tools=True, chance=0.9)
    agent.usage = lambda call: Usage(5_000, 100)
    for session, chance, passes in (("s", 0.9, 0), ("s", 0.0, 1), ("other", 0.0, 1), ("s", 0.0, 700)):
        clock.now += passes
        agent.chance = chance
        with agent.task() as task:
            agent.ask(task, session=session)
    assert agent.models == ["nobody-2", "nobody-2", "nobody-1", "nobody-1"]


def test_within_a_tier_the_session_keeps_its_model(routed: Make, clock: Clock) -> None:
    agent = routed("cheap: [gpt-4.1-nano, gpt-5-nano]", chance=0.0)
    agent.fails = lambda call: ConnectionError() if call.model == "gpt-4.1-nano" else None
    with agent.task() as task:
        agent.ask(task)
        agent.fails = lambda _: None
        clock.now += 60
        agent.ask(task)
    assert agent.models == ["gpt-4.1-nano", "gpt-5-nano", "gpt-5-nano"]
