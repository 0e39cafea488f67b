"""The receipt: what was spent, saved, and why it stopped."""

from __future__ import annotations

import json
from dataclasses import replace

from leanloop import Receipt, Saving, Usage
from leanloop.plugins.receipt import LimitUse, ModelUse

MINI = ModelUse("gpt-4o-mini", 2, Usage(1_000, 50, cached_input=400, cache_write=10, reasoning=20), 180_000, "v1")
LOCAL = ModelUse("local", 1, Usage(5, 5, estimated=True), None, "no price")
RECEIPT = Receipt(
    task="t1",
    agent="support",
    tags={"user": "u1"},
    models=(MINI,),
    tool_calls={"search": 2, "read": 1},
    cycles=3,
    seconds=1.23456,
    limits=(LimitUse("this task", "usd", 500_000_000, 180_000), LimitUse("user=u1 per day", "tokens", 0, 0)),
    savings=(Saving("loop guard", "a repeated call of search was not run", "counted", calls=1, tokens=9, cost=1_000),),
    stopped="The limit is reached.",
    landed=True,
    value=4_000_000_000,
    notes=("A result could not be kept.",),
)


def test_amounts_of_all_models_are_added_up() -> None:
    both = replace(RECEIPT, models=(MINI, replace(MINI, model="other", cost=5)))
    assert both.cost == 180_005
    assert both.model_calls == 4
    assert both.usage == Usage(2_000, 100, cached_input=800, cache_write=20, reasoning=40)


def test_one_model_without_a_price_leaves_the_whole_without_one() -> None:
    receipt = replace(RECEIPT, models=(MINI, LOCAL))
    assert receipt.cost is None
    assert receipt.as_dict()["usd"] is None
    assert "not priced, 1,060 tokens" in str(receipt)
    assert "partly estimated" in str(receipt)


def test_nothing_spent_costs_nothing() -> None:
    receipt = replace(RECEIPT, models=())
    assert (receipt.cost, receipt.usage, receipt.model_calls) == (0, Usage(), 0)


def test_it_is_plain_json_with_money_as_decimal_text() -> None:
    plain = RECEIPT.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain == {
        "task": "t1",
        "agent": "support",
        "tags": {"user": "u1"},
        "usd": "0.00018",
        "tokens": 1_050,
        "cached_share": 0.4,
        "model_calls": 2,
        "tool_calls": {"search": 2, "read": 1},
        "cycles": 3,
        "seconds": 1.235,
        "models": [
            {
                "model": "gpt-4o-mini",
                "calls": 2,
                "input": 1_000,
                "cached_input": 400,
                "cached_share": 0.4,
                "cache_write": 10,
                "output": 50,
                "reasoning": 20,
                "estimated": False,
                "usd": "0.00018",
                "price": "v1",
            }
        ],
        "embeddings": [],
        "limits": [
            {"scope": "this task", "resource": "usd", "limit": "0.5", "spent": "0.00018"},
            {"scope": "user=u1 per day", "resource": "tokens", "limit": 0, "spent": 0},
        ],
        "savings": [
            {
                "plugin": "loop guard",
                "what": "a repeated call of search was not run",
                "how": "counted",
                "calls": 1,
                "tokens": 9,
                "usd": "0.000001",
            }
        ],
        "stopped": "The limit is reached.",
        "landed": True,
        "notes": ["A result could not be kept."],
        "cache": None,
        "value": "4",
        "share_of_value": 0.000045,
    }


def test_printed_it_is_a_few_plain_lines() -> None:
    assert str(RECEIPT).splitlines() == [
        "receipt of support (task t1)",
        "  $0.00018, 1,050 tokens (1,000 in, of them 400 cached (40 %); 50 out)",
        "  2 model calls, 3 tool calls, 3 cycles, 1.2 s",
        "  worth $4.00, 0.0045 % of that spent",
        "  limit this task: $0.00018 of $0.50",
        "  limit user=u1 per day: 0 of 0 tokens",
        "  saved by loop guard: a repeated call of search was not run, 9 tokens, $0.000001 (counted)",
        "  note: A result could not be kept.",
        "  landed: The limit is reached.",
    ]
    assert str(replace(RECEIPT, landed=False)).splitlines()[-1] == "  stopped: The limit is reached."
    assert "stopped" not in str(replace(RECEIPT, stopped=None))


def test_spending_is_a_share_of_the_value_where_both_are_known() -> None:
    assert replace(RECEIPT, models=(replace(MINI, cost=10**9),)).share_of_value == 0.25
    for unknown in (replace(RECEIPT, value=None), replace(RECEIPT, value=0), replace(RECEIPT, models=(LOCAL,))):
        assert unknown.share_of_value is None
        assert unknown.as_dict()["share_of_value"] is None
    assert "worth" not in str(replace(RECEIPT, value=None))
    assert "  worth $0.00\n" in str(replace(RECEIPT, value=0))


def test_the_share_of_a_limit() -> None:
    assert LimitUse("s", "usd", 200, 50).share == 0.25
    assert LimitUse("s", "usd", 0, 0).share == 1.0


def test_a_saving_says_how_often_and_how_much() -> None:
    saving = Saving("degrade", "calls made with small", "counted", calls=1_200, cost=2_500_000_000)
    assert str(saving) == "calls made with small, 1,200 times, $2.50 (counted)"
    assert str(replace(saving, calls=1, cost=0)) == "calls made with small (counted)"


def test_a_share_of_no_input_is_not_known() -> None:
    nothing = replace(RECEIPT, models=())
    assert nothing.cached_share is None
    assert nothing.as_dict()["cached_share"] is None
    assert "(0 in, of them 0 cached; 0 out)" in str(nothing)


def test_the_cached_share_is_of_all_models_and_of_each() -> None:
    receipt = replace(RECEIPT, models=(MINI, replace(MINI, usage=Usage(1_000, 0))))
    assert [use.cached_share for use in receipt.models] == [0.4, 0]
    assert receipt.cached_share == 0.2
