"""The examples run, with their script and with the model the environment names."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from leanloop import load_budget
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
BUDGETS = sorted((EXAMPLES / "budgets").iterdir())


def run(name: str) -> None:
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


@pytest.fixture(autouse=True)
def no_real_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEANLOOP_EXAMPLE_MODEL", raising=False)


def test_the_langchain_agent_answers_and_prints_what_it_cost(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_agent.py")

    answer, cost = capsys.readouterr().out.splitlines()
    assert "30 days" in answer
    assert re.fullmatch(r"2 model calls, \d+ tokens, \$0\.000\d+", cost)


def test_the_llama_index_agent_answers_and_prints_what_it_cost(capsys: pytest.CaptureFixture[str]) -> None:
    run("llama_index_agent.py")

    answer, cost = capsys.readouterr().out.splitlines()
    assert "30 days" in answer
    assert re.fullmatch(r"2 model calls, \d+ tokens, \$0\.000\d+", cost)


def test_the_llama_index_query_engine_answers_from_this_projects_documents(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["llama_index_query_engine.py"])
    run("llama_index_query_engine.py")

    printed = capsys.readouterr().out
    assert "one sub-agent's honest work would end its parent" in printed
    assert "decisions.md" in printed
    assert re.search(r"^1 model call, \d,?\d+ tokens, \$0\.000\d+$", printed, flags=re.MULTILINE)


def test_the_langgraph_graph_is_kept_to_three_tool_calls(capsys: pytest.CaptureFixture[str]) -> None:
    run("langgraph_graph.py")

    printed = capsys.readouterr().out
    assert "Cairo was not looked up" in printed
    assert "5 model calls, 3 tool calls, 5 cycles" in printed


def test_the_langchain_agent_reads_on_around_the_error_of_a_long_log(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_long_results.py")

    shortened, read, answer, saved, cost = capsys.readouterr().out.splitlines()
    assert shortened.startswith("[shortened: ")
    assert "lines 1876-1878" in read
    assert "'width'" in answer
    assert saved.startswith("tool results shortened: ")
    assert cost.startswith("3 model calls, ")


def test_the_llama_index_agent_reads_one_row_of_a_long_table(capsys: pytest.CaptureFixture[str]) -> None:
    run("llama_index_long_results.py")

    answer, saved, cost = capsys.readouterr().out.splitlines()
    assert answer == "Order 1234 came to $64."
    assert saved.startswith("tool results shortened: ")
    assert cost.startswith("3 model calls, ")


def test_the_cached_agent_asks_no_model_twice(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_cached_agent.py")

    lines = capsys.readouterr().out.splitlines()
    assert set(lines[::2]) == {"You have 30 days; the label is in the parcel."}
    assert re.fullmatch(r"  2 model calls, \d+ tokens; from the cache: none", lines[1])
    assert lines[3] == "  0 model calls, 0 tokens; from the cache: 2 exact, 1 results"
    assert re.fullmatch(r"  1 model calls, \d+ tokens; from the cache: 1 normal, 1 results", lines[5])


def test_the_cheap_model_is_asked_first_and_what_its_check_does_not_pass_goes_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("langchain_routes.py")

    lines = capsys.readouterr().out.splitlines()
    assert lines[::2] == ["Yes, from 10 to 16.", "It opens at 9:30.", "The last tram leaves at 23:40."]
    asked = [line.removeprefix("  asked: ").partition(";")[0] for line in lines[1::2]]
    assert asked == ["nobody", "gpt-4.1-nano", "gpt-4.1-nano, gpt-4.1"]
    assert lines[1].startswith("  asked: nobody; $0.000000; saved: $0.0000")
    assert "saved: $-0.0000" in lines[5]


def test_only_the_step_that_needs_it_is_thought_about(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_thinking.py")

    assert capsys.readouterr().out.splitlines() == [
        "806.",
        "What is 17 * 24 + 398? high: 20 times",
        "Which currency is 12 EUR in? none: 20 times",
    ]


def test_the_small_model_has_its_slip_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_cognitive_tools.py")

    answer, cost, loss = capsys.readouterr().out.splitlines()
    assert "4,896 cans" in answer
    assert re.fullmatch(r"5 model calls, \$0\.00\d+; cognitive tools: estimate_first 1, examine_answer 1", cost)
    assert re.match(r"cognitive tools: -\d+ tokens, \$-0\.00\d+ ", loss)


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("lang*.py")), ids=lambda path: path.name)
def test_the_environment_names_a_real_model(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def paid_service(name: str) -> BaseChatModel:
        asked.append(name)
        return ScriptedModel(script=[AIMessage("From the paid service.")])

    monkeypatch.setenv("LEANLOOP_EXAMPLE_MODEL", "openai:gpt-4o-mini")
    monkeypatch.setattr("langchain.chat_models.init_chat_model", paid_service)

    run(script.name)

    assert asked == ["openai:gpt-4o-mini"]
    assert "From the paid service." in capsys.readouterr().out


@pytest.mark.parametrize(
    "script", ["llama_index_agent.py", "llama_index_long_results.py", "llama_index_query_engine.py"]
)
def test_the_environment_names_a_real_model_for_llama_index(
    script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def paid_service(model: str) -> ScriptedLLM:
        return ScriptedLLM(script=[f"From the paid service, by {model}."])

    monkeypatch.setenv("LEANLOOP_EXAMPLE_MODEL", "gpt-4o-mini")
    monkeypatch.setitem(
        sys.modules, "llama_index.llms.openai", cast("ModuleType", SimpleNamespace(OpenAI=paid_service))
    )

    monkeypatch.setattr(sys, "argv", [script])
    run(script)

    assert "From the paid service, by gpt-4o-mini." in capsys.readouterr().out


@pytest.mark.parametrize("file", BUDGETS, ids=lambda path: path.name)
def test_a_budget_file_is_named_for_its_agent(file: Path) -> None:
    assert load_budget(file, environ={}).agent == file.stem


def test_every_example_is_in_the_list_of_examples() -> None:
    listed = re.findall(r"\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))

    there = [str(path.relative_to(EXAMPLES)) for path in (*SCRIPTS, *BUDGETS)]
    assert sorted(listed) == sorted(there)
