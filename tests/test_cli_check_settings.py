"""What `leanloop check` says of settings that a limit, a model or another setting leaves nothing to do."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage

from leanloop import parse_budget
from leanloop.adapters.cli.check_models import model_findings
from leanloop.adapters.cli.check_settings import setting_findings
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.plugins.events import Event, Saved


def found(text: str) -> list[str]:
    budget = parse_budget(f"agent: a\n{text}", environ={})
    return [one.text for one in (*setting_findings(budget), *model_findings(budget))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limits: [{tool_calls: {search: 0}}]", "limits item 1: 0 calls of search: the agent has it and is refused"),
        ("limits: [{usd: 1}, {tool_calls: 0}]", "limits item 2: 0 calls of any tool: the agent has its tools"),
        ("limits: [{tool_calls: {search: 1}}]", None),
        (
            "limits: [{usd: 1}, {per: day, usd: 5}]",
            "limits item 2: memory, the store by default, is each process's own, and forgotten when it ends",
        ),
        ("limits: [{per: hour, usd: 5}, {per: day, usd: 9}]", "limits items 1, 2: memory, the store"),
        ("limits: [{per: day, usd: 5}]\nstore: sqlite:///a.db", None),
        ("limits: [{per: day, usd: 5}]\nstore: memory", None),
        (
            "limits: [{usd: 0.50, value: 0.10}]",
            "a task is worth $0.10 and may cost $0.50. Write usd: 0.10 or less, or a higher value",
        ),
        ("limits: [{usd: 0.50, value: 0.50}]", None),
        ("at_limit: raise\nlanding: {tokens: 500}", "landing: 500 tokens are kept back for nothing: at_limit: raise"),
        ("at_limit: raise", None),
        ("at_limit: raise\nlanding: {tokens: 0}", None),
        (
            "limits: [{cycles: 4}]\nloop: {repeats: 3}",
            (
                "loop: 3 equal steps are seen too late: item 1 ends the task after 4 cycles, of which one is kept "
                "back, so that no call is left to do otherwise. Write repeats: 2, or cycles: 5 or more"
            ),
        ),
        ("limits: [{cycles: 5}]\nloop: {repeats: 3}", None),
        (
            "limits: [{model_calls: 3}]\nat_limit: raise\nloop: {repeats: 3}",
            "the task after 3 model calls, so that no call is left",
        ),
        ("limits: [{model_calls: 4}]\nat_limit: raise\nloop: {repeats: 3}", None),
        ("limits: [{cycles: 3}]", None),
        ("limits: [{cycles: 3}]\nloop: off", None),
        (
            "limits: [{tokens: 50_000}]\ncontext: {at_tokens: 100_000}",
            "context: at_tokens: no prompt has 100,000 tokens: item 1 allows 50,000 in a whole task",
        ),
        ("limits: [{input_tokens: 4_000, tokens: 9_000}]\nretrieved: {max_tokens: 5_000}", "item 1 allows 4,000"),
        ("limits: [{tokens: 50_000}]\nretrieved: {max_tokens: 5_000}\ncontext: {at_tokens: 20_000}", None),
        (
            "max_output: 5_000_000\nroutes: {cheap: gpt-4o-mini, frontier: gpt-4o}",
            "max_output: 5,000,000 tokens are more than gpt-4o-mini can: 128,000, read and written together",
        ),
        ("context: {at_tokens: 200_000}\ndegrade: {to: gpt-4o-mini}", "Write at_tokens: 32000 or less"),
        ("max_output: 4_000\ndegrade: {to: gpt-4o-mini}", None),
        ("max_output: 5_000_000\ndegrade: {to: nobody-knows}", None),
        (
            "limits: [{usd: 1}, {seconds: 2.5}]\nmax_output: 8_000",
            (
                "limits item 2: 2.5 seconds are over before one answer of max_output: 8,000 tokens is written, which "
                "takes 40 at 200 tokens a second and is not cut off. Write seconds: 160 or more, or max_output: 125"
            ),
        ),
        ("limits: [{seconds: 60}]\nmax_output: 8_000", None),
        ("limits: [{seconds: 1}]", None),
        ("max_output: 1_000\nthinking: on", "thinking: high effort has no room in max_output: 1000"),
        ("max_output: 4_000\nthinking: on", None),
        (
            "degrade: [{at: 50%, to: gpt-4.1-nano}, {at: 80%, to: gpt-4.1}]",
            "calls go from gpt-4.1-nano to gpt-4.1, which is dearer: $0.0062 beside $0.00031",
        ),
        ("degrade: [{at: 50%, to: gpt-4.1}, {at: 70%, effort: low}, {at: 80%, to: gpt-4.1-nano}]", None),
        ("degrade: [{at: 50%, to: nobody}, {at: 80%, to: gpt-4.1}]", None),
        ("limits: [{usd: 1}]\nunknown_model: free", "unknown_model: free: a model without a known price"),
        ("limits: [{tokens: 100_000}]\nunknown_model: free", None),
        (
            "limits: [{usd: 1}]\ncontext: {summary: {model: nobody}}",
            "context: summary: model: no price is known for nobody, so that under a limit in usd it is never asked",
        ),
        ("limits: [{usd: 1}]\ncache: {judge: nobody}", "cache: judge: no price is known for nobody"),
        ("limits: [{usd: 1}]\ncontext: {summary: {model: gpt-4.1-nano}}\ncache: {ttl: 1h}", None),
        ("", None),
    ],
)
def test_what_does_nothing_is_told_with_the_numbers_and_the_line_to_write(text: str, words: str | None) -> None:
    said = found(text)
    if words is None:
        assert not said
    else:
        assert any(words in one for one in said), said


@pytest.mark.parametrize(("cycles", "broken"), [(4, False), (5, True)])
def test_a_loop_is_broken_or_not_as_the_check_says(cycles: int, broken: bool) -> None:
    told: list[Event] = []
    budget = parse_budget(f"agent: a\nnotify: []\nlimits: [{{cycles: {cycles}}}]\nloop: {{repeats: 3}}", environ={})

    def search(topic: str) -> str:
        """Search."""
        return "the same"

    call = AIMessage("", tool_calls=[{"name": "search", "args": {"topic": "a"}, "id": "c"}])
    model = ScriptedModel(script=lambda messages, settings: call if settings.get("tools") else AIMessage("Done."))
    agent = create_agent(model, [search], middleware=[LeanLoop(budget, on_event=told.append)])
    agent.invoke({"messages": [{"role": "user", "content": "Hello"}]})

    assert any(isinstance(event, Saved) and event.plugin == "loop guard" for event in told) is broken
    assert bool(setting_findings(budget)) is not broken
