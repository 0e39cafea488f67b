"""What `leanloop check` says of limits that cannot be met, or that do less than they seem to."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from typer.testing import CliRunner

from leanloop import parse_budget
from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.check_limits import limit_findings
from leanloop.adapters.cli.check_order import order_findings
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel


def found(text: str) -> list[str]:
    """What is said; what cannot work at all begins with an exclamation mark."""
    budget = parse_budget(f"agent: a\n{text}", environ={})
    return [f"{'!' * one.fatal}{one.text}" for one in (*limit_findings(budget), *order_findings(budget))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limits: [{tokens: 64}]", "!limits item 1: tokens: 64 is below one call, which needs at least 65 tokens"),
        ("limits: [{input_tokens: 0}]", "!limits item 1: input_tokens: 0 is below one call"),
        ("limits: [{output_tokens: 63}]", "!limits item 1: output_tokens: 63 is below one call"),
        ("limits: [{model_calls: 0}]", "!limits item 1: model_calls: 0 is below one call"),
        ("limits: [{usd: 1}, {cycles: 0}]", "!limits item 2: cycles: 0 is below one call"),
        ("limits: [{seconds: 0}]", "!limits item 1: seconds: 0 is below one call, which needs any time at all"),
        ("limits: [{seconds: 0.5}]", "limits item 1: seconds: 0.5 is over before"),
        ("limits: [{cycles: 1}]", "limits item 1: cycles: 1 is all kept back for the landing"),
        ("limits: [{usd: 0}]", "limits item 1: usd: 0 allows only models that cost nothing"),
        (
            "limits: [{tokens: 1000}]",
            "tokens: 1_000 lets the first prompt, tools and system prompt included, have at most 311 tokens",
        ),
        ("limits: [{input_tokens: 300}]", "have at most 118 tokens"),
        ("limits: [{tokens: 300}]\nat_limit: raise", "have at most 236 tokens"),
        (
            "limits: [{tokens: 1000}]",
            (
                "landing: 2,000 output tokens are more than the whole limit, item 1, tokens: 1_000: a quarter of it is "
                "kept back, 250 tokens. Write landing: {tokens: 250}, or tokens: 8_000"
            ),
        ),
        (
            "limits: [{usd: 0.01}]\ndegrade: {to: gpt-4.1}",
            (
                "landing: 2,000 output tokens of gpt-4.1 ($0.016) are more than the whole limit, item 1, usd: 0.01: a "
                "quarter of it is kept back, 312 tokens. Write landing: {tokens: 312}, or usd: 0.064"
            ),
        ),
        (
            "limits: [{usd: 0.001}]\nroutes: {cheap: gpt-4.1-nano, frontier: gpt-4.1}",
            "usd: 0.001 is below one call of gpt-4.1, 500 tokens in and 64 out for $0.001512. Write usd: 0.03024",
        ),
        ("max_output: 63", "max_output: 63 cuts nearly every answer"),
        ("max_output: 500", "landing: 2,000 tokens are kept back, and max_output lets the last answer have 500"),
        (
            "limits: [{usd: 2}, {per: day, usd: 1}]",
            (
                "limits item 1: $2.00 per task are never reached, unless a task goes on past the end of the day: item "
                "2 allows $1.00 per day of scope agent"
            ),
        ),
        (
            "limits: [{per: month, usd: 5}, {per: day, scope: agent, usd: 6}]",
            "limits item 2: $6.00 per day of scope agent are never reached: item 1 allows $5.00 per month",
        ),
        ("limits: [{per: day, scope: user, usd: 6}, {per: day, scope: global, usd: 5}]", "limits item 1: $6.00"),
        ("limits: [{per: day, usd: 6}, {per: day, scope: global, rolling: true, usd: 5}]", None),
        ("limits: [{per: hour, rolling: true, usd: 6}, {per: day, rolling: true, usd: 5}]", "limits item 1: $6.00"),
        ("limits: [{per: hour, rolling: true, usd: 6}, {per: day, usd: 5}]", None),
        ("limits: [{per: week, usd: 6}, {per: month, usd: 5}]", None),
        ("limits: [{per: day, scope: user, usd: 6}, {per: month, usd: 5}]", None),
        ("limits: [{usd: 1, tool_calls: {search: 8, total: 5}}]", "8 calls of search are never reached: all tools"),
        ("limits: [{tokens: 50_000, input_tokens: 60_000}]", "60,000 input tokens are never reached: all tokens"),
        ("limits: []\nnotify: [50%]", "notify: is about shares of a limit, and there is none"),
        ("limits: [{seconds: 60}]\nwarn: [50%]", "warn: is about shares of a limit, and seconds are not looked at"),
        (
            "limits: [{cycles: 3}]\nnotify: [30%, 70%, 90%]",
            (
                "notify: 70 %, 90 % of 3 cycles are never seen by a call: the last one that works is made at 1 of 3, "
                "and one is kept back for the landing. Write a share of at most 33 %"
            ),
        ),
        (
            "limits: [{model_calls: 3}]\nat_limit: raise\ndegrade: {at: 80%, effort: low}",
            "degrade: 80 % of 3 model calls is never seen by a call: the last one that works is made at 2 of 3. Write",
        ),
        ("limits: [{cycles: 3}, {usd: 1}]\nnotify: [90%]", None),
        ("limits: [{usd: 1}]\ndegrade: {to: nobody-knows}", None),
        ("limits: [{per: day, usd: 20}, {usd: 0.50, cycles: 12, tool_calls: {search: 8, total: 30}}]", None),
        ("", None),
    ],
)
def test_what_is_wrong_is_told_with_the_numbers_and_the_line_to_write(text: str, words: str | None) -> None:
    said = found(text)
    if words is None:
        assert not said
    else:
        assert any(words in one and one.startswith("!") == words.startswith("!") for one in said), said


@pytest.mark.parametrize(
    ("text", "code"), [("limits: [{tokens: 60}]", 1), ("limits: [{cycles: 1}]", 0), ("limits: [{usd: 1}]", 0)]
)
def test_only_what_cannot_work_at_all_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    file = tmp_path / "a.yaml"
    file.write_text(f"agent: a\n{text}", encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == code
    assert ("cannot work" in result.stdout) == ("is below one call" in result.stderr) == (code == 1)


def runs(text: str) -> tuple[int, bool]:
    """How many calls an agent really makes that goes on for ever, and whether the first of them may call a tool."""
    tools: list[bool] = []

    def reply(_: object, settings: dict[str, object]) -> AIMessage:
        tools.append(bool(settings.get("tools")))
        return AIMessage("Done.")

    budget = parse_budget(f"agent: a\nnotify: []\n{text}", environ={})

    def search(topic: str) -> str:
        """Search."""
        return topic

    agent = create_agent(ScriptedModel(script=reply), [search], middleware=[LeanLoop(budget)])
    agent.invoke({"messages": [{"role": "user", "content": "Hello"}]})
    return len(tools), tools[:1] == [True]


def test_an_agent_does_what_the_check_says_of_its_limits() -> None:
    assert runs("limits: [{tokens: 64}]") == (0, False)
    assert runs("limits: [{model_calls: 0}]") == (0, False)
    assert runs("limits: [{seconds: 0}]")[1] is False
    assert runs("limits: [{cycles: 1}]") == (1, False)
    assert runs("limits: [{cycles: 2}]") == (1, True)
    assert runs("limits: [{tokens: 2_000}]") == (1, True)
