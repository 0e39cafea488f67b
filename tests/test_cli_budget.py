"""The commands of `leanloop budget` on real ledgers."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner, Result

from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.budget_ledger import Ledger
from leanloop.budgets.file import load_budget
from leanloop.budgets.history import Entry
from leanloop.budgets.limit import Limit
from leanloop.budgets.money import NANO
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, Demand, Grant, LedgerStore, Line
from leanloop.budgets.window import window_at
from leanloop.errors import LeanLoopError, StoreError, UsageError

BUDGET = """
agent: support
store: {store}
limits:
  - {{per: task, usd: 0.50}}
  - {{per: day, usd: 20, tokens: 1_000_000}}
  - {{per: month, scope: user, usd: 5}}
  - {{per: month, scope: global, usd: 0}}
"""


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    monkeypatch.delenv("LEANLOOP__STORE", raising=False)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "ledger.db")
    store.balances([])  # from here on the file is there
    yield store
    store.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "support.yaml"
    path.write_text(BUDGET.format(store=f"sqlite:///{tmp_path}/ledger.db"), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still, so that no window ends between what is booked and the command that shows it.

    It does so a little ahead of that of the ledger, for which all that is booked has been by then.
    """
    moment = time.time() + 60

    def read(ledger: Ledger) -> datetime:
        return datetime.fromtimestamp(moment, ledger.zone)

    monkeypatch.setattr("time.time", lambda: moment)
    monkeypatch.setattr(Ledger, "now", read)


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def run(*arguments: str | Path, answer: str | None = None) -> Result:
    result = CliRunner().invoke(app, ["budget", *map(str, arguments)], input=answer)
    if isinstance(result.exception, LeanLoopError):
        raise result.exception
    return result


def account(whose: str, per: Any = "month") -> str:
    return f"{whose}:{per}:{window_at(Limit(per=per, tokens=1), now()).label}"


def spend(store: LedgerStore, usd: float, *accounts: str, entry: Entry | None = None) -> None:
    """One call that was settled; `usd` in dollars."""
    cost = round(usd * NANO)
    lines = tuple(Line(name, "usd", 10**15, cost, expires=9e4) for name in accounts)
    assert isinstance(store.reserve(f"call-{usd}-{accounts}", Demand(lines)), Grant)
    store.settle(f"call-{usd}-{accounts}", {"usd": cost}, entry)


def called(task: str, usd: float, *, user: str = "u1", model: str = "gpt-4o", value: float | None = None) -> Entry:
    amounts = {"usd": round(usd * NANO), "tokens": 1_000, "input_tokens": 900, "output_tokens": 100}
    worth = None if value is None else round(value * NANO)
    return Entry("call", 0, task, "support", {"user": user}, model, "genai-prices 1", amounts, worth)


def test_show_lists_the_open_limits_of_all_known_owners_fullest_first(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 1.0, account("user=u1"), account("agent=support", "day"))
    spend(ledger, 4.0, account("user=u2"), account("agent=support", "day"))
    spend(ledger, 4.0, "user=u3:month:1999-01", account("agent=other", "day"), "no account of ours")
    shown = json.loads(run("show", file, "--json").stdout)["limits"]
    assert [(one["scope"], one["owner"], one["resource"], one["spent"], one["share"]) for one in shown] == [
        ("user", "u2", "usd", "4", 0.8),
        ("agent", "support", "usd", "5", 0.25),
        ("user", "u1", "usd", "1", 0.2),
        ("agent", "support", "tokens", 0, 0.0),
        ("global", "", "usd", "0", 0.0),
    ]
    assert shown[0]["left"] == "1"
    assert shown[0]["ends"] == window_at(Limit(per="month", tokens=1), now()).ends.isoformat()
    table = run("show", file).stdout
    assert [word in table for word in ("usd of user=u2 per month", "80%", "$20.00", "global per month")] == [True] * 4


def test_show_can_be_asked_about_one_owner_known_or_not(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 1.0, account("user=u1"))
    for user, spent in [("u1", "1"), ("nobody", "0")]:
        shown = json.loads(run("show", file, "--tag", f"user={user}", "--json").stdout)["limits"]
        assert [(one["owner"], one["spent"]) for one in shown if one["scope"] == "user"] == [(user, spent)]


def test_show_refuses_a_tag_that_no_limit_is_about(ledger: SqliteStore, file: Path) -> None:
    with pytest.raises(UsageError, match="no limit per 'usr'"):
        run("show", file, "--tag", "usr=u1")


def test_show_counts_what_is_set_aside_and_what_was_raised(ledger: SqliteStore, file: Path) -> None:
    name = account("user=u1")
    ledger.reserve("in flight", Demand((Line(name, "usd", 10**12, NANO, expires=9e4),)))
    ledger.raise_limit(name, "usd", 3 * NANO, expires=9e4)
    shown = json.loads(run("show", file, "--tag", "user=u1", "--json").stdout)["limits"]
    (one,) = (one for one in shown if one["scope"] == "user")
    assert (one["limit"], one["raised"], one["set_aside"], one["left"], one["account"]) == ("5", "3", "1", "7", name)
    assert "$5.00 +$3.00" in run("show", file).stdout


def test_a_limit_lowered_below_what_is_spent_is_shown_as_overdrawn(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 7.0, account("user=u1"))
    one = json.loads(run("show", file, "--tag", "user=u1", "--json").stdout)["limits"][0]
    assert (one["spent"], one["left"], one["share"]) == ("7", "-2", 1.4)


def test_show_adds_the_parts_of_a_rolling_window(ledger: SqliteStore, tmp_path: Path) -> None:
    file = tmp_path / "rolling.yaml"
    text = f"agent: support\nstore: sqlite:///{tmp_path}/ledger.db\nlimits: [{{per: day, rolling: true, usd: 10}}]"
    file.write_text(text, encoding="utf-8")
    window = window_at(Limit(per="day", rolling=True, tokens=1), now())
    spend(ledger, 1.0, f"agent=support:rolling-day:{window.label}")
    spend(ledger, 2.0, f"agent=support:rolling-day:{window.also[5]}")
    (one,) = json.loads(run("show", file, "--json").stdout)["limits"]
    assert (one["spent"], one["rolling"], one["ends"], one["forecast"]) == ("3", True, None, None)
    assert "rolling" in run("show", file).stdout
    assert run("reset", file, "--per", "day", "--yes").exit_code == 0
    (one,) = json.loads(run("show", file, "--json").stdout)["limits"]
    assert one["spent"] == "0"


@pytest.mark.parametrize(("share", "code"), [("80%", 1), ("0.8", 1), ("81%", 0)])
def test_show_fails_for_cron_where_so_much_is_spent(ledger: SqliteStore, file: Path, share: str, code: int) -> None:
    spend(ledger, 4.0, account("user=u1"))
    assert run("show", file, "--fail-over", share).exit_code == code


def _at(moment: datetime) -> datetime:
    return moment


def test_a_forecast_stands_beside_a_window_of_which_a_tenth_has_gone(
    ledger: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = window_at(Limit(per="month", tokens=1), now())
    spend(ledger, 3.0, account("user=u1"))
    for gone, forecast in [(0.05, None), (0.5, "6")]:
        moment = window.began + gone * (window.ends - window.began)
        monkeypatch.setattr("leanloop.adapters.cli.budget_ledger.Ledger.now", staticmethod(partial(_at, moment)))
        shown = json.loads(run("show", file, "--tag", "user=u1", "--json").stdout)["limits"]
        assert [one["forecast"] for one in shown if one["scope"] == "user"] == [forecast]
    assert "$6.00 over" in run("show", file, "--tag", "user=u1").stdout


def test_show_says_what_it_left_out_and_when_there_is_nothing(ledger: SqliteStore, file: Path, tmp_path: Path) -> None:
    for number in range(4):
        spend(ledger, 1.0, account(f"user=u{number}"))
    result = run("show", file, "--limit", "2")
    assert "5 more; --limit 0 shows all." in result.stdout
    only_task = tmp_path / "task.yaml"
    only_task.write_text(f"agent: a\nstore: sqlite:///{tmp_path}/ledger.db", encoding="utf-8")
    assert "No limit is open" in run("show", only_task).stdout


def test_programs_get_every_row_and_people_so_many_as_they_can_read(ledger: SqliteStore, file: Path) -> None:
    for number in range(51):
        spend(ledger, 0.01, account(f"user=u{number}"), entry=called(f"t{number}", 0.01, user=f"u{number}"))
    assert len(json.loads(run("show", file, "--json").stdout)["limits"]) == 51 + 3
    assert len(json.loads(run("top", file, "--by", "user", "--json").stdout)) == 51
    assert len(run("history", file, "--json").stdout.splitlines()) == 51
    assert "31 more" in run("top", file, "--by", "user").stdout
    assert "4 more" in run("show", file).stdout


def test_a_name_in_the_ledger_is_no_markup(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 1.0, account("user=%5Bred%5D%1B%5B31m"))
    table = run("show", file).stdout
    assert "user=[red]" in table
    assert "\x1b[31m" not in table


def test_raise_lets_every_process_spend_more_and_says_before_and_after(ledger: SqliteStore, file: Path) -> None:
    name = account("user=u1")
    spend(ledger, 5.0, name)
    one_more = Demand((Line(name, "usd", 5 * NANO, NANO),))
    assert not isinstance(ledger.reserve("refused", one_more), Grant)
    result = run("raise", file, "usd=2", "--scope", "user=u1", "--per", "month", "--why", "big customer", answer="y\n")
    assert result.exit_code == 0
    assert "$5.00 spent, $0.00 set aside, of $5.00; raise it by +$2.00" in result.stdout
    assert "$5.00 spent, $0.00 set aside, of $5.00 +$2.00 raised" in result.stdout
    assert isinstance(ledger.reserve("granted", one_more), Grant)
    (row,) = (row for row in ledger.history() if row.kind == "raised")
    assert (row.account, row.amounts, row.note) == (name, {"usd": 2 * NANO}, "big customer")


def test_what_was_raised_ends_with_its_window(ledger: SqliteStore, file: Path) -> None:
    run("raise", file, "usd=2", "--scope", "user=u1", "--per", "month", "--yes")
    (kept,) = (one for one in ledger.accounts() if one.account == account("user=u1"))
    window = window_at(Limit(per="month", tokens=1), now())
    assert kept.expires == pytest.approx((window.forget - now()).total_seconds(), abs=60)


def test_a_limit_can_be_lowered_too(ledger: SqliteStore, file: Path) -> None:
    assert "-$2.00 raised" in run("raise", file, "usd=-2", "--per", "day", "--yes").stdout
    assert ledger.balances([(account("agent=support", "day"), "usd")])[0].raised == -2 * NANO


def test_the_limit_of_one_task_can_be_raised(ledger: SqliteStore, file: Path) -> None:
    assert "usd of this task: $0.00 spent" in run("raise", file, "usd=1", "--task", "t1", "--yes").stdout
    assert ledger.balances([("task:t1", "usd")])[0].raised == NANO


@pytest.mark.parametrize("command", [["raise", "usd=2"], ["reset", "usd"]])
def test_without_a_yes_nothing_is_changed(ledger: SqliteStore, file: Path, command: list[str]) -> None:
    spend(ledger, 1.0, account("agent=support", "day"))
    before = list(ledger.export())
    result = run(command[0], file, *command[1:], "--per", "day", answer="n\n")
    assert result.exit_code == 1
    assert [record[:3] for record in before[:1]] == [record[:3] for record in list(ledger.export())[:1]]  # type: ignore[index]
    assert len(list(ledger.history())) == 0


def test_reset_begins_the_window_again_and_keeps_what_is_set_aside(ledger: SqliteStore, file: Path) -> None:
    name = account("global")
    spend(ledger, 4.0, name)
    ledger.reserve("in flight", Demand((Line(name, "usd", 10**12, NANO, expires=9e4),)))
    result = run("reset", file, "--scope", "global", "--per", "month", "--why", "new contract", "--yes")
    assert "now: usd of global per month" in result.stdout
    (balance,) = ledger.balances([(name, "usd")])
    assert (balance.spent, balance.reserved) == (0, NANO)
    (row,) = (row for row in ledger.history() if row.kind == "reset")
    assert (row.account, row.amounts, row.note) == (name, {"usd": 4 * NANO}, "new contract")
    assert "-$4.00 new contract" in run("history", file).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["usd=1"], "Which limit"),
        (["usd=1", "--per", "day", "--task", "t"], "Which limit"),
        (["usd=1", "--scope", "global", "--task", "t"], "Which limit"),
        (
            ["usd=1", "--per", "week"],
            r"no limit per week for agent\. Its limits: --per day --scope agent \(tokens, usd\); ",
        ),
        (["tokens=1", "--per", "month", "--scope", "user=u1"], "no limit of tokens per month for user"),
        (["usd=1", "--per", "day", "--scope", "agent=other"], "budget of the agent support, and not of 'other'"),
        (["usd=1", "--per", "month", "--scope", "user"], "such as user=u1"),
        (["usd=1", "--per", "day", "--rolling"], "no limit per day for agent that rolls"),
        (["oranges=1", "--per", "day"], "The ledger counts"),
    ],
)
def test_a_limit_that_is_not_in_the_file_is_refused(
    ledger: SqliteStore, file: Path, arguments: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        run("raise", file, *arguments, "--yes")


def test_of_a_calendar_and_a_rolling_limit_one_must_be_named(ledger: SqliteStore, tmp_path: Path) -> None:
    file = tmp_path / "both.yaml"
    limits = "[{per: day, usd: 1}, {per: day, rolling: true, usd: 2}]"
    file.write_text(f"agent: a\nstore: sqlite:///{tmp_path}/ledger.db\nlimits: {limits}", encoding="utf-8")
    with pytest.raises(UsageError, match="say --rolling or --calendar"):
        run("raise", file, "usd=1", "--per", "day", "--yes")
    assert "of $2.00 +$1.00 raised" in run("raise", file, "usd=1", "--per", "day", "--rolling", "--yes").stdout
    assert "of $1.00 +$1.00 raised" in run("raise", file, "usd=1", "--per", "day", "--calendar", "--yes").stdout


def test_history_lists_the_newest_first_with_a_total_of_all(ledger: SqliteStore, file: Path) -> None:
    for number in range(3):
        spend(ledger, 1.0 + number, account("user=u1"), entry=called(f"t{number}", 1.0 + number, value=100.0))
    table = run("history", file, "--limit", "2").stdout
    assert table.index("t2") < table.index("t1")
    assert "t0" not in table
    assert "2 of 3 rows" in table
    assert "$6.00" in table
    assert "3,000" in table
    assert "3 rows" in run("history", file, "--limit", "0").stdout


@pytest.mark.parametrize(
    ("options", "tasks"),
    [
        ([], ["t3", "t2", "t1"]),
        (["--task", "t2"], ["t2"]),
        (["--agent", "other"], []),
        (["--user", "u2"], ["t3", "t2"]),
        (["--tag", "user=u2", "--model", "gpt-4o-mini"], ["t3"]),
        (["--since", "0s"], []),
        (["--since", "2001-01-01", "--until", "2001-01-02"], []),
        (["--until", "1h"], []),
        (["--limit", "1"], ["t3"]),
    ],
)
def test_history_can_be_narrowed_down(ledger: SqliteStore, file: Path, options: list[str], tasks: list[str]) -> None:
    spend(ledger, 1.0, account("user=u1"), entry=called("t1", 1.0))
    spend(ledger, 2.0, account("user=u2"), entry=called("t2", 2.0, user="u2"))
    spend(ledger, 3.0, account("user=u2"), entry=called("t3", 3.0, user="u2", model="gpt-4o-mini"))
    lines = run("history", file, "--json", *options).stdout.splitlines()
    assert [json.loads(line)["task"] for line in lines] == tasks


def test_the_history_of_a_task_has_that_of_its_sub_agents(ledger: SqliteStore, file: Path) -> None:
    part = replace(called("t2", 2.0), agent="helper", within={"t1": "support"})
    spend(ledger, 1.0, account("user=u1"), entry=called("t1", 1.0))
    spend(ledger, 2.0, account("user=u1"), entry=part)
    spend(ledger, 3.0, account("user=u1"), entry=called("t3", 3.0))
    lines = run("history", file, "--json", "--task", "t1").stdout.splitlines()
    assert [json.loads(line)["task"] for line in lines] == ["t2", "t1"]


def test_a_row_of_history_is_told_whole_in_json_and_csv(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 0.25, account("user=u1"), entry=called("t1", 0.25, user="=1+1", value=100.0))
    row = json.loads(run("history", file, "--json").stdout)
    assert now() - datetime.fromisoformat(row.pop("at")) < timedelta(minutes=5)
    assert row == {
        "kind": "call", "agent": "support", "task": "t1", "tags": {"user": "=1+1"}, "model": "gpt-4o",
        "price": "genai-prices 1", "within": {}, "value": "100", "valued": "", "account": "", "note": "",
        "amounts": {"usd": "0.25", "tokens": 1000, "input_tokens": 900, "output_tokens": 100},
    }  # fmt: skip
    (cells,) = csv.DictReader(io.StringIO(run("history", file, "--csv").stdout))
    assert (cells["task"], cells["tokens"], cells["usd"], cells["value"]) == ("t1", "1000", "0.25", "100")
    assert cells["tags"] == "user==1+1"


def test_no_cell_of_the_csv_is_a_formula(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 1.0, account("user=u1"), entry=called("=HYPERLINK(1)", 1.0, model="@evil"))
    ledger.raise_limit(account("user=u1"), "tokens", 5, expires=9e4)
    second, first = csv.DictReader(io.StringIO(run("history", file, "--csv").stdout))
    assert (first["task"], first["model"]) == ("'=HYPERLINK(1)", "'@evil")
    assert (second["usd"], second["note"]) == ("", f"{account('user=u1')} +5 tokens")


def test_json_and_csv_at_once_are_refused(file: Path) -> None:
    with pytest.raises(UsageError, match="not both"):
        run("history", file, "--json", "--csv")


def test_top_says_who_spent_most(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 1.0, account("user=u1"), entry=called("t1", 1.0))
    spend(ledger, 3.0, account("user=u2"), entry=called("t2", 3.0, user="u2"))
    rows = json.loads(run("top", file, "--by", "user", "--json").stdout)
    assert [(row["name"], row["usd"], row["share"], row["calls"]) for row in rows] == [
        ("u2", "3", 0.75, 1),
        ("u1", "1", 0.25, 1),
    ]
    table = run("top", file, "--by", "user", "--limit", "1").stdout
    assert "75.0%" in table
    assert "u1" not in table
    assert "1 more; --limit 0 shows all." in table
    assert "value" not in table
    assert "(not told)" in run("top", file, "--by", "team").stdout


def test_top_in_tokens_where_nothing_has_a_price(ledger: SqliteStore, file: Path) -> None:
    unpriced = Entry("call", agent="support", model="mine", price="no price", amounts={"tokens": 10})
    spend(ledger, 1.0, account("user=u1"), entry=unpriced)
    (row,) = json.loads(run("top", file, "--json").stdout)
    assert (row["share"], row["unpriced_calls"], row["usd"]) == (1.0, 1, "0")
    assert "$0.00 + 1 unpriced" in run("top", file, "--by", "model").stdout


def test_top_per_day_stands_under_its_day(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 1.0, account("user=u1"), entry=called("t1", 1.0))
    (row,) = json.loads(run("top", file, "--per", "day", "--json").stdout)
    assert row["window"] in {f"{now() - timedelta(hours=hours):%Y-%m-%d}" for hours in (0, 1)}
    assert "window" in run("top", file, "--per", "hour", "--until", "2100-01-01").stdout


def test_top_by_value_marks_valuable_work_on_cheap_models(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 0.9, account("user=u1"), entry=called("t1", 0.9, value=1.0))
    spend(ledger, 0.1, account("user=u1"), entry=called("t2", 0.1, value=100.0, model="gpt-4o-mini"))
    first, second = json.loads(run("top", file, "--by", "value", "--json").stdout)
    assert (first["value"], first["underserved"], first["spent_of_value"]) == ("100", True, pytest.approx(0.001))
    assert (first["usd_per_million_tokens"], second["underserved"]) == ("100", False)
    assert "cheap" in run("top", file, "--by", "task").stdout


def test_the_ledger_is_named_by_option_environment_or_file(
    ledger: SqliteStore, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend(ledger, 1.0, account("user=u1"), entry=called("t1", 1.0))
    url = f"sqlite:///{tmp_path}/ledger.db"
    (tmp_path / "memory.yaml").write_text("agent: a\nstore: memory", encoding="utf-8")
    assert len(json.loads(run("top", "--store", url, "--json").stdout)) == 1
    assert len(json.loads(run("top", tmp_path / "memory.yaml", "--store", url, "--json").stdout)) == 1
    monkeypatch.setenv("LEANLOOP__STORE", url)
    assert len(json.loads(run("top", "--json").stdout)) == 1
    assert len(json.loads(run("top", tmp_path / "memory.yaml", "--json").stdout)) == 1


class RedisServer(Protocol):
    """tests/conftest.py's RedisServer."""

    def url(self) -> str: ...


@pytest.mark.redis
def test_the_commands_do_the_same_to_a_redis(one_redis: RedisServer, tmp_path: Path) -> None:
    url = one_redis.url()
    file = tmp_path / "support.yaml"
    file.write_text(BUDGET.format(store=url), encoding="utf-8")
    store = RedisStore(url)
    spend(store, 2.0, account("user=u1"), entry=called("t1", 2.0))
    assert run("raise", file, "usd=5", "--scope", "user=u1", "--per", "month", "--yes").exit_code == 0
    (one,) = (row for row in json.loads(run("show", file, "--json").stdout)["limits"] if row["scope"] == "user")
    assert (one["owner"], one["spent"], one["raised"], one["left"]) == ("u1", "2", "5", "8")
    assert run("reset", file, "--scope", "user=u1", "--per", "month", "--yes").exit_code == 0
    assert store.balances([(account("user=u1"), "usd")]) == [Balance()]
    rows = [json.loads(line) for line in run("history", "--store", url, "--json").stdout.splitlines()]
    assert [row["kind"] for row in rows] == ["reset", "raised", "call"]
    (top,) = json.loads(run("top", "--store", url, "--by", "user", "--json").stdout)
    assert (top["name"], top["usd"], top["share"]) == ("u1", "2", 1.0)
    store.close()


def test_no_ledger_one_in_memory_and_one_that_is_not_there_are_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Name a budget file, give --store URL"):
        run("top")
    (tmp_path / "memory.yaml").write_text("agent: a\nstore: memory", encoding="utf-8")
    with pytest.raises(UsageError, match="seen by its own process only"):
        run("show", tmp_path / "memory.yaml")
    with pytest.raises(UsageError, match=r"no ledger at .*ledger\.db yet"):
        run("show", file)
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize("command", ["show FILE --store", "top --store", "move --yes FILE", "reinstate --yes"])
def test_a_password_is_never_printed(ledger: SqliteStore, file: Path, command: str) -> None:
    address = "redis://admin:tops3cret@127.0.0.1:1/0?socket_timeout=0.1"
    arguments = [str(file) if word == "FILE" else word for word in command.split()]
    done = CliRunner().invoke(app, ["budget", *arguments, address])
    assert isinstance(done.exception, StoreError)
    assert "127.0.0.1:1" in str(done.exception)
    assert "tops3cret" not in f"{done.output}{done.exception}"


def test_the_zone_of_the_file_is_the_zone_of_the_times(ledger: SqliteStore, file: Path) -> None:
    file.write_text(f"{file.read_text(encoding='utf-8')}\ntimezone: Asia/Tokyo\n", encoding="utf-8")
    spend(ledger, 1.0, account("user=u1"), entry=called("t1", 1.0))
    assert load_budget(file).timezone == "Asia/Tokyo"
    assert json.loads(run("history", file, "--json").stdout)["at"].endswith("+09:00")
    assert "times in JST" in run("history", file).stdout


def test_tables_fit_an_ordinary_terminal_with_every_amount_whole(
    ledger: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend(ledger, 0.0000306, account("user=u1"), account("agent=support", "day"), entry=called("a" * 32, 0.0000306))
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("show", "history", "top"):
        table = run(command, file).stdout
        assert max(map(len, table.splitlines()[1:])) <= 80  # the title, with the ledger's path, is not cut
        assert "$0.0000306" in table
        assert "\N{HORIZONTAL ELLIPSIS}" not in table


def test_tables_into_a_pipe_are_wide_enough_for_every_column(
    ledger: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend(ledger, 1, account("user=u1"), entry=called("a" * 32, 1))
    monkeypatch.delenv("COLUMNS")
    table = run("history", file).stdout
    assert "a" * 32 in table
    assert "genai-prices 1" in table


def test_the_history_of_a_task_is_found_by_the_beginning_of_its_id(ledger: SqliteStore, file: Path) -> None:
    spend(ledger, 1, account("user=u1"), entry=called("abcdef0123", 1))
    spend(ledger, 2, account("user=u1"), entry=called("ab99", 2))
    lines = run("history", file, "--json", "--task", "abcd").stdout.splitlines()
    assert [json.loads(line)["task"] for line in lines] == ["abcdef0123"]
