from __future__ import annotations

import pytest

from leanloop.budgets.price_table import current_table
from leanloop.budgets.prices import PriceBook
from leanloop.budgets.same_provider import same_provider


@pytest.mark.parametrize(
    ("model", "another"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("openai:gpt-4o", "gpt-4.1"),
        ("claude-sonnet-4-5", "claude-haiku-4-5"),
        ("models/gemini-2.5-pro", "gemini-2.5-flash"),
    ],
)
def test_a_provider_has_other_models_and_all_have_a_price(model: str, another: str) -> None:
    found = same_provider(model, current_table())

    assert another in found
    assert all(map(PriceBook({}).knows, found))
    assert found == sorted(set(found))


def test_models_for_something_else_are_left_out() -> None:
    found = same_provider("gpt-4o", current_table())

    words = ("audio", "realtime", "image", "tts", "transcribe", "embedding", "ft:", "search", "moderation", "2024")
    assert [name for name in found if any(word in name for word in words)] == []


def test_a_model_that_reads_too_little_is_left_out() -> None:
    assert "gpt-4" in same_provider("gpt-4o", current_table())
    assert "gpt-4" not in same_provider("gpt-4o", current_table(), context=10_000)
    assert same_provider("gpt-4o", current_table(), context=10**9) == []


def test_of_a_model_nobody_knows_nothing_is_said() -> None:
    assert same_provider("my-own-model", current_table()) == []
