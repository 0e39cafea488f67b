"""A call may ask for several answers; the limit holds for all of them together."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

import leanloop
from leanloop import Budget, BudgetExceeded, Limit
from leanloop.adapters.langchain import LeanLoop, LeanLoopCallback, wrap
from leanloop.adapters.langchain.several import answers_asked, cap_of_all, cap_of_each

TIGHT = Budget(agent="a", limits=(Limit(tokens=2_000),))


def openai(provider: Any, **settings: Any) -> ChatOpenAI:
    return ChatOpenAI(
        model="gpt-4o-mini", base_url=f"{provider.url}/v1", api_key=SecretStr("none"), max_retries=0, **settings
    )


def cap_sent(provider: Any) -> int:
    payload = provider.payloads[-1]
    return int(payload.get("max_completion_tokens") or payload["max_tokens"])


@pytest.mark.parametrize("own_cap", [None, 5_000])
def test_each_answer_gets_its_part_of_the_room_there_is(provider: Any, run: Any, own_cap: int | None) -> None:
    model = wrap(openai(provider, max_completion_tokens=own_cap), TIGHT)
    run(model.bind(n=4), "Say hello.")
    assert 500 < 4 * cap_sent(provider) < 2_000
    run(model, "Say hello.")
    assert 500 < cap_sent(provider) < 2_000


def test_an_agents_model_that_asks_for_several_is_held_to_the_limit(provider: Any, run: Any, create_agent: Any) -> None:
    agent = create_agent(openai(provider, n=4), [], middleware=[LeanLoop(TIGHT)])
    run(agent, {"messages": [HumanMessage("Say hello.")]})
    assert provider.payloads[-1]["n"] == 4
    assert 4 * cap_sent(provider) <= 2_000


def test_a_cap_that_fits_for_all_answers_is_left_as_it_is(provider: Any, run: Any) -> None:
    run(wrap(openai(provider, n=3, max_completion_tokens=100), TIGHT), "Say hello.")
    assert cap_sent(provider) == 100


def test_a_callback_sets_aside_what_all_answers_may_cost(provider: Any) -> None:
    meter = LeanLoopCallback(TIGHT)
    with leanloop.task(Budget(agent="b")), pytest.raises(BudgetExceeded):
        openai(provider, n=4, max_completion_tokens=600).invoke("Say hello.", {"callbacks": [meter]})
    assert provider.payloads == []


@pytest.mark.parametrize("given", [None, 0, 1, -3, "4", 2.5])
def test_what_asks_for_no_more_than_one_is_one(given: object) -> None:
    assert answers_asked(None, {"n": given}) == 1


def test_no_cap_is_none_for_each_and_all() -> None:
    assert cap_of_all(None, 3) is None
    assert cap_of_each(None, 3) is None
    assert cap_of_each(2, 3) == 1
