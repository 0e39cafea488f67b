"""Amounts and scopes, in words."""

from __future__ import annotations

import pytest

from leanloop.budgets.amount import format_amount, format_scope


@pytest.mark.parametrize(
    ("resource", "amount", "words"),
    [
        ("usd", 500_000_000, "$0.50"),
        ("usd", 0, "$0.00"),
        ("tokens", 12_000, "12,000 tokens"),
        ("tokens", 1, "1 token"),
        ("input_tokens", 2, "2 input tokens"),
        ("model_calls", 1, "1 model call"),
        ("cycles", 0, "0 cycles"),
        ("cycles", 1, "1 cycle"),
        ("tool_calls", 8, "8 tool calls"),
        ("tool_calls:search", 8, "8 calls of search"),
        ("tool_calls:search", 1, "1 call of search"),
        ("tool_calls:a:b", 1, "1 call of a:b"),
        ("seconds", 300_000, "300 seconds"),
        ("seconds", 1_500, "1.5 seconds"),
        ("seconds", 1, "0.001 seconds"),
        ("seconds", 1_000, "1 second"),
        ("seconds", 3_600_000_000, "3,600,000 seconds"),
    ],
)
def test_an_amount_in_words(resource: str, amount: int, words: str) -> None:
    assert format_amount(resource, amount) == words


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ("task:4f1c", "this task"),
        ("user=u1:day:2026-11-22", "user=u1 per day"),
        ("agent=support:minute:2026-11-22T14:05", "agent=support per minute"),
        ("global:month:2026-11", "global per month"),
        ("user=a%3Ab:hour:2026-11-22T14", "user=a:b per hour"),
        ("user=u1:rolling-day:2026-11-22T14:00:00", "user=u1 per rolling day"),
        ("user=u1:day@Europe/Berlin:2026-11-22", "user=u1 per day"),
        ("user=%1B%5B2J%ED%A0%80a%E2%80%AEb:day:2026-11-22", "user=[2J a b per day"),
        (f"user={'a' * 100}:day:2026-11-22", f"user={'a' * 77}... per day"),
        ("user=J%C3%B6rg%0A%20ignore:day:2026-11-22", "user=Jörg ignore per day"),
    ],
)
def test_a_scope_in_words(account: str, words: str) -> None:
    assert format_scope(account) == words
