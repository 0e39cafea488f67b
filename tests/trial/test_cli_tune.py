from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from leanloop.adapters.cli.app import app
from leanloop.errors import LeanLoopError

KINDS = {"easy": (1, 1), "hard": (0, 1)}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    Path("b.yaml").write_text("agent: a\nthinking: on\nroutes: {cheap: small, frontier: [large, larger]}\n")


def write(settings: tuple[str, str], easy: int = 120, hard: int = 40, **more: object) -> None:
    lines = [
        {"id": f"{step}{number}", "setting": setting, "score": score, "step": step, "cost": cost, **more}
        for step, count in (("easy", easy), ("hard", hard))
        for number in range(count)
        for setting, score, cost in zip(settings, KINDS[step], (0.001, 0.01), strict=True)
    ]
    random.Random(0).shuffle(lines)
    Path("set.jsonl").write_text("\n".join(map(json.dumps, lines)))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["tune", *arguments])


def test_the_gate_is_tuned_between_the_efforts_of_the_file() -> None:
    write(("m", "m@high"))
    result = run("gate", "set.jsonl", "--budget", "b.yaml")
    assert result.exit_code == 0, result.output
    assert "160 questions, m to m@high" in result.output
    assert "Write under thinking: above: 0." in result.output
    assert "Then 25.0% of the questions are thought about. Lost: 0.00 points, at most 1.66" in result.output
    assert "Held out: thresholds found from four fifths lost 0.00 points" in result.output
    assert "Saves $6.75 for 1,000 questions (67.5%), between" in result.output


def test_routes_are_tuned_between_the_tiers_of_the_file() -> None:
    write(("small", "larger"))
    result = run("routes", "set.jsonl", "--budget", "b.yaml", "--json", "--lose-at-most", "4%")
    found = json.loads(result.output)
    assert (found["settings"], found["promised"], found["dear_share"]) == (["small", "larger"], 0.04, 0.25)
    assert found["above"] < 0.9
    assert found["loss_at_most"] <= 0.04
    assert found["saving"]["estimate"] == pytest.approx(0.00675)
    assert [one for one in found["thresholds"] if one["dear"] == 40]


def test_three_tiers_have_a_threshold_each_in_the_file() -> None:
    lines = [
        {"id": f"{step}{number}", "setting": setting, "score": score, "step": step}
        for step, scores in {"easy": (1, 1, 1), "middling": (0, 1, 1), "hard": (0, 0, 1)}.items()
        for number in range(50)
        for setting, score in zip(("a", "b", "c"), scores, strict=True)
    ]
    random.Random(0).shuffle(lines)
    Path("set.jsonl").write_text("\n".join(map(json.dumps, lines)))
    result = run("routes", "set.jsonl", "--budget", "b.yaml", "--tiers", "a,b,c")
    assert "Write under routes: above: {mid: 0." in result.output
    assert "What it saves is not known: not all rows have a cost." in result.output


def test_where_nothing_holds_it_is_said_and_the_exit_code_is_1() -> None:
    write(("m@none", "m@high"), step="same")
    result = run("gate", "set.jsonl", "--budget", "b.yaml")
    assert result.exit_code == 1
    assert "No threshold surely loses at most 2.00 points: leave all calls thought about." in result.output
    assert json.loads(run("gate", "set.jsonl", "--budget", "b.yaml", "--json").output)["above"] is None


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("gate", "--lose-at-most", "100%"), "is a share below 100%"),
        (("gate", "--lose-at-most", "x"), "A share is"),
        (("gate", "--cheap", "small"), "Name both, --cheap and --dear"),
        (("gate",), "No model of the set was tried with the efforts none and high .* it has large, small"),
        (("gate", "--cheap", "small", "--dear", "huge"), "No question of the set was answered with each"),
        (("routes", "--tiers", "small"), "at least two tiers"),
        (("routes", "--lose-at-most", "0.1%"), "takes 2,703 questions"),
    ],
)
def test_what_cannot_be_tuned_is_refused_with_the_way_out(arguments: tuple[str, ...], why: str) -> None:
    write(("small", "large"))
    result = run(arguments[0], "set.jsonl", "--budget", "b.yaml", *arguments[1:])
    assert isinstance(result.exception, LeanLoopError)
    with pytest.raises(LeanLoopError, match=why):
        raise result.exception


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("agent: a\n", "names no routes"),
        ("agent: a\nroutes: {cheap: small}\n", "names one tier, small"),
        ("agent: a\nroutes: {cheap: small, frontier: other}\n", r"No row of the set is of the tier frontier \(other\)"),
        ("agent: b\nroutes: {cheap: small}\n", r"no rows of the agent b; it has some of a"),
    ],
)
def test_a_file_that_does_not_fit_the_set_is_refused(text: str, why: str) -> None:
    write(("small", "large"), agent="a")
    Path("c.yaml").write_text(text)
    result = run("routes", "set.jsonl", "--budget", "c.yaml")
    assert isinstance(result.exception, LeanLoopError)
    with pytest.raises(LeanLoopError, match=why):
        raise result.exception


def test_several_models_with_both_efforts_must_be_told_apart() -> None:
    write(("m", "m@high"))
    text = Path("set.jsonl").read_text()
    Path("set.jsonl").write_text(text + "\n" + text.replace('"m', '"n'))
    result = run("gate", "set.jsonl", "--budget", "b.yaml")
    assert "Several models of the set" in str(result.exception)
    assert run("gate", "set.jsonl", "--budget", "b.yaml", "--cheap", "n", "--dear", "n@high").exit_code == 0
