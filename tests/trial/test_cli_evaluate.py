from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from leanloop.adapters.cli.app import app
from leanloop.errors import LeanLoopError
from leanloop.plugins.trial.labelled import labelled_in

MODELS = """
from langchain_core.messages import AIMessage
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM

asked = []
broken = True

def numbers(text):
    return [int(word) for word in text.split() if word.isdigit()]

def right(messages, settings):
    asked.append("large")
    return AIMessage(f"Answer: {sum(numbers(messages[-1].text))}")

def sometimes(messages, settings):
    asked.append("small")
    first, second = numbers(messages[-1].text)
    if first == 13 and broken:
        raise RuntimeError("overloaded")
    return AIMessage(f"Answer: {first + second + (first % 3 == 0)}")

large = ScriptedModel(script=right, model_name="gpt-4o")
small = ScriptedModel(script=sometimes, model_name="gpt-4o-mini")
llama = ScriptedLLM(script=lambda messages, settings: f"Answer: {sum(numbers(messages[-1].content))}", model="gpt-4.1")

def makes():
    return large

def fails():
    raise KeyError("no key")

text = "no model"

def half(answer, expected):
    return 0.5
"""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "evaluated_models", raising=False)
    Path("evaluated_models.py").write_text(MODELS)
    questions(30)


def questions(count: int, **more: object) -> None:
    rows = [
        {"id": f"q{n}", "question": f"What is {n} plus 5 ?", "answer": n + 5, "check": "number", "step": "sums", **more}
        for n in range(count)
    ]
    Path("set.jsonl").write_text("\n".join(map(json.dumps, rows)))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", "set.jsonl", *arguments])


def asked() -> list[str]:
    found: list[str] = sys.modules["evaluated_models"].__dict__["asked"]
    return found


def found(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    parsed: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return parsed


def test_models_are_compared_with_what_they_cost() -> None:
    small, large = (result := found("--models", "evaluated_models:small,evaluated_models:large"))["settings"]
    assert (small["setting"], small["asked"], small["failed"]) == ("gpt-4o-mini", 30, 1)
    assert small["accuracy"]["estimate"] == pytest.approx(19 / 29)
    assert large["accuracy"]["estimate"] == 1.0
    assert large["cost_of_right"] == pytest.approx(large["cost"]["estimate"])
    [pair] = result["pairs"]
    assert (pair["questions"], pair["better"], pair["worse"]) == (29, 10, 0)
    assert pair["p"] == pytest.approx(2 / 2**10)
    assert pair["difference"]["low"] > 0
    assert result["errors"] == {"gpt-4o-mini: RuntimeError: overloaded": 1}


def test_the_table_says_it_too_and_exits_with_1_where_a_call_failed() -> None:
    result = run("--models", "evaluated_models:small,evaluated_models:large")
    assert result.exit_code == 1
    assert "Against gpt-4o-mini, on the questions that both have answered" in result.output
    assert "+34.5 points" in result.output
    assert "Failed 1 times: gpt-4o-mini: RuntimeError: overloaded" in result.output
    assert run("--models", "evaluated_models:large").exit_code == 0


def test_what_was_answered_is_not_asked_again_and_what_failed_is() -> None:
    first = found("--models", "evaluated_models:small", "--out", "r.jsonl")
    assert (first["kept"], first["settings"][0]["failed"], len(asked())) == (0, 1, 30)
    sys.modules["evaluated_models"].__dict__["broken"] = False
    second = found("--models", "evaluated_models:small", "--out", "r.jsonl")
    assert (second["kept"], second["settings"][0]["failed"], len(asked())) == (29, 0, 31)
    assert second["spent"] < first["spent"]
    assert second["settings"][0]["accuracy"]["estimate"] == pytest.approx(20 / 30)
    rows = list(labelled_in(Path("r.jsonl")))
    assert len(rows) == 30
    assert {(row.step, str(row.setting), row.agent) for row in rows} == {("sums", "gpt-4o-mini", "")}
    assert all(row.question and row.cost and row.seconds is not None for row in rows)


def test_a_run_that_was_killed_goes_on_where_it_was() -> None:
    found("--models", "evaluated_models:large", "--out", "r.jsonl", "--limit", "10")
    whole = Path("r.jsonl").read_bytes()
    Path("r.jsonl").write_bytes(whole[:-40])  # a row that was not written to its end
    assert found("--models", "evaluated_models:large", "--out", "r.jsonl", "--limit", "10")["kept"] == 9
    assert len(list(labelled_in(Path("r.jsonl")))) == 10
    Path("r.jsonl").write_bytes(Path("r.jsonl").read_bytes().rstrip())  # all of it, but for its end
    assert found("--models", "evaluated_models:large", "--out", "r.jsonl")["kept"] == 10
    assert len(list(labelled_in(Path("r.jsonl")))) == 30


def test_a_file_of_something_else_is_left_as_it_is() -> None:
    Path("notes.txt").write_text("buy milk")
    with pytest.raises(LeanLoopError, match="is no labelled row"):
        raise error("--models", "evaluated_models:large", "--out", "notes.txt")
    assert Path("notes.txt").read_text() == "buy milk"


def test_results_of_another_set_are_refused() -> None:
    found("--models", "evaluated_models:large", "--out", "r.jsonl")
    Path("set.jsonl").write_text('{"id": "q1", "question": "Who?", "answer": "me"}')
    with pytest.raises(LeanLoopError, match=r"of another question with the id 'q1' .* Give another --out"):
        raise error("--models", "evaluated_models:large", "--out", "r.jsonl")


def test_the_limits_of_the_budget_hold_and_end_it() -> None:
    Path("b.yaml").write_text("agent: a\nlimits: [{per: day, model_calls: 7}]\n")
    result = found("--models", "evaluated_models:large", "--budget", "b.yaml", "--out", "r.jsonl", "--at-once", "3")
    assert len(asked()) == result["settings"][0]["asked"] == 7
    assert "limit of 7 model calls" in result["stopped"]
    assert {row.agent for row in labelled_in(Path("r.jsonl"))} == {"a"}
    assert run("--models", "evaluated_models:large", "--budget", "b.yaml").exit_code == 1


def test_a_question_that_does_not_fit_its_own_limit_is_an_error_of_that_question() -> None:
    Path("b.yaml").write_text("agent: a\nlimits: [{per: task, model_calls: 1, tokens: 60}]\nlanding: {tokens: 0}\n")
    questions(2)
    rows = Path("set.jsonl").read_text().splitlines()
    Path("set.jsonl").write_text("\n".join([rows[0], rows[1].replace("What is", "What is " + "really " * 200)]))
    result = found("--models", "evaluated_models:large", "--budget", "b.yaml")
    assert result["stopped"] is None
    assert result["settings"][0]["failed"] >= 1
    assert all("BudgetExceeded: The limit of 60 tokens" in error for error in result["errors"])


def test_a_llama_index_model_a_function_that_makes_one_and_efforts() -> None:
    result = found(
        "--models", "evaluated_models:llama,evaluated_models:makes", "--thinking", "off,high", "--limit", "3"
    )
    names = [one["setting"] for one in result["settings"]]
    assert names == ["gpt-4.1@none", "gpt-4.1@high", "gpt-4o@none", "gpt-4o@high"]
    assert [one["accuracy"]["estimate"] for one in result["settings"]] == [1.0, None, 1.0, None]
    assert len(result["pairs"]) == 3
    # Neither can be asked to think: nothing is said of what was not tried.
    assert set(result["errors"]) == {
        f"{name}@high: {name} cannot be asked for the effort high, as far as its integration says."
        for name in ("gpt-4.1", "gpt-4o")
    }


def test_cognitive_tools_are_tried_beside_none() -> None:
    result = found("--models", "evaluated_models:large", "--scaffold", "off,on", "--limit", "3")
    off, on = result["settings"]
    assert (off["setting"], on["setting"]) == ("gpt-4o", "gpt-4o+scaffold")
    assert on["cost"]["estimate"] > off["cost"]["estimate"]


def test_a_function_of_the_command_line_checks_and_rows_can_name_only_that_one() -> None:
    questions(3, check="evaluated_models:half")
    result = found("--models", "evaluated_models:large", "--check", "evaluated_models:half")
    assert result["settings"][0]["accuracy"]["estimate"] == 0.5
    with pytest.raises(LeanLoopError, match=r"names the check 'evaluated_models:half', which is none of exact"):
        raise error("--models", "evaluated_models:large")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--models", "evaluated_models:text"), "is a str; a model is what LangChain's init_chat_model takes"),
        (("--models", "evaluated_models:fails"), "failed: KeyError: 'no key'"),
        (("--models", "no_such_provider:x"), "cannot be loaded: .*Remember: a model is"),
        (("--models", "evaluated_models:large,evaluated_models:makes"), "'gpt-4o' is there twice"),
        (("--models", " , "), "takes at least one model"),
        (("--models", "evaluated_models:large", "--thinking", "much"), "--thinking takes off and minimal.* not 'much'"),
        (("--models", "evaluated_models:large", "--scaffold", "much"), "--scaffold takes off, on, think, not 'much'"),
        (("--models", "evaluated_models:large", "--check", "much"), "A check is one of exact, .* not 'much'"),
        (("--models", "evaluated_models:large", "--check", "evaluated_models:none"), "cannot be loaded"),
        (("--models", "evaluated_models:large", "--check", "evaluated_models:text"), "is no function"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_way_out(arguments: tuple[str, ...], why: str) -> None:
    with pytest.raises(LeanLoopError, match=why):
        raise error(*arguments)
    assert "evaluated_models" not in sys.modules or not asked()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "holds no questions"),
        ('{"question": "Who?"}', "set.jsonl:1: is no question: answer is missing; a line is"),
        ('{"question": "", "answer": 1}', "question should have at least 1"),
        ("[]", "is no question: the line"),
        ("{", "is no question"),
        ('{"id": 1, "question": "a", "answer": 1}\n{"id": "1", "question": "b", "answer": 1}', "id '1' of line 1"),
        (json.dumps({"question": "x" * 5_000_000, "answer": 1}), "longer than 4,194,304 bytes"),
    ],
)
def test_a_set_that_is_none_is_refused_with_its_line(text: str, why: str) -> None:
    Path("set.jsonl").write_text(text)
    with pytest.raises(LeanLoopError, match=why):
        raise error("--models", "evaluated_models:large")


def test_places_that_cannot_be_used_are_said() -> None:
    with pytest.raises(LeanLoopError, match="cannot be kept in"):
        raise error("--models", "evaluated_models:large", "--out", "no/such/folder/r.jsonl")
    Path("set.jsonl").unlink()
    with pytest.raises(LeanLoopError, match="The questions cannot be read"):
        raise error("--models", "evaluated_models:large")


def error(*arguments: str) -> BaseException:
    caught = run(*arguments).exception
    assert caught is not None
    return caught
