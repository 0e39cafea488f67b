"""docs/ledger.md says what is: its commands are run, its addresses read, its claims tried that no other test tries."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import leanloop
from leanloop.adapters.cli.app import app
from leanloop.budgets.books import Books
from leanloop.budgets.message import Message
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Demand, Grant, Line
from leanloop.budgets.stores import check_address
from leanloop.budgets.usage import Usage
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.drive_sync import run

PAGE = (Path(__file__).parent.parent / "docs" / "ledger.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ leanloop (.*)$", PAGE, flags=re.MULTILINE)
ADDRESSES = sorted(set(re.findall(r"`((?:memory|sqlite|redis|rediss|unix)[^`\s]*://[^`\s]+)`", PAGE)))
CALL = ModelCall("gpt-4o-mini", (Message("user", "hello"),), max_output=100)


def call(task: leanloop.Task) -> None:
    reply = ModelReply(Message("assistant", "hi"), Usage(10, 10))
    run(BudgetGuard().on_model(CALL, task), lambda _: reply)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The budget file of the page, and a ledger somebody has spent from."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "support.yaml"
    limits = "[{per: task, model_calls: 1}, {per: day, usd: 20}, {per: day, scope: user, usd: 5}]"
    path.write_text(f"agent: support\nstore: sqlite:///{tmp_path}/ledger.db\nat_limit: raise\nlimits: {limits}")
    with leanloop.task(path, tags={"user": "u1"}, value=10) as task:
        call(task)
    yield path
    task.store.close()


def test_every_command_of_the_page_runs_in_its_order(file: Path) -> None:
    assert {line.split()[1] for line in COMMANDS} >= {"show", "top", "raise", "reset", "history", "move", "reinstate"}
    for line in COMMANDS:
        done = CliRunner().invoke(app, shlex.split(line))
        assert done.exit_code == 0, (line, done.output, done.exception)


def test_every_command_there_is_is_on_the_page() -> None:
    group = next(group for group in app.registered_groups if group.name == "budget")
    assert group.typer_instance is not None
    there = {one.name or getattr(one.callback, "__name__", "") for one in group.typer_instance.registered_commands}
    assert there == {line.split()[1] for line in COMMANDS if line.startswith("budget ")}


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_of_the_page_is_one(address: str) -> None:
    check_address(address)


def test_a_call_that_touches_no_limit_is_not_asked_of_the_ledger(file: Path) -> None:
    budget = leanloop.load_budget(file).model_copy(update={"limits": ()})
    with leanloop.task(budget) as task:
        assert isinstance(task.store, Books)
        before = len(list(task.store.history()))
        call(task)
        assert len(list(task.store.history())) == before == 1


def test_a_task_that_was_stopped_stays_stopped_when_its_limit_is_raised_and_a_new_one_goes_on(file: Path) -> None:
    with leanloop.task(file, tags={"user": "u1"}) as task:
        call(task)
        with pytest.raises(leanloop.BudgetExceeded):
            call(task)
        arguments = ["budget", "raise", str(file), "model_calls=5", "--task", task.id, "--yes"]
        assert CliRunner().invoke(app, arguments).exit_code == 0
        with pytest.raises(leanloop.BudgetExceeded):
            call(task)


def test_a_task_whose_limit_is_raised_in_time_goes_on(file: Path) -> None:
    with leanloop.task(file, tags={"user": "u1"}) as task:
        call(task)
        arguments = ["budget", "raise", str(file), "model_calls=1", "--task", task.id, "--yes"]
        assert CliRunner().invoke(app, arguments).exit_code == 0
        call(task)
        with pytest.raises(leanloop.BudgetExceeded):
            call(task)


def test_a_backup_of_a_file_in_use_is_a_whole_ledger(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.db")
    demand = Demand((Line("global:day:2026-11-22", "usd", 100, 40, expires=9e4),))
    assert isinstance(store.reserve("settled", demand), Grant)
    store.settle("settled", {"usd": 30})
    assert isinstance(store.reserve("in flight", demand), Grant)
    with (
        closing(sqlite3.connect(tmp_path / "ledger.db")) as there,
        closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
    ):
        there.backup(copy)
    kept = SqliteStore(tmp_path / "copy.db")
    assert kept.balances([("global:day:2026-11-22", "usd")]) == store.balances([("global:day:2026-11-22", "usd")])
    kept.settle("in flight", {"usd": 1})
    assert kept.balances([("global:day:2026-11-22", "usd")])[0].spent == 31
    store.close()
    kept.close()
