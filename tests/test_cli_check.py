"""The commands `leanloop check` and `leanloop schema`, and the frame around all commands."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from leanloop.adapters.cli import check as check_module
from leanloop.adapters.cli.app import app, main
from leanloop.budgets.budget import Budget
from leanloop.budgets.limit import Limit
from leanloop.errors import UsageError

EXAMPLES = sorted((Path(__file__).parent.parent / "examples" / "budgets").glob("*.yaml"))


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(folder: Path, text: str) -> Path:
    path = folder / "budget.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_check_says_in_words_what_the_defaults_hold(tmp_path: Path) -> None:
    result = run("check", write(tmp_path, "agent: helper"))
    assert result.exit_code == 0
    for words in [
        "agent helper",
        "at most 25 cycles (default)",
        "the task lands with a last answer; 2,000 tokens are kept back for it (default)",
        "are broken at 3 equal steps among the last 8 (default)",
        "the model is told what it has left at 70 %, 90 % of a limit (default)",
        "in memory: each process counts by itself and forgets when it ends (default)",
        "calls are refused (default)",
        "the model is refused under a limit in usd (default)",
    ]:
        assert words in result.stdout


def test_check_says_what_happens_on_the_way_to_a_limit(tmp_path: Path) -> None:
    text = "agent: a\nwarn: [80%, 99.9%]\ndegrade: [{at: 50%, effort: low}, {at: 75%, to: own, effort: none}]\n"
    shown = run("check", write(tmp_path, text)).stdout
    for words in [
        "people are told at 80 %, 99.9 % of a limit, and what is forecast",
        "from 50 % on",
        "calls ask for the effort low",
        "calls go to own and ask for the effort none",
    ]:
        assert words in shown
    assert "people are told nothing" in run("check", write(tmp_path, "agent: a\nwarn: []")).stdout


def test_check_says_what_becomes_of_long_results_and_old_ones(tmp_path: Path) -> None:
    shown = run("check", write(tmp_path, "agent: a")).stdout
    for words in [
        "are shortened to 4,000 tokens each, 16,000 a step, 25 % of what is left; JSON takes fewer tokens without loss",
        "reads the rest back, 20 times a task, 2,000 tokens each (default)",
        "in memory, for 1 day, 256 MB in all; only tasks of the same tenant and user read it (default)",
        "are sent again in every call (default)",
        "providers are told where to cache; what changes in a system prompt is said on the receipt (default)",
        "as many as there are, the best first and last, each once (default)",
    ]:
        assert words in shown
    text = """
agent: a
store: sqlite:///ledger.db
results:
  max_tokens: 800
  compact: off
  tools: {search: 300, sql: {kind: table}, logs: {kind: log, max_tokens: 900}, wiki: off}
  reads: 1
  store: redis://user:hunter2@cache.example:6379/0
  ttl: 90m
  max_bytes: 2 GB
  scope: []
context: {keep: 5, at_tokens: 60_000, exclude: [plan], summary: {max_tokens: 200}}
prefix: {breakpoints: off, volatile: behind}
retrieved: {max_tokens: 3_000, duplicates: keep, order: as_given}
"""
    shown = run("check", write(tmp_path, text)).stdout
    for words in [
        "are shortened to 800 tokens each, 16,000 a step, 25 % of what is left",
        "shortened to 300 tokens",
        "shortened as the others, as table",
        "shortened to 900 tokens, as log",
        "left as they are",
        "reads the rest back, once a task",
        "at redis://cache.example:6379/0, for 1.5 hours, 2,000 MB in all; every task reads it",
        "are cleared when it pays, or before 60,000 tokens are sent; never the last 5, those of plan",
        "is summed up in 200 tokens, by the cheapest model named here",
        "providers are not told where to cache; what changes in a system prompt is sent behind the history",
        "at most 3,000 tokens, in the order they come",
    ]:
        assert words in shown
    assert "hunter2" not in shown
    assert "without loss" not in shown
    text = "agent: a\nresults: {store: 'folder:./kept', ttl: 30s, reads: 0}\ncontext: {summary: {model: own}}"
    shown = run("check", write(tmp_path, text)).stdout
    assert "reads the rest back, never" in shown
    assert "at folder:./kept, for 30 seconds" in shown
    assert "are cleared when it pays; never the last 3" in shown
    assert "by own" in shown
    shown = run("check", write(tmp_path, "agent: a\nresults: off")).stdout
    assert "are left as they are; there is no read_result" in shown


def test_a_cheaper_model_without_a_price_is_a_problem_under_a_limit_in_usd(tmp_path: Path) -> None:
    text = "agent: a\nlimits: [{usd: 1}]\ndegrade: [{at: 10%, effort: low}, {to: my-own}]"
    result = run("check", write(tmp_path, text))
    assert result.exit_code == 1
    assert "degrade: No price is known for the model 'my-own'" in result.stderr
    assert run("check", write(tmp_path, f"{text}\nunknown_model: free")).exit_code == 0


def test_check_says_in_words_what_the_file_holds(tmp_path: Path) -> None:
    text = """
agent: helper
limits:
- {usd: 0.50, tool_calls: {search: 8}, value: 4}
- {per: day, usd: 1}
- {per: hour, rolling: true, usd: 1}
- {per: week, scope: user, usd: 2}
- {per: month, scope: global, usd: 3}
timezone: Europe/Berlin
store: redis://user:hunter2@ledger.example:6379/0?prefix=shop&socket_timeout=2
at_limit: raise
loop: {repeats: 4, allow: [poll]}
notify: []
max_output: 4_000
on_store_error: allow
unknown_model: free
prices: {mine: {input: 1, output: 2}}
"""
    result = run("check", write(tmp_path, text))
    assert result.exit_code == 0
    for words in [
        "at most $0.50, 8 calls of search",
        "per day, the agent",
        "per rolling hour, the agent",
        "is worth $4.00",
        "Europe/Berlin",
        "at redis://ledger.example:6379/0?prefix=shop, by all processes together",
        "per week, each user",
        "per month, all agents together",
        "BudgetExceeded is raised",
        "are broken at 4 equal steps among the last 8; poll may repeat",
        "the model is never told what it has left",
        "at most 4,000 output tokens",
        "calls are made unchecked",
        "the model counts as free",
        "prices of its own",
    ]:
        assert words in result.stdout
    assert "at most $0.50, 8 calls of search (default)" not in result.stdout
    assert "hunter2" not in result.stdout


def test_check_says_what_is_switched_off(tmp_path: Path) -> None:
    text = "agent: a\nlimits: []\nloop: off\nlanding: {tokens: 0}\nunknown_model: most_expensive"
    result = run("check", write(tmp_path, text))
    assert "none: spending is counted, nothing is refused" in result.stdout
    assert "are not looked for" in result.stdout
    assert "without asking the model" in result.stdout
    assert "the model counts as the most expensive one known" in result.stdout


def test_check_names_the_variables_that_override(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANLOOP_HELPER__LANDING__TOKENS", "77")
    result = run("check", write(tmp_path, "agent: helper"))
    assert "77 tokens are kept back" in result.stdout
    assert "LEANLOOP_HELPER__LANDING__TOKENS" in result.stdout


@pytest.mark.parametrize(
    ("place", "words"), [("a folder", "(vocabulary: a folder)"), (None, "no vocabulary was found")]
)
def test_check_says_whether_tokens_are_counted_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str | None, words: str
) -> None:
    def where_found(_: str) -> str | None:
        return place

    monkeypatch.setattr("leanloop.budgets.vocabulary.where_found", where_found)
    assert words in run("check", write(tmp_path, "agent: helper")).stdout


def test_check_reports_every_bad_file_and_still_shows_the_good_ones(tmp_path: Path) -> None:
    bad = write(tmp_path, "agent: a\nlimts: 1\nat_limit: x")
    result = run("check", bad, EXAMPLES[0], tmp_path / "none.yaml")
    assert result.exit_code == 1
    absent = "there is no such file; see the folder the program runs in, or write one with leanloop init"
    assert result.stderr.splitlines() == [
        f"{bad}:2: unknown key 'limts'; did you mean 'limits'?",
        f"{bad}:3: 'at_limit' must be 'land' or 'raise', not 'x'",
        f"{tmp_path / 'none.yaml'}: {absent}",
    ]
    assert f"agent {EXAMPLES[0].stem}" in result.stdout


def test_names_in_a_file_are_no_markup(tmp_path: Path) -> None:
    result = run("check", write(tmp_path, "agent: a\nlimits: [{tool_calls: {'[red]x': 1}}]"))
    assert "1 call of [red]x" in result.stdout


def test_check_without_a_file_is_wrong_usage() -> None:
    assert run("check").exit_code == 2


def properties(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The keys an object schema allows, through its reference."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return dict(node["properties"])


def test_the_schema_describes_every_key() -> None:
    schema = json.loads(run("schema").stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == set(Budget.model_fields)
    assert set(schema["$defs"]["Limit"]["properties"]) == set(Limit.model_fields)
    for model in [schema, *schema["$defs"].values()]:
        assert model["additionalProperties"] is False
        for name, node in model["properties"].items():
            assert node.get("description"), f"{name} has no description"
            assert "\n" not in node["description"]


def test_the_schema_offers_no_null() -> None:
    assert "null" not in run("schema").stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_keys_of_the_examples_are_in_the_schema(path: Path) -> None:
    schema = json.loads(run("schema").stdout)
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    top = properties(schema, schema)
    assert set(values) <= set(top)
    for limit in values.get("limits", []):
        assert set(limit) <= set(properties(schema, top["limits"]["items"]))
    assert set(values.get("loop", {})) <= set(properties(schema, top["loop"]["anyOf"][0]))
    for price in values.get("prices", {}).values():
        assert set(price) <= set(properties(schema, top["prices"]["additionalProperties"]))


def test_the_version_is_the_installed_one() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"leanloop {version('leanloop')}\n")


def test_without_a_command_the_help_is_shown() -> None:
    result = run()
    assert "check" in result.output
    assert "schema" in result.output


def test_an_error_of_leanloop_is_one_line_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> str:
        raise UsageError("this cannot work")

    monkeypatch.setattr(check_module, "load_budget", fail)
    monkeypatch.setattr(sys, "argv", ["leanloop", "check", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == "leanloop: this cannot work\n"


def test_main_ends_with_the_exit_code_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["leanloop", "schema"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0


def test_the_commands_import_nothing_heavy() -> None:
    code = "import sys, leanloop.adapters.cli.app; print({'tiktoken', 'langchain'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
