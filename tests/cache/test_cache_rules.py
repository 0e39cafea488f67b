"""What a budget file says under `cache`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules, ToolCacheRules


def rules(value: Any) -> CacheRules | None:
    return Budget.model_validate({"agent": "a", "cache": value}).cache


def test_nothing_is_cached_until_it_is_named() -> None:
    assert Budget(agent="a").cache is None
    assert rules(False) is None
    assert rules(True) == rules({}) == CacheRules()


def test_similar_questions_are_only_counted_by_default() -> None:
    made = CacheRules()
    assert (made.semantic, made.any_temperature, made.max_false_hits) == ("shadow", False, 0.001)
    assert (made.ttl, made.stale, made.scope, made.store) == (3600.0, None, ("tenant", "user"), None)


def test_every_key_is_taken_as_it_is_written() -> None:
    made = rules(
        {
            "max_false_hits": "0.5%",
            "ttl": "2h",
            "stale": "10m",
            "semantic": True,
            "any_temperature": True,
            "scope": ["team"],
            "store": "redis://:hunter2@host:6379/0",
            "max_bytes": "64MB",
            "sample": "5%",
            "judge": "gpt-5-nano",
            "tools": {"get_weather": {"ttl": "10m", "evicted_by": ["set_weather"]}, "get_time": "5s", "get_all": True},
            "models": False,
        }
    )
    assert made is not None
    assert (made.max_false_hits, made.ttl, made.stale, made.semantic) == (0.005, 7200.0, 600.0, "on")
    assert (made.max_bytes, made.sample, made.judge, made.models) == (64_000_000, 0.05, "gpt-5-nano", False)
    assert made.tools == {
        "get_weather": ToolCacheRules(ttl=600.0, evicted_by=("set_weather",)),
        "get_time": ToolCacheRules(ttl=5.0),
        "get_all": ToolCacheRules(),
    }
    assert "hunter2" not in repr(made)
    assert rules({"semantic": False}) == CacheRules(semantic="off")
    assert rules({"tools": {"t": ToolCacheRules()}}) == CacheRules(tools={"t": ToolCacheRules()})


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_false_hits": 0},
        {"max_false_hits": "101%"},
        {"ttl": "soon"},
        {"semantic": "maybe"},
        {"scope": ["a b"]},
        {"store": "ftp://hunter2"},
        {"store": 5},
        {"max_bytes": 0},
        {"tools": {"t": "soon"}},
        {"tools": {"t": False}},
        {"similarity": 0.9},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        rules(wrong)
    assert "hunter2" not in str(refusal.value)
