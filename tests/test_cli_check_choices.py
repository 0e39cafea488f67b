"""leanloop check says in words what known answers, thinking and routes hold an agent to, and what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.check_choices import rows_of_choices
from leanloop.budgets.file import parse_budget


def said(text: str) -> dict[str, str]:
    """What holds, by what it is about."""
    rows = rows_of_choices(parse_budget(f"agent: a\n{text}", environ={}))
    return {f"{what}: {holds}" if what == "but" else what: holds for _, what, holds in rows}


def test_without_them_nothing_is_said() -> None:
    assert said("") == {}


def test_known_answers_are_counted_and_one_given_twice_is_found() -> None:
    rows = said(
        "answers:\n  - {ask: 'Open?', say: y}\n  - {ask: 'OPEN', say: z}\n  - {match: 'a.*', say: y}\n"
        "  - {function: faq}\n  - {ask: x, function: faq}"
    )
    assert rows["known answers"] == "3 questions, 1 expression, what faq answers: given before any model is asked"
    assert "but: 'open' is answered twice; the first counts" in rows
    assert "1 question:" in said("answers: [{ask: x, say: y}]")["known answers"]
    assert (
        "2 expressions, what f, g answer:"
        in said("answers: [{match: x, say: y}, {match: z, say: y}, {function: f}, {function: g}]")["known answers"]
    )


def test_thinking() -> None:
    rows = said("thinking: {above: 40%, when_unsure: cheap, phases: {result: none, plan: 50%}}")
    assert rows["thinking"] == (
        "high where more than 40 % of such calls need it, none elsewhere; none where that is not known"
    )
    assert (rows["in one that reads results"], rows["in the first of a turn"]) == ("always none", "from 50 % on")
    assert said("thinking: on")["thinking"].endswith("high where that is not known")


def test_routes() -> None:
    rows = said(
        "routes: {cheap: [gpt-4.1-nano, llama], above: 40%, when_unsure: cheap, valuable: 5, local: llama, "
        "local_only: [patient, data=private], slow: 20s, sticky: 10m, cascade: on}\n"
        "prices: {llama: {input: 0, output: 0}}"
    )
    assert rows["cheap"] == "gpt-4.1-nano, then llama"
    assert rows["frontier"] == (
        "the agent's own model, where it succeeds in more than 40 % of such calls and the tier below fails"
    )
    assert rows["where little is known"] == "calls go to the cheaper tier"
    assert rows["a task worth $5.00 or more"] == "goes to cheap only where that is known to do"
    assert rows["tasks with patient or data=private"].startswith("go to llama alone")
    assert rows["near a limit"] == "from 80 % on calls go one tier down"
    assert rows["sessions"].startswith("stay in their tier, for 10 minutes")
    assert rows["a model that fails"] == (
        "is passed over for a while; so is one that usually takes longer than 20 seconds"
    )
    assert "tool_calls, refusal, format" in rows["their answers"]
    assert not [what for what in rows if what.startswith("but")]


def test_a_check_of_what_is_said_counts_for_work_of_value() -> None:
    rows = said("routes: {cheap: gpt-4.1-nano, cascade: {gates: [agreement], second: gpt-5-nano}}")
    assert rows["a task that states its value"].endswith("known to do, or what it answers is checked")


def test_a_plain_file_of_two_tiers() -> None:
    rows = said("routes: {cheap: gpt-4.1-nano, frontier: gpt-4.1}")
    assert rows["a task that states its value"] == "goes to cheap only where that is known to do"
    assert rows["a model that fails"] == "is passed over for a while"
    assert "their answers" not in rows


@pytest.mark.parametrize(
    ("routes", "but"),
    [
        (
            "cheap: gpt-4.1, frontier: gpt-4.1-nano",
            "gpt-4.1 is in cheap and dearer than gpt-4.1-nano, which is in frontier",
        ),
        ("cheap: my-own", "no price is known for my-own, so that nothing is decided by what it costs"),
        (
            "cheap: gpt-4.1-nano, local: x, local_only: p, cascade: {gates: [verifier], verifier: gpt-4.1}",
            "gpt-4.1, the verifier, is not local: it checks no task of local_only",
        ),
    ],
)
def test_what_makes_no_sense_is_found(routes: str, but: str) -> None:
    assert f"but: {but}" in said(f"routes: {{{routes}}}")


@pytest.mark.parametrize(
    ("routes", "problem"),
    [
        ("{}", "names no model"),
        ("{cheap: a, mid: a}", "names a for both cheap and mid"),
        ("{cheap: a, local_only: p}", "names no model that is local"),
        ("{cheap: a, valuable: 0}", "every task is worth"),
        ("{cheap: a, above: {cheap: 0.2}}", "has no tier below it"),
        ("{cheap: a, above: {mid: 0.2}}", "names no model"),
        ("{frontier: a, above: 0.3}", "has no tier below it"),
        ("{cheap: a, falls_at: 0}", "must be a share"),
    ],
)
def test_contradictions_are_refused_with_their_line(tmp_path: Path, routes: str, problem: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"agent: a\nroutes: {routes}\n")
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == 1
    assert f"{file}:2: " in result.stderr
    assert problem in result.stderr


def test_a_tier_without_a_price_under_a_limit_in_usd_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("agent: a\nlimits: [{usd: 1}]\nroutes: {cheap: my-own}\n")
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == 1
    assert "routes: No price is known for the model 'my-own'" in result.stderr


def test_the_words_stand_in_the_table(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("agent: a\nroutes: {cheap: gpt-4.1-nano}\nanswers: [{ask: x, say: y}]\nthinking: on\n")
    result = CliRunner().invoke(app, ["check", str(file)], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for words in ("given before any model is asked", "calls go one tier down", "high where more than 30 %"):
        assert words in result.stdout
