"""The arithmetic of clearing: it pays, it has waited, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.budget import Budget
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.price_book import price_book
from leanloop.plugins.clearing import CallRates, Part, Prompt, to_clear

CACHED = CallRates(read=10, fresh=125, plain=100, least=1_024, output=500)
UNCACHED = CallRates(read=100, fresh=100, plain=100, least=0, output=500)


def prompt(*parts: Part, before: int = 5_000, known: int | None = None) -> Prompt:
    return Prompt(before, parts, before + sum(part.tokens for part in parts) if known is None else known)


def result(tokens: int = 1_000, waited: int = 1_000) -> Part:
    return Part(tokens, tokens - 20, waited)


def test_nothing_is_cleared_where_nothing_may_be() -> None:
    assert to_clear(prompt(Part(100), Part(2_000)), CACHED, 1e9, forced=True) == ()


def test_what_is_forced_is_cleared_at_any_price() -> None:
    assert to_clear(prompt(result(waited=0), Part(9_000), result(waited=0)), CACHED, 0, forced=True) == (0, 2)


def test_results_are_cleared_once_the_calls_to_come_save_more_than_the_rewriting_costs() -> None:
    # 980 tokens less to read, 10,020 to write again: 115 * 10,020 < 10 * 980 * later + 125 * 980.
    history = prompt(result(1_000), Part(10_000))
    assert to_clear(history, CACHED, 100) == ()
    assert to_clear(history, CACHED, 120) == (0,)


def test_no_later_call_is_no_reason_to_clear() -> None:
    assert to_clear(prompt(result(), Part(3_000)), CACHED, 0) == ()


def test_a_break_waits_until_the_waiting_has_cost_as_much() -> None:
    # The break rewrites the 2,000 tokens behind: 115 * 2,000. Each call that waits reads 980 tokens for nothing: 9,800.
    assert to_clear(prompt(result(waited=23), Part(2_000)), CACHED, 1e6) == ()
    assert to_clear(prompt(result(waited=24), Part(2_000)), CACHED, 1e6) == (0,)


def test_where_nothing_is_cached_results_are_cleared_at_once() -> None:
    assert to_clear(prompt(result(waited=0), Part(50_000)), UNCACHED, 0) == (0,)


def test_only_the_results_behind_are_cleared_where_those_in_front_would_break_too_much() -> None:
    history = prompt(result(100), Part(60_000), result(2_000), result(2_000), Part(500))
    assert to_clear(history, CACHED, 40) == (2, 3)
    assert to_clear(history, CACHED, 10_000) == (0, 2, 3)


def test_a_prompt_is_not_made_too_short_to_be_cached() -> None:
    assert to_clear(prompt(result(1_000), before=500), CACHED, 1e6) == ()


def test_a_result_the_model_has_never_read_is_cleared_for_nothing() -> None:
    assert to_clear(prompt(result(waited=0), known=5_000), CACHED, 0) == (0,)


def test_what_will_be_needed_again_is_not_worth_clearing() -> None:
    # Cleared, it saves 980 tokens a call; read back, it costs a call of its own and stands at the end again.
    assert to_clear(prompt(Part(1_000, 980, 1_000), Part(1_000)), CACHED, 40) == (0,)
    assert to_clear(prompt(Part(1_000, 980, 1_000, needed=0.9), Part(1_000)), CACHED, 40) == ()


def test_a_result_in_use_stays_between_others_that_are_cleared() -> None:
    history = prompt(result(), Part(1_000, 980, 1_000, needed=1.0), result(), Part(500))
    assert to_clear(history, CACHED, 20) == (0, 2)


def test_where_clearing_later_costs_nothing_more_it_waits_for_the_risk_to_pass() -> None:
    assert to_clear(prompt(Part(1_000, 980, needed=0.3, soon=0.2)), UNCACHED, 40) == ()
    assert to_clear(prompt(Part(1_000, 980, needed=0.3, soon=0.01)), UNCACHED, 40) == (0,)


def test_a_guess_has_to_bring_twice_what_is_written_anew() -> None:
    history = prompt(result(1_000), Part(5_000))  # 115 * 6,000 to write anew, 9,800 a call saved
    assert to_clear(history, CACHED, 70) == (0,)
    assert to_clear(history, CACHED, 70, doubt=1.0) == ()
    assert to_clear(history, CACHED, 140, doubt=1.0) == (0,)


def test_a_summary_has_to_be_earned_as_well() -> None:
    history = prompt(result(1_000), Part(1_000))
    assert to_clear(history, CACHED, 40, fixed=10**9) == ()


@pytest.mark.parametrize(
    ("model", "read", "fresh"),
    [("claude-sonnet-4-5", 0.1, 1.25), ("gpt-4o", 0.5, 1.0)],
)
def test_rates_are_those_of_the_model_and_its_providers_rule(model: str, read: float, fresh: float) -> None:
    price = price_book(Budget(agent="a")).price(model)
    rates = CallRates.of(price, rule_for(model), 10_000)
    assert (rates.read / rates.plain, rates.fresh / rates.plain) == (read, fresh)
    assert CallRates.of(price, rule_for(model), 10_000, caching=False) == (rates.plain,) * 3 + (0, rates.output)


def test_a_prompt_costs_what_is_read_and_what_is_new() -> None:
    assert CACHED.cost(1_000, 900) == 100_000  # too short to be cached
    assert CACHED.cost(2_000, 1_500) == 1_500 * 10 + 500 * 125
    assert CACHED.cost(2_000, 900) == 2_000 * 125  # what was in front was too short


@st.composite
def a_part(draw: st.DrawFn) -> Part:
    tokens = draw(st.integers(1, 5_000))
    return Part(tokens, tokens * draw(st.sampled_from((0, 0, 5, 9))) // 10, draw(st.integers(0, 200)))


PARTS = st.lists(a_part(), max_size=12)


@given(parts=PARTS, before=st.integers(0, 20_000), known=st.floats(0, 1), later=st.integers(0, 200))
def test_clearing_never_costs_more_than_going_on_as_before(
    parts: Sequence[Part], before: int, known: float, later: int
) -> None:
    size = before + sum(part.tokens for part in parts)
    had = round(size * known)
    chosen = to_clear(Prompt(before, parts, had), CACHED, later)
    assert all(parts[place].saved for place in chosen)
    if chosen:
        saved = sum(parts[place].saved for place in chosen)
        front = before + sum(part.tokens for part in parts[: chosen[0]])
        assert size - saved >= CACHED.least
        cleared = CACHED.cost(size - saved, min(front, had)) + later * CACHED.read * (size - saved)
        assert cleared < CACHED.cost(size, had) + later * CACHED.read * size


@given(parts=PARTS, before=st.integers(0, 20_000), later=st.integers(0, 200))
def test_of_results_that_are_not_needed_all_behind_some_place_are_cleared(
    parts: Sequence[Part], before: int, later: int
) -> None:
    chosen = to_clear(prompt(*parts, before=before), CACHED, later)
    places = [place for place, part in enumerate(parts) if part.saved]
    assert list(chosen) == places[len(places) - len(chosen) :]
