"""``leanloop outcome`` and ``leanloop learn`` on real stores."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.learn_lessons import Lessons
from leanloop.adapters.cli.learn_rows import rows_in
from leanloop.budgets.budget import Budget
from leanloop.errors import LeanLoopError, StoreError, TraceError, UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.draft import Draft
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.trial.labelled import Labelled

Make = Callable[..., Decision]

PLAN = "agent=support&step=plan"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LEANLOOP__STORE", "LEANLOOP__DIFFICULTY__STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "support.yaml").write_text("agent: support\nstore: sqlite:///o.db\n", encoding="utf-8")
    return "support.yaml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def refused(*arguments: str) -> LeanLoopError:
    result = run(*arguments)
    assert isinstance(result.exception, LeanLoopError), result.output
    return result.exception


def written(name: str, *rows: Mapping[str, object]) -> str:
    Path(name).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return name


def row(question: str, setting: str, score: float, **more: object) -> dict[str, object]:
    return {"id": question, "setting": setting, "score": score, "step": "plan", **more}


def counts(key: str = PLAN) -> Mapping[str, Count]:
    with closing(SqliteOutcomes(Path("o.db"))) as store:
        return store.counts([key])[0]


# --- leanloop outcome


@pytest.fixture
def known(file: str, decision: Make) -> str:
    with closing(SqliteOutcomes(Path("o.db"))) as store:
        store.record(decision("a"))
        store.record(decision("b"))
    return file


@pytest.mark.parametrize(("text", "share"), [("true", 1), ("False", 0), ("0.25", 0.25), ("1", 1)])
def test_an_outcome_is_said_of_a_task_that_has_ended(known: str, text: str, share: float) -> None:
    assert run("outcome", "t1", text, "--budget", known).output == (
        f"An outcome of {share:g} counts for 2 decisions of task t1.\n"
    )
    assert counts()["gpt-4.1-mini"] == Count(1, share)
    assert run("outcome", "t1", "0", "--store", "sqlite:///o.db").output == (
        "Task t1 was scored before; nothing has changed.\n"
    )
    assert counts()["gpt-4.1-mini"] == Count(1, share)


def test_an_outcome_that_counts_for_one_decision_says_so(file: str, decision: Make) -> None:
    with closing(SqliteOutcomes(Path("o.db"))) as store:
        store.record(decision("a"))
    assert "counts for 1 decision of" in run("outcome", "t1", "1", "--budget", file).output


def test_the_store_may_be_named_by_the_environment(known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANLOOP__STORE", "sqlite:///o.db")
    assert run("outcome", "t1", "1").exit_code == 0


@pytest.mark.parametrize("text", ["good", "2", "-1", "nan", ""])
def test_what_is_no_score_is_refused(known: str, text: str) -> None:
    error = refused("outcome", "--budget", known, "--", "t1", text)
    assert isinstance(error, UsageError)
    assert "0" in str(error)
    assert "1" in str(error)


def test_an_unknown_task_is_refused(known: str) -> None:
    assert "'t2'" in str(refused("outcome", "t2", "1", "--budget", known))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--budget FILE or --store URL"),
        (("--store", "memory"), "in memory"),
        (("--store", "sqlite:///nowhere.db"), "There are no outcomes at"),
        (("--store", "nonsense"), "A store is"),
    ],
    ids=str,
)
def test_a_store_that_cannot_be_looked_into_is_refused(arguments: tuple[str, ...], says: str) -> None:
    assert says in str(refused("outcome", "t1", "1", *arguments))
    assert not Path("nowhere.db").exists()


# --- leanloop learn


def test_settings_that_were_tried_on_one_question_are_compared(file: str) -> None:
    rows = [row("q1", "mini", 0), row("q1", "gpt-5@high", 1), row("q2", "mini", True), row("q2", "gpt-5@high", 1)]
    result = run("learn", written("set.jsonl", *rows), "--budget", file)
    assert result.exit_code == 0
    assert "Written for support to sqlite:///o.db." in result.output
    found = counts()
    assert found["mini"] == Count(2, 1)
    assert found["gpt-5@high"] == Count(2, 2)
    assert found["mini > gpt-5@high"] == Count(2, 1)
    assert counts("agent=support")["mini > gpt-5@high"] == Count(2, 1)


def test_the_tiers_of_the_file_say_which_setting_is_the_cheaper_on_every_kind_of_call(file: str) -> None:
    Path(file).write_text("agent: support\nroutes: {cheap: strong, frontier: weak}\n", encoding="utf-8")
    rows = [
        {"id": f"{step}{n}", "setting": setting, "score": int(right), "step": step}
        for step, better in (("plan", "strong"), ("answer", "weak"))
        for n in range(3)
        for setting, right in (("weak", better == "weak"), ("strong", better == "strong"))
    ]
    result = run("learn", written("set.jsonl", *rows), "--budget", file, "--store", "sqlite:///o.db", "--json")
    pairs = [pair for kind in json.loads(result.output)["kinds"] for pair in kind["pairs"]]
    assert {(pair["cheap"], pair["dear"]) for pair in pairs} == {("strong", "weak")}
    assert len(pairs) == 3


def test_rows_of_a_question_may_lie_apart_and_in_several_files(file: str) -> None:
    first = written("a.jsonl", row("q1", "mini", 0), row("q2", "mini", 1))
    second = written("b.jsonl", row("q2", "gpt-5", 1), row("q1", "gpt-5", 1))
    assert run("learn", first, second, "--budget", file).exit_code == 0
    assert counts()["mini > gpt-5"] == Count(2, 1)


def test_costs_are_learned_where_they_are_known(file: str) -> None:
    rows = [row("q1", "mini", 0, cost=0.001), row("q2", "mini", 0, cost=0.003), row("q3", "mini", 0)]
    run("learn", written("set.jsonl", *rows), "--budget", file)
    assert counts()["mini"] == Count(3, 0, 2, 4_000_000)


def test_a_question_without_a_step_is_known_by_its_text(file: str) -> None:
    bare = {"id": "q1", "setting": "mini", "score": 1, "question": "Which of these primes is the largest one?"}
    result = run("learn", written("set.jsonl", bare), "--budget", file, "--json")
    kinds = [kind["kind"] for kind in json.loads(result.output)["kinds"]]
    assert kinds[0] == "all"
    assert kinds[1].startswith("family=")


def test_a_step_may_be_given_for_rows_that_name_none(file: str) -> None:
    bare = {"id": "q1", "setting": "mini", "score": 1}
    named = {"id": "q2", "setting": "mini", "score": 0, "step": "answer", "question": "Why?"}
    run("learn", written("set.jsonl", bare, named), "--budget", file, "--step", "plan")
    assert counts()["mini"] == Count(1, 1)
    assert counts("agent=support&step=answer")["mini"] == Count(1, 0)


def test_a_dry_run_shows_what_it_would_learn_and_writes_nothing(file: str) -> None:
    rows = [row("q1", "mini", 0, cost=0.001), row("q1", "gpt-5@high", 1, cost=0.01)]
    result = run("learn", written("set.jsonl", *rows), "--budget", file, "--dry-run")
    assert "Nothing was written." in result.output
    assert "step=plan" in result.output
    assert not Path("o.db").exists()
    run("learn", "set.jsonl", "--budget", file)
    before = counts()
    run("learn", written("more.jsonl", *rows), "--budget", file, "--dry-run", "--again")
    assert counts() == before


def test_a_file_is_learned_once(file: str) -> None:
    run("learn", written("set.jsonl", row("q1", "mini", 1)), "--budget", file)
    written("copy.jsonl", row("q1", "mini", 1))
    for name in ("set.jsonl", "copy.jsonl"):
        assert "learned before" in str(refused("learn", name, "--budget", file))
    assert counts()["mini"] == Count(1, 1)
    assert run("learn", "set.jsonl", "--budget", file, "--again").exit_code == 0
    assert counts()["mini"] == Count(2, 2)


def test_a_file_named_twice_is_refused(file: str) -> None:
    name = written("set.jsonl", row("q1", "mini", 1))
    assert "learned before" in str(refused("learn", name, name, "--budget", file))


def test_a_bad_line_is_named_and_nothing_is_learned(file: str) -> None:
    name = written("set.jsonl", row("q1", "mini", 1), row("q2", "mini", 7))
    error = refused("learn", name, "--budget", file)
    assert isinstance(error, TraceError)
    assert "set.jsonl" in str(error)
    assert "2" in str(error)
    assert counts() == {}


@pytest.mark.parametrize("text", ["{", "[]", "7\n", '"messages"', '{"messages": 1, "setting": "mini"}'])
def test_what_is_no_set_is_refused(file: str, text: str) -> None:
    Path("set.jsonl").write_text(text, encoding="utf-8")
    assert isinstance(refused("learn", "set.jsonl", "--budget", file), TraceError)


def test_an_empty_file_teaches_nothing(file: str) -> None:
    Path("set.jsonl").write_text("\n\n", encoding="utf-8")
    result = run("learn", "set.jsonl", "--budget", file)
    assert "0 rows learned from" in result.output
    assert result.exit_code == 0


def test_of_settings_that_do_as_well_the_one_that_thinks_less_is_the_cheaper(file: str) -> None:
    written("set.jsonl", row("q", "mini@none", 1), row("q", "mini@high", 1))
    result = run("learn", "set.jsonl", "--budget", file, "--json")
    [pair] = json.loads(result.output)["kinds"][-1]["pairs"]
    assert (pair["cheap"], pair["dear"]) == ("mini@none", "mini@high")


def test_a_file_that_cannot_be_read_is_refused(file: str) -> None:
    assert "cannot be read" in str(refused("learn", "nowhere.jsonl", "--budget", file))
    assert "cannot be read" in str(refused("learn", os.curdir, "--budget", file))


def test_a_file_that_goes_while_it_is_read_is_refused(file: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        list(rows_in(Path("nowhere.jsonl"), None, ""))


def test_rows_of_other_agents_and_of_what_came_before_are_passed_over(file: str) -> None:
    first = written("a.jsonl", row("q1", "mini", 1, agent="sales"), row("q2", "mini", 1, agent="support"))
    second = written("b.jsonl", row("q2", "mini", 0))
    result = run("learn", first, second, "--budget", file)
    assert "1 rows are of other agents" in result.output
    assert "1 rows are of a question and setting that came before" in result.output
    assert counts()["mini"] == Count(1, 1)


RUN: Mapping[str, object] = {
    "messages": [{"role": "user", "content": "Find it."}, {"role": "assistant", "content": "Done."}]
}


def test_recorded_runs_count_by_how_they_were_judged(file: str) -> None:
    runs: list[Mapping[str, object]] = [
        {**RUN, "meta": {"reward": 1.0}},
        {**RUN, "meta": {"reward": 0.25}},
        {**RUN, "meta": {"exit_status": "submitted"}},
        RUN,
    ]
    name = written("runs.jsonl", *runs)
    assert "--setting MODEL" in str(refused("learn", name, "--budget", file))
    assert run("learn", name, "--budget", file, "--setting", "gpt-4o@low", "--step", "plan").exit_code == 0
    assert counts()["gpt-4o@low"] == Count(3, 2.25)


def test_a_bad_run_is_named(file: str) -> None:
    name = written("runs.jsonl", RUN, {"messages": []})
    error = refused("learn", name, "--budget", file, "--setting", "gpt-4o")
    assert isinstance(error, TraceError)
    assert "runs.jsonl" in str(error)


def test_the_chance_that_the_dearer_fixes_is_shown(file: str) -> None:
    rows = [row(f"q{n}", s, score) for n in range(50) for s, score in (("mini", n % 2), ("gpt-5", 1))]
    told = json.loads(run("learn", written("set.jsonl", *rows), "--budget", file, "--json").output)
    assert (told["written"], told["rows"], told["other_agents"], told["came_before"]) == (True, 100, 0, 0)
    whole, plan = told["kinds"]
    assert (whole["kind"], plan["kind"]) == ("all", "step=plan")
    assert [one["setting"] for one in plan["settings"]] == ["mini", "gpt-5"]
    [pair] = plan["pairs"]
    assert (pair["cheap"], pair["dear"], pair["both"]) == ("mini", "gpt-5", 50)
    assert pair["low"] < 0.5 < pair["high"]


def test_only_so_many_kinds_are_shown(file: str) -> None:
    rows = [row(f"q{n}", "mini", 1, step=f"step {n}") for n in range(30)]
    result = run("learn", written("set.jsonl", *rows), "--budget", file)
    assert "11 more kinds of call are not shown" in result.output


def test_names_cannot_do_anything_to_the_terminal(file: str) -> None:
    result = run("learn", written("set.jsonl", row("q1", "mini", 1, step="\x1b[31m[bold]x")), "--budget", file)
    assert "\x1b" not in result.output
    assert "[bold]x" in result.output


# --- what is gathered


def test_questions_that_wait_for_too_long_count_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.adapters.cli.learn_lessons._WAITING", 2)
    draft = Draft(MemoryOutcomes())
    lessons = Lessons(draft, Budget(agent="support"))
    for name in ("q1", "q2", "q3"):
        lessons.add(Labelled(name, Setting("mini"), 0.0, step="plan"))
    for name in ("q1", "q3"):
        lessons.add(Labelled(name, Setting("gpt-5"), 1.0, step="plan"))
    lessons.end()
    [found] = draft.counts([PLAN])
    assert found["mini > gpt-5"] == Count(1, 1)
    assert found["mini"] == Count(3, 0)


def test_a_draft_shows_what_will_be_and_writes_it_at_once() -> None:
    base = MemoryOutcomes()
    base.add([Added("k", "mini", Count(1, 1))])
    base.put_family("a", "s", "old", b"1234", 3)
    draft = Draft(base)
    draft.add([Added("k", "mini", Count(1, 0)), Added("l", "mini", Count(1, 1, 1, 5))])
    assert draft.put_family("a", "s", "new", b"5678", 3)
    assert not draft.put_family("a", "s", "old", b"5678", 3)
    assert draft.counts(["k", "l"]) == [{"mini": Count(2, 1)}, {"mini": Count(1, 1, 1, 5)}]
    assert draft.families("a", "s") == {"old": b"1234", "new": b"5678"}
    assert base.counts(["k", "l"]) == [{"mini": Count(1, 1)}, {}]
    assert base.families("a", "s") == {"old": b"1234"}
    draft.commit()
    draft.commit()
    assert base.counts(["k", "l"]) == [{"mini": Count(2, 1)}, {"mini": Count(1, 1, 1, 5)}]
    assert base.families("a", "s") == {"old": b"1234", "new": b"5678"}


def test_a_draft_of_a_store_that_is_down_says_so(tmp_path: Path) -> None:
    draft = Draft(SqliteOutcomes(tmp_path / "no" / "o.db"))
    with pytest.raises(StoreError):
        draft.counts(["k"])
