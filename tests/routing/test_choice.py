"""Which tier a call goes to: by difficulty, by worth, by what is left of the budget."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest
from routed import OWN, TIERS, TWO, Make

from leanloop import ModelCall, PriceUnknown, Task
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.stores import outcomes_under
from leanloop.plugins.steps import Steps


@pytest.mark.parametrize(
    ("chance", "model"), [(0.0, "gpt-4.1-nano"), (0.3, "gpt-4.1-nano"), (0.31, "gpt-4.1"), (1.0, "gpt-4.1")]
)
def test_what_the_next_tier_would_do_better_goes_there(routed: Make, chance: float, model: str) -> None:
    agent = routed(TWO, chance=chance)
    with agent.task() as task:
        agent.ask(task)
    assert agent.models == [model]


def test_each_tier_has_a_threshold_of_its_own(routed: Make) -> None:
    agent = routed(f"{TIERS}, above: {{mid: 0.2, frontier: 0.6}}", chance=0.5)
    with agent.task() as task:
        agent.ask(task)
    assert agent.models == ["gpt-4.1-mini"]


def test_what_only_the_frontier_does_goes_there_past_a_tier_that_is_no_better(routed: Make) -> None:
    agent = routed(chance=0.0)
    told = {("gpt-4.1-nano", "gpt-4.1-mini"): 0.0, ("gpt-4.1-nano", "gpt-4.1"): 0.9}

    def estimate(call: ModelCall, task: Task, cheap: Setting, dear: Setting) -> Steps[Estimate]:
        yield from ()
        chance = told[cheap.model, dear.model]
        return Estimate(chance, chance, chance)

    agent.stack.learning.estimate = estimate  # type: ignore[method-assign]
    with agent.task() as task:
        agent.ask(task)
    assert agent.models == ["gpt-4.1"]


def test_without_a_frontier_the_agents_own_model_is_the_top_tier_and_its_call_the_very_same(routed: Make) -> None:
    agent = routed("cheap: gpt-4.1-nano", chance=0.9)
    raw = object()
    with agent.task() as task:
        agent.ask(task, raw=raw, provider="openai")
    (call,) = agent.seen
    assert (call.model, call.provider, call.raw) == (OWN, "openai", raw)


@pytest.mark.parametrize(("unsure", "model"), [("dear", "gpt-4.1"), ("cheap", "gpt-4.1-nano")])
def test_what_nothing_is_known_of_goes_where_the_file_says(routed: Make, unsure: str, model: str) -> None:
    agent = routed(f"{TWO}, when_unsure: {unsure}")
    with agent.task() as task:
        agent.ask(task)
    assert agent.models == [model]


def test_a_share_of_what_nothing_is_known_of_is_made_the_other_way(routed: Make) -> None:
    agent = routed(TWO, explore=0.5)
    for _ in range(60):
        with agent.task() as task:
            agent.ask(task)
    explored = agent.models.count("gpt-4.1-nano")
    assert 8 < explored < 52
    kept = list(outcomes_under(agent.budget).decisions("a"))[-60:]
    assert [decision.explored for decision in kept].count(True) == explored
    assert all(decision.unsure for decision in kept)


@pytest.mark.parametrize(
    ("worth", "valuable", "model"),
    [
        (None, "", "gpt-4.1-nano"),
        (0.01, "", "gpt-4.1-mini"),
        (4, ", valuable: 5", "gpt-4.1-nano"),
        (5, ", valuable: 5", "gpt-4.1-mini"),
    ],
)
def test_work_of_value_never_goes_unseen_to_the_cheapest_tier(
    routed: Make, worth: float | None, valuable: str, model: str
) -> None:
    agent = routed(f"{TIERS}, when_unsure: cheap{valuable}")
    with agent.task(value=worth) as task:
        agent.ask(task)
    assert agent.models == [model]


def test_work_of_value_goes_to_the_cheapest_tier_where_that_is_known_to_do(routed: Make) -> None:
    agent = routed(chance=0.05)
    with agent.task(value=Decimal(100)) as task:
        agent.ask(task)
    assert agent.models == ["gpt-4.1-nano"]


def test_what_is_a_part_of_work_of_value_is_of_value(routed: Make) -> None:
    agent = routed(f"{TIERS}, when_unsure: cheap")
    with agent.task(value=1), agent.task() as part:
        agent.ask(part)
    assert agent.models == ["gpt-4.1-mini"]


def test_work_of_value_does_not_go_to_the_cheapest_tier_when_all_others_fail(routed: Make) -> None:
    agent = routed(TWO, fails=lambda _: ConnectionError("down"))
    with agent.task(value=1) as task, pytest.raises(ConnectionError):
        agent.ask(task)
    assert agent.models == ["gpt-4.1"]


def test_nor_does_it_when_a_limit_nears_its_end(routed: Make) -> None:
    agent = routed(f"{TWO}, falls_at: 20%", "limits: [{model_calls: 5}]")
    with agent.task(value=1) as task:
        for _ in range(3):
            agent.ask(task)
    assert agent.models == ["gpt-4.1"] * 3


def test_from_a_share_of_a_limit_on_calls_go_a_tier_down_and_it_is_said_once(
    routed: Make, caplog: pytest.LogCaptureFixture
) -> None:
    agent = routed(f"{TIERS}, falls_at: 50%", "limits: [{model_calls: 10}]", chance=0.9)
    with caplog.at_level(logging.INFO, "leanloop"), agent.task() as task:
        for _ in range(8):
            agent.ask(task)
    assert agent.models == ["gpt-4.1"] * 5 + ["gpt-4.1-mini"] * 3
    said = [record.message for record in caplog.records if "tier down" in record.message]
    assert len(said) == 1
    assert said[0].startswith("Agent a: calls go a tier down (<budget>:3), since 5 model calls of 10")


def test_a_limit_that_others_have_spent_of_counts_before_the_first_call(routed: Make) -> None:
    agent = routed(f"{TWO}, falls_at: 50%", "limits: [{per: day, model_calls: 20}]", chance=0.9)
    for _ in range(3):
        with agent.task() as task:
            for _ in range(6):
                agent.ask(task)
    assert agent.models == ["gpt-4.1"] * 10 + ["gpt-4.1-nano"] * 8


def test_a_tier_without_a_price_under_a_limit_in_usd_is_refused_at_the_start(routed: Make) -> None:
    agent = routed("cheap: nobody-knows-it", "limits: [{usd: 1}]")
    with pytest.raises(PriceUnknown, match="nobody-knows-it"), agent.task():
        pass


def test_without_one_a_missing_price_is_noted_and_the_choice_is_made(routed: Make) -> None:
    agent = routed("cheap: nobody-knows-it", chance=0.0)
    with agent.task() as task:
        agent.ask(task)
        agent.ask(task)
    assert agent.models == ["nobody-knows-it"] * 2
    assert any("no price is known for nobody-knows-it" in note for note in task.receipt().notes)
    assert task.receipt().savings == ()


def test_a_cheaper_tier_that_is_dearer_is_noted_once(routed: Make) -> None:
    agent = routed("cheap: gpt-4.1, frontier: gpt-4.1-nano", chance=0.0)
    with agent.task() as task:
        agent.ask(task)
        agent.ask(task)
    notes = [note for note in task.receipt().notes if "dearer" in note]
    assert notes == ["Routes: gpt-4.1 is in cheap and dearer than gpt-4.1-nano, which is in frontier."]


def test_calls_of_plugins_and_of_agents_without_routes_are_left_alone(routed: Make) -> None:
    agent = routed(TWO, chance=0.0)
    with agent.task() as task:
        agent.ask(task, purpose="check")
        agent.ask(task, purpose="thought")
        agent.ask(task, purpose="summary")
    assert agent.models == [OWN] * 3
    assert task.receipt().savings == ()
