from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from agent_runs import agent_line
from typer.testing import CliRunner, Result

from leanloop.adapters.cli.app import app
from leanloop.budgets.budget import DEFAULT_LIMITS
from leanloop.budgets.file import load_budget, parse_budget
from leanloop.errors import BudgetFileError, LeanLoopError, UsageError


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    done = [agent_line(2 + n % 3, task=f"s{n}") for n in range(12)]
    circling = [agent_line(15, task=f"f{n}", success=False, equal=n % 2 == 0) for n in range(6)]
    Path("runs.jsonl").write_text("\n".join(done + circling))


def advise(arguments: str = "runs.jsonl") -> Result:
    return CliRunner().invoke(app, ["advise", *shlex.split(arguments)])


def told(arguments: str = "runs.jsonl") -> Any:
    result = advise(f"{arguments} --json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def file_of(output: str) -> str:
    return output[output.index("# By leanloop advise") :]


def test_the_ranking_says_what_each_saves_and_loses() -> None:
    result = advise()

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("18 runs of 18 tasks as gpt-4o (12 successful, 6 failed)")
    first = next(line for line in result.stdout.splitlines() if line.startswith(" 1 "))
    assert first.split()[1] == "budget"
    assert first.split()[-1] == "yes"
    assert "0 of 12, at most" in first
    assert "Together, replayed as one file:" in result.stdout
    assert max(map(len, result.stdout[: result.stdout.index("# By leanloop")].splitlines())) <= 80


def test_the_file_that_is_printed_is_a_budget_file() -> None:
    budget = parse_budget(file_of(advise("runs.jsonl --agent my-agent").stdout), environ={})

    assert budget.agent == "my-agent"
    assert budget.limits[0].per == "task"


def test_json_says_the_same_and_is_read_by_programs() -> None:
    found = told()

    assert found["runs"] == {
        "read": 18,
        "without_calls": 0,
        "bad_lines": 0,
        "first_bad_lines": [],
        "measured": 18,
        "tasks": 18,
        "successes": 12,
        "failures": 6,
    }
    first = found["ranking"][0]
    assert first["feature"] == "budget"
    assert first["advised"] is first["advised_alone"] is True
    assert 0 < first["saved_low"] <= first["saved"] <= first["saved_high"] < 1
    assert float(first["usd_after"]) < float(first["usd_before"])
    assert found["together"]["features"][0] == "budget"
    assert parse_budget(found["file"], environ={}).limits[0].per == "task"
    assert found == told()


def test_a_file_is_written_where_it_is_asked_for_and_passes_the_check() -> None:
    result = advise("runs.jsonl --out budgets/new.yaml")

    assert "Written: budgets/new.yaml" in result.stdout
    assert "# By leanloop advise" not in result.stdout
    assert load_budget("budgets/new.yaml", environ={}).agent == "assistant"
    assert CliRunner().invoke(app, ["check", "budgets/new.yaml"]).exit_code == 0


def test_nothing_is_written_over_without_being_told_to() -> None:
    Path("mine.yaml").write_text("agent: mine\n")
    result = advise("runs.jsonl --out mine.yaml")
    assert isinstance(result.exception, UsageError)
    assert "mine.yaml is there already" in str(result.exception)
    assert Path("mine.yaml").read_text() == "agent: mine\n"

    assert advise("runs.jsonl --out mine.yaml --force").exit_code == 0
    assert load_budget("mine.yaml", environ={}).agent == "assistant"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ("runs.jsonl --out budget.toml", UsageError, "ends in .yaml or .yml"),
        ("runs.jsonl --out runs.jsonl/x.yaml", UsageError, "cannot be written"),
        ("none.jsonl", UsageError, "cannot be read"),
        ("runs.jsonl --lose-at-most 100%", UsageError, "below 100%"),
        ("runs.jsonl --lose-at-most some", UsageError, "not 'some'"),
        ("runs.jsonl --agent 'a b'", BudgetFileError, "agent"),
        ("runs.jsonl --budget none.yaml", BudgetFileError, "none.yaml: "),
        ("empty.jsonl", UsageError, "None of 1 runs in these files has a call"),
    ],
)
def test_what_cannot_be_is_said(arguments: str, error: type[LeanLoopError], said: str) -> None:
    Path("empty.jsonl").write_text('{"messages": [{"role": "user", "content": "hi"}]}\n')
    result = advise(arguments)
    assert isinstance(result.exception, error)
    assert said in str(result.exception)


def test_bad_lines_are_named_and_make_the_exit_code_one() -> None:
    Path("bad.jsonl").write_text("{}\nnot json\n")
    result = advise("runs.jsonl bad.jsonl --json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["runs"]["bad_lines"] == 2
    assert "bad.jsonl:1: is not a recorded run" in result.stderr

    only = advise("bad.jsonl")
    assert only.exit_code == 1
    assert "2 of the lines are no runs" in only.stderr


def test_a_sample_says_that_it_is_one() -> None:
    drawn = advise("runs.jsonl --limit 10").stdout
    assert drawn.startswith("10 of 18 runs of 10 tasks")
    assert "Runs were drawn at random." in drawn
    assert "drawn at random" not in advise().stdout
    assert told("runs.jsonl --limit 10 --all")["runs"]["measured"] == 18


def test_of_what_is_not_advised_only_the_reason_is_told_where_no_details_are_asked_for() -> None:
    short, long = (" ".join(advise(f"runs.jsonl{more}").stdout.split()) for more in ("", " --details"))
    assert ". shortened results: not advised: it costs money." in short
    assert "results: {max_tokens: 4000} costs" not in short
    assert "shortened results: -" in long
    assert "Not advised: it costs money." in long
    assert "results: {max_tokens: 4000} costs" in long


def test_nothing_to_advise_is_said_and_is_no_failure() -> None:
    Path("short.jsonl").write_text("\n".join(agent_line(3, task=str(n)) for n in range(12)))
    result = advise("short.jsonl")
    assert result.exit_code == 0
    assert "Nothing is advised: no change surely saves" in result.stdout
    budget = parse_budget(file_of(result.stdout), environ={})
    assert budget.limits == DEFAULT_LIMITS


def test_no_price_is_said() -> None:
    result = advise("runs.jsonl --model nobody-s-model")
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert "18 runs were left out: no price is known for nobody-s-model." in words
    assert "Nothing is advised: nothing could be measured." in words


def test_the_users_own_file_is_gone_on_from_and_its_secrets_stay_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANLOOP__STORE", "redis://user:hunter2@host:6379/0")
    own = "agent: mine\nloop: on\nstore: redis://:s3cret@host:6379/0\nlimits: [{per: day, usd: 20.50}]\n"
    Path("mine.yaml").write_text(own)

    shown = advise("runs.jsonl --budget mine.yaml")
    assert shown.exit_code == 0, shown.output
    assert "s3cret" not in shown.output
    assert "hunter2" not in shown.output
    assert "loop guard: not measured: the budget file has it on." in shown.stdout
    assert "limits:\n  - {per: day, usd: 20.50}\n  - {per: task, " in shown.stdout

    assert advise("runs.jsonl --budget mine.yaml --out new.yaml").exit_code == 0
    text = Path("new.yaml").read_text()
    assert "hunter2" not in text
    budget = load_budget("new.yaml", environ={})
    assert (budget.agent, budget.store, len(budget.limits)) == ("mine", "redis://:s3cret@host:6379/0", 2)
    assert Path("mine.yaml").read_text() == own


def test_a_toml_file_is_gone_on_from_too() -> None:
    Path("mine.toml").write_text('agent = "mine"\n[loop]\nrepeats = 4\n')
    assert advise("runs.jsonl --budget mine.toml --out new.yaml").exit_code == 0
    budget = load_budget("new.yaml", environ={})
    assert budget.agent == "mine"
    assert budget.loop is not None
    assert budget.loop.repeats == 4
    assert budget.limits[0].cycles == 25


@pytest.mark.parametrize("none", ["0", "0%"])
def test_it_may_be_asked_that_nothing_is_lost(none: str) -> None:
    found = told(f"runs.jsonl --lose-at-most {none}")
    assert all(one["successes_lost"] == 0 for one in found["ranking"] if one["advised"])


def test_names_from_traces_cannot_style_the_terminal_or_end_a_comment() -> None:
    lines = [json.loads(agent_line(3, task=str(n))) for n in range(8)]
    evil = "\x1b[31mevil\nagent: other"
    for line in lines:
        line["id"] = evil
        for message in line["messages"]:
            for call in message.get("tool_calls", ()):
                call["name"] = evil
    Path("evil.jsonl").write_text("\n".join(map(json.dumps, lines)))
    result = advise("evil.jsonl")
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.stdout
    assert parse_budget(file_of(result.stdout), environ={}).agent == "assistant"


def test_labelled_rows_are_of_the_agent() -> None:
    Path("rows.jsonl").write_text('{"id": "1", "setting": "m@high", "score": 1, "agent": "other"}\n')
    result = advise("runs.jsonl --labelled rows.jsonl")
    assert isinstance(result.exception, UsageError)
    assert "has no rows of the agent assistant" in str(result.exception)
