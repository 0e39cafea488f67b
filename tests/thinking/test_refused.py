"""The list of what providers refuse, on which the tests of payloads rely: each rule catches what it is there for."""

from __future__ import annotations

from typing import Any

import pytest
from refused import refused

CLAUDE: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 4_096,
    "messages": [{"role": "user", "content": "?"}],
    "thinking": {"type": "enabled", "budget_tokens": 1_024},
}
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "signed"}
USES: dict[str, Any] = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "a"}]}


def turn(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": "?"}, {"role": "assistant", "content": [*blocks]}, RESULT]


OPUS_5 = CLAUDE | {"model": "claude-opus-5"}
OPUS_4_8 = CLAUDE | {"model": "claude-opus-4-8"}
ADAPTIVE: dict[str, Any] = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}
GPT: dict[str, Any] = {"model": "gpt-5.1", "messages": [], "reasoning_effort": "low"}
ITEMS: dict[str, Any] = {"model": "gpt-5", "input": [], "reasoning": {"effort": "low"}}
DEEPSEEK: dict[str, Any] = {"model": "deepseek-v4-flash", "messages": [{"role": "user", "content": "?"}]}
CALLED: list[Any] = [{"role": "assistant", "tool_calls": [{}]}]
F = [{"type": "function"}]
NEWEST = GPT | {"model": "gpt-5.6", "reasoning_effort": "none", "tools": F}
PRO: dict[str, Any] = {"model": "gemini-2.5-pro"}


def gemini(**config: Any) -> dict[str, Any]:
    return {"generationConfig": {"thinkingConfig": config}}


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [  # a body that is taken, what is changed, the complaint
    ("anthropic", CLAUDE, {"thinking": {"type": "enabled", "budget_tokens": 1_023}}, "greater than or equal to 1024"),
    ("anthropic", CLAUDE, {"max_tokens": 1_024}, "`max_tokens` must be greater"),
    ("anthropic", CLAUDE, {"temperature": 0.2}, "temperature"),
    ("anthropic", CLAUDE, {"top_k": 5}, "top_k"),
    ("anthropic", CLAUDE, {"tool_choice": {"type": "any"}}, "forces tool use"),
    ("anthropic", CLAUDE, {"tool_choice": {"type": "tool", "name": "f"}}, "forces tool use"),
    ("anthropic", CLAUDE, {"output_config": {"effort": "low"}}, "effort: low is not supported"),
    ("anthropic", CLAUDE, {"thinking": {"type": "adaptive"}}, "type.adaptive is not supported"),
    ("anthropic", CLAUDE, {"messages": turn(USES)}, "found `tool_use`"),
    ("anthropic", CLAUDE | {"messages": turn(SIGNED, USES)}, {"thinking": {"type": "disabled"}}, "switched off"),
    ("anthropic", CLAUDE | {"messages": turn(SIGNED, USES)}, {"thinking": None}, "switched off"),
    ("anthropic", CLAUDE, {"messages": turn({**SIGNED, "signature": ""}, USES)}, "Invalid `signature`"),
    ("anthropic", OPUS_4_8 | ADAPTIVE, {"thinking": CLAUDE["thinking"]}, "type.enabled"),
    ("anthropic", OPUS_4_8 | ADAPTIVE, {"temperature": 0.2}, "temperature"),
    ("anthropic", OPUS_5 | ADAPTIVE, {"output_config": {"effort": "none"}}, "effort: none"),
    (
        "anthropic",
        CLAUDE | {"model": "claude-opus-5", "thinking": {"type": "disabled"}, "output_config": {"effort": "high"}},
        {"output_config": {"effort": "max"}},
        "off at effort high and below",
    ),
    ("anthropic", CLAUDE | {"model": "claude-opus-5-5"} | ADAPTIVE, {"thinking": {"type": "disabled"}}, "disabled"),
    ("anthropic", CLAUDE | {"model": "claude-opus-5-5"} | ADAPTIVE, {"tool_choice": {"type": "any"}}, "not compatible"),
    ("anthropic", OPUS_4_8 | ADAPTIVE, {"thinking": {"type": "adaptive", "budget_tokens": 9}}, "Extra"),
    ("openai", GPT, {"reasoning_effort": "bogus"}, "Unsupported value: 'bogus'"),
    ("openai", GPT, {"reasoning_effort": "minimal"}, "Unsupported value: 'minimal'"),
    ("openai", GPT | {"reasoning_effort": "none", "temperature": 0.2}, {"reasoning_effort": "high"}, "'temperature'"),
    ("openai", GPT, {"top_p": 0.5}, "'top_p'"),
    ("openai", GPT, {"logprobs": True}, "'logprobs'"),
    ("openai", GPT, {"presence_penalty": 0.5}, "'presence_penalty'"),
    ("openai", GPT, {"max_tokens": 9}, "'max_tokens'"),
    ("openai", GPT, {"reasoning": {"effort": "low"}}, "Unrecognized"),
    ("openai", GPT | {"model": "gpt-5.4"}, {"tools": F}, "Function tools"),
    ("openai", NEWEST, {"reasoning_effort": None}, "Function tools"),
    ("openai", {"model": "gpt-4o", "messages": []}, {"reasoning_effort": "low"}, "'low' is not supported"),
    ("responses", ITEMS, {"reasoning": {"effort": "none"}}, "'none' is not supported"),
    ("responses", ITEMS, {"reasoning_effort": "low"}, "has moved"),
    ("responses", ITEMS, {"temperature": 0.2}, "'temperature'"),
    ("google", PRO | gemini(thinkingBudget=128), gemini(thinkingBudget=0), "budget 0 is invalid"),
    ("google", {"model": "gemini-2.5-flash"} | gemini(thinkingBudget=0), gemini(thinkingLevel="LOW"), "level LOW"),
    ("google", {"model": "gemini-2.5-flash"}, gemini(thinkingBudget=99_999), "99999 is invalid"),
    ("google", {"model": "gemini-3-flash"}, gemini(thinkingBudget=9, thinkingLevel="LOW"), "only set only one"),
    ("google", {"model": "gemini-3-pro"} | gemini(thinkingLevel="LOW"), gemini(thinkingLevel="MINIMAL"), "MINIMAL"),
    ("google", {"model": "gemini-2.0-flash"}, gemini(thinkingBudget=0), "not supported for this model"),
    ("ollama", {"model": "llama3"}, {"think": True}, "does not support thinking"),
    ("ollama", {"model": "qwen3:8b", "think": True}, {"think": "high"}, '"high" is not supported'),
    ("ollama", {"model": "gpt-oss:20b", "think": "low"}, {"think": "max"}, '"max" is not supported'),
    ("deepseek", DEEPSEEK, {"messages": CALLED}, "must be passed back"),
    ("deepseek", DEEPSEEK | {"thinking": {"type": "disabled"}, "messages": CALLED}, {"thinking": None}, "passed back"),
    ("deepseek", DEEPSEEK, {"tool_choice": "required"}, "does not support this tool_choice"),
    ("deepseek", DEEPSEEK, {"reasoning_effort": "bogus"}, "unknown variant"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "taken", "changed", "complaint"), CASES)
def test_what_a_provider_refuses_is_caught(
    provider: str, taken: dict[str, Any], changed: dict[str, Any], complaint: str
) -> None:
    assert refused(provider, taken) == []
    assert any(complaint in why for why in refused(provider, taken | changed))
