"""`leanloop demo`: one agent, bare and under a budget file, with figures that were counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from typer.testing import CliRunner

from leanloop import parse_budget
from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.demo_agent import BUDGET_FILE, QUESTION, open_agent, reply
from leanloop.adapters.cli.demo_shop import open_shop


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def steps_of_model(steps: Iterator[dict[str, Any]], count: int) -> Iterator[Any]:
    return islice((step["model"] for step in steps if "model" in step), count)


def report() -> dict[str, Any]:
    done = CliRunner().invoke(app, ["demo", "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_bare_run_ends_in_an_error_and_the_one_under_a_budget_with_an_answer() -> None:
    found = report()

    assert found["bare"]["error"] == "GraphRecursionError"
    assert found["bare"]["model_calls"] == 40
    assert found["budgeted"]["error"] is None
    assert found["budgeted"]["landed"]
    assert found["budgeted"]["model_calls"] < 20
    assert "Northline" in found["budgeted"]["last_message"]


def test_the_loop_is_what_ended_the_run_under_the_budget() -> None:
    budgeted = report()["budgeted"]

    assert "for the same result" in budgeted["stopped"]
    assert sum(saving["calls"] for saving in budgeted["savings"]) > 0


def test_the_factor_is_that_of_the_two_receipts() -> None:
    found = report()

    factor = Decimal(found["bare"]["usd"]) / Decimal(found["budgeted"]["usd"])
    assert found["factor"] == pytest.approx(float(factor), abs=0.01)
    assert found["factor"] > 2
    assert f"{found['factor']:.1f} times less" in found["happened"]


def test_no_figure_is_shown_that_was_not_counted() -> None:
    found = report()

    assert "cycles" not in found["bare"]
    assert not any(model["estimated"] for run in ("bare", "budgeted") for model in found[run]["models"])


def test_the_bare_receipt_is_the_sum_of_what_the_model_reported(tmp_path: Path) -> None:
    question = {"messages": [HumanMessage(QUESTION)]}
    steps = open_agent(tmp_path).stream(question, {"recursion_limit": 1_000}, stream_mode="updates")
    said = [message for step in steps_of_model(steps, 40) for message in step["messages"]]

    reported = sum(message.usage_metadata["total_tokens"] for message in said)
    assert report()["bare"]["tokens"] == reported


@pytest.mark.parametrize(("found", "said"), [("here", "counted with"), (None, "estimated, as OpenAI's")])
def test_how_tokens_were_counted_is_said(monkeypatch: pytest.MonkeyPatch, found: str | None, said: str) -> None:
    def where_found(name: str) -> str | None:
        return found

    monkeypatch.setattr("leanloop.budgets.vocabulary.where_found", where_found)

    assert f"Tokens are {said}" in report()["counting"]


def test_both_receipts_stand_side_by_side() -> None:
    done = CliRunner().invoke(app, ["demo"])

    assert done.exit_code == 0, done.output
    assert QUESTION in done.stdout
    for line in BUDGET_FILE.splitlines():
        assert line in done.stdout
    for row in ("model calls", "tool calls", "tokens", "cost", "outcome", "why", "last message"):
        assert f"│ {row} " in done.stdout
    assert "repeats not run" in done.stdout


def test_the_environment_may_tighten_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANLOOP_DEMO__LIMITS__TASK__USD", "0.01")

    budgeted = report()["budgeted"]

    assert Decimal(budgeted["usd"]) <= Decimal("0.01")
    assert "The limit of $0.01 for this task is reached" in budgeted["stopped"]
    assert "came late" in budgeted["last_message"]


def test_a_budget_that_raises_shows_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANLOOP_DEMO__AT_LIMIT", "raise")

    budgeted = report()["budgeted"]

    assert budgeted["error"].endswith("LoopDetected")
    assert budgeted["outcome"] == f"ended in {budgeted['error']}, without an answer"


def test_a_run_that_cost_nothing_is_compared_by_no_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANLOOP_DEMO__LIMITS__TASK__MODEL_CALLS", "0")

    found = report()

    assert found["factor"] is None
    assert "times less" not in found["happened"]


def test_without_langchain_the_demo_names_the_exact_pip_line() -> None:
    hide = "import sys; sys.modules.update(dict.fromkeys(('langchain', 'langchain_core', 'langgraph')));"
    code = f"{hide} sys.argv = ['leanloop', 'demo']; from leanloop.adapters.cli.app import main; main()"

    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == "leanloop: langchain is not installed. Install it with: pip install 'leanloop[langchain]'\n"


def test_the_budget_file_reads() -> None:
    assert parse_budget(BUDGET_FILE).agent == "demo"


@pytest.fixture
def shop(tmp_path: Path) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in open_shop(tmp_path)}


def ask(tool: BaseTool, **arguments: str) -> ToolMessage:
    message = tool.invoke({"type": "tool_call", "id": "c1", "name": tool.name, "args": arguments})
    assert isinstance(message, ToolMessage)
    return message


def test_the_shop_answers_from_a_real_database(shop: dict[str, BaseTool]) -> None:
    late = ask(shop["query"], sql="SELECT COUNT(*) AS late FROM orders WHERE delivered > promised")

    assert late.text == "late\n71"


@pytest.mark.parametrize("sql", ["DELETE FROM orders", "DROP TABLE delays", "CREATE TABLE mine (x)"])
def test_a_query_changes_nothing(shop: dict[str, BaseTool], sql: str) -> None:
    refused = ask(shop["query"], sql=sql)

    assert refused.status == "error"
    assert "readonly" in refused.text


@pytest.mark.parametrize("name", ["../demo.yaml", "/etc/passwd", "orders.db", ""])
def test_only_listed_files_are_read(shop: dict[str, BaseTool], name: str) -> None:
    refused = ask(shop["read_file"], name=name)

    assert refused.status == "error"
    assert name not in ask(shop["list_files"]).text.split()


def test_an_answer_holds_only_what_was_found() -> None:
    nothing = reply([HumanMessage(QUESTION)], {"tools": []})
    some = reply(
        [
            HumanMessage(QUESTION),
            AIMessage(""),
            ToolMessage("month | orders | late\n2025-03 | 9 | 4", tool_call_id="c"),
        ],
        {"tools": [{}], "tool_choice": "none"},
    )

    assert nothing.text == "I have found nothing yet that explains the late orders."
    assert some.text == "Of 9 orders promised for March 2025, 4 came late."
