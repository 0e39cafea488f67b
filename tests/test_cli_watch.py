"""`leanloop watch` on real ledgers and files, once and in a terminal that is one."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE
from rich.console import Console
from typer.testing import CliRunner

from leanloop.adapters.cli import watch_follow
from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.watch import fitting
from leanloop.adapters.cli.watch_events import EventsView
from leanloop.adapters.cli.watch_follow import Followed
from leanloop.adapters.cli.watch_frame import Drawing
from leanloop.budgets.history import Entry
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Demand, Grant, LedgerStore, Line
from leanloop.budgets.stores import open_store
from leanloop.errors import LeanLoopError, UsageError

BUDGET = """
agent: support
store: {store}
limits:
  - {{per: task, usd: 0.50}}
  - {{per: day, usd: 20}}
"""


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("LEANLOOP__STORE", raising=False)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> float:
    """The clock stands still, so that no window ends between what is booked and the look at it."""
    moment = time.time()
    monkeypatch.setattr("time.time", lambda: moment)
    return moment


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


class HasUrl(Protocol):
    def url(self) -> str: ...


def watch(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["watch", *map(str, arguments), "--once"])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def failed(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["watch", *map(str, arguments), "--once"])
    assert result.exit_code == 1
    return str(result.exception)


def booked(store: LedgerStore, task: str, usd: int, *, settles: bool = True, agent: str = "support") -> None:
    """One call of a task, of its own limit and the agent's day."""
    day = f"agent={agent}:day:{time.strftime('%Y-%m-%d', time.gmtime(time.time()))}"
    lines = (Line(f"task:{task}", "usd", 10**10, usd), Line(day, "usd", 20 * 10**9, usd, expires=86_400 * 2))
    name = f"{task}-{usd}-{settles}"
    assert isinstance(store.reserve(name, Demand(lines)), Grant)
    if settles:
        amounts = {"usd": usd, "tokens": 120}
        entry = Entry(task=task, agent=agent, model="gpt-4o-mini", price="genai-prices", amounts=amounts)
        store.settle(name, {"usd": usd}, entry)


def cells(output: str, first: str) -> list[str]:
    """The row that begins with `first`."""
    return next(line.split() for line in output.splitlines() if line.strip().startswith(first))


def row(event: str, task: str = "t1", ago: float = 30, **more: object) -> dict[str, object]:
    return {"v": 1, "event": event, "at": time.time() - ago, "agent": "support", "task": task, **more}


def written(path: Path, rows: Sequence[object]) -> Path:
    with path.open("a", encoding="utf-8") as out:
        out.writelines(f"{json.dumps(one)}\n" for one in rows)
    return path


def call(task: str = "t1", cost: int | None = 1_000_000, **more: object) -> dict[str, object]:
    told: dict[str, object] = {
        "call": "c1",
        "model": "gpt-4o-mini",
        "phase": "plan",
        "input": 100,
        "output": 20,
        **more,
    }
    return row("settled", task) | (told if cost is None else {**told, "cost": cost})


def test_of_a_ledger_it_shows_the_agents_the_limits_and_the_tasks_that_run(ledger: SqliteStore, file: Path) -> None:
    booked(ledger, "t1", 2_000_000_000)
    booked(ledger, "t1", 3_000_000_000, settles=False)
    shown = watch(file)

    assert cells(shown, "support") == ["support", "1", "120", "$2.00", "1"]
    assert cells(shown, "usd of agent=support per day")[5:10] == ["$2.00", "$3.00", "$20.00", "$15.00", "10%"]
    assert cells(shown, "t1")[:6] == ["t1", "support", "...", "1", "120", "$2.00"]


def test_of_a_ledger_without_a_file_it_shows_what_is_spent_in_the_windows_that_are_open(
    ledger: SqliteStore, tmp_path: Path
) -> None:
    booked(ledger, "t1", 2_000_000_000)
    yesterday = Line("agent=support:day:2001-01-01", "usd", 10**10, 1)
    ledger.reserve("old", Demand((yesterday, Line("no account", "usd", 10, 1))))
    shown = watch("--store", f"sqlite:///{tmp_path}/ledger.db")

    assert cells(shown, "usd of agent=support per day")[-1] == "$2.00"
    assert "2001" not in shown
    assert "no account" not in shown


def test_tasks_that_spent_nothing_lately_are_not_running(ledger: SqliteStore, file: Path) -> None:
    booked(ledger, "t1", 1_000)
    shown = CliRunner().invoke(app, ["watch", str(file), "--once"], catch_exceptions=False)
    assert "t1" in shown.output
    later = time.time() + 120
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("leanloop.adapters.cli.watch.time.time", lambda: later)
        assert "No task is running." in watch(file)


def test_a_ledger_in_redis_is_watched_too(one_redis: HasUrl) -> None:
    address = one_redis.url()
    store = open_store(address)
    booked(store, "t1", 2_000_000_000)
    shown = watch("--store", address)
    store.close()

    assert cells(shown, "support") == ["support", "1", "120", "$2.00", "1"]
    assert cells(shown, "usd of agent=support per day")[-1] == "$2.00"


def test_an_empty_ledger_says_so(ledger: SqliteStore, file: Path) -> None:
    assert "No task is running." in watch(file)


def test_calls_without_a_price_are_not_shown_as_free(ledger: SqliteStore, file: Path) -> None:
    for task in ("t1", "t1"):
        entry = Entry(task=task, agent="support", model="mine", price="no price", amounts={"tokens": 5})
        ledger.reserve(task, Demand((Line("task:t1", "tokens", 10, 5),)))
        ledger.settle(task, {"tokens": 5}, entry)
    shown = watch(file)

    assert "+ 2 unpriced" in shown
    assert "no price" in shown


def test_of_events_it_shows_phase_cost_seconds_and_the_share_of_limits(tmp_path: Path) -> None:
    limits = {"this task: usd": [250, 1_000], "this task: tokens": [1, 0], "user=u1 per day: usd": [3, 4]}
    path = written(
        tmp_path / "events.jsonl",
        [
            row("task_began"),
            row("reserved", call="c1", model="gpt-4o-mini"),
            call(limits={**limits, "this task: tokens": [0, 10]}),
            row("reserved", call="c2", model="gpt-4o"),
            call("t2", phase="retry", model="gpt-5"),
            row("task_ended", "t2"),
            row("task_ended", "never began"),
        ],
    )
    shown = watch("--events", path)

    assert cells(shown, "support") == ["support", "2", "240", "$0.002", "1", "1"]
    assert cells(shown, "t1") == ["t1", "support", "plan...", "1", "120", "$0.001", "30", "25%", "gpt-4o"]
    assert cells(shown, "usd of user=u1 per day")[5:7] == ["$0.000000003", "$0.000000004"]
    assert "t2" not in shown


def test_what_a_sub_agent_spends_counts_for_the_task_above(tmp_path: Path) -> None:
    path = written(
        tmp_path / "events.jsonl",
        [row("task_began"), call(), call("t2", within=["t1", 5], limits={"a": 5}), call("t3", None, within="t1")],
    )
    shown = watch("--events", path)

    assert cells(shown, "t1")[:6] == ["t1", "support", "plan", "2", "240", "$0.002"]
    assert cells(shown, "t3")[5:7] == ["no", "price"]


def test_a_task_that_tells_nothing_for_a_quarter_of_an_hour_is_taken_for_failed(tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", [row("task_began", ago=1_000)])

    assert "No task is running." in watch("--events", path)


def test_a_budget_file_names_both(ledger: SqliteStore, file: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", [call()])
    file.write_text(f"{file.read_text()}events: {path}\n")
    booked(ledger, "t9", 1_000)
    shown = watch(file)

    assert "t9" in shown
    assert str(path) in shown


def test_of_a_ledger_in_memory_only_the_events_can_be_seen(tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", [call()])
    file = tmp_path / "support.yaml"
    file.write_text(f"agent: support\nstore: memory\nevents: {path}\n")

    assert cells(watch(file), "t1")[5] == "$0.001"


def test_where_the_output_is_no_terminal_it_looks_once(tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", [call()])
    result = CliRunner().invoke(app, ["watch", "--events", str(path)])

    assert result.exit_code == 0
    assert cells(result.output, "t1")[5] == "$0.001"


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    assert "not there yet" in watch("--events", tmp_path / "events.jsonl")


def test_what_is_no_file_of_events_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert "is no file of events" in failed("--events", tmp_path)
    assert "is no file of events" in failed("--events", tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    assert "cannot be read: Not a directory" in failed("--events", tmp_path / "file" / "events")


def test_with_nothing_to_watch_it_says_what_to_name() -> None:
    assert "Which ledger?" in failed()


def test_of_many_rows_the_dearest_are_shown(tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", [call(f"t{n}", n) for n in range(1, 31)])
    shown = watch("--events", path, "--limit", 2)

    assert "28 more; --limit 30 shows all, if the terminal is high enough." in shown
    assert "t30" in shown
    assert "t28" not in shown


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_a_narrow_terminal_is_never_overrun(tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    path = written(tmp_path / "e", [call("a" * 40, limits={"user=u1 per day: usd": [1, 2]})])
    lines = watch("--events", path).splitlines()

    assert all(len(line.rstrip()) <= width for line in lines[1:] if str(tmp_path) not in line)
    assert any("aaaaaaaa" in line for line in lines)


def test_names_from_strangers_cannot_style_the_terminal(tmp_path: Path) -> None:
    path = written(tmp_path / "e", [call("\x1b[31mred", model="[bold]m[/bold]")])
    shown = watch("--events", path)

    assert "\x1b[31m" not in shown
    assert "[bold]m[/bold]" in shown


class Seen:
    """A file that is followed."""

    def __init__(self, path: Path) -> None:
        self.path, self.followed = path, Followed(path)

    def tasks(self) -> list[str]:
        return [str(one.get("task")) for one in self.followed.rows()]


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Seen]:
    made = Seen(tmp_path / "events.jsonl")
    yield made
    made.followed.close()


def test_a_file_is_followed_as_it_grows_line_by_whole_line(seen: Seen) -> None:
    assert seen.tasks() == []
    written(seen.path, [row("task_began", "a")])
    assert seen.tasks() == ["a"]
    with seen.path.open("a") as out:
        out.write('{"task": "b"')
    assert seen.tasks() == []
    with seen.path.open("a") as out:
        out.write('}\nnot json\n[1]\n{"task": "c"}\n')
    assert seen.tasks() == ["b", "c"]


def test_a_file_that_is_moved_away_is_read_to_its_end_and_begun_anew(seen: Seen) -> None:
    written(seen.path, [row("task_began", "a")])
    assert seen.tasks() == ["a"]
    written(seen.path, [row("task_began", "b")])
    seen.path.rename(seen.path.with_suffix(".1"))
    assert seen.tasks() == ["b"]
    written(seen.path, [row("task_began", "c")])
    assert seen.tasks() == ["c"]


def test_a_file_that_is_cut_off_is_begun_anew(seen: Seen) -> None:
    written(seen.path, [row("task_began", "a"), row("task_began", "b")])
    assert seen.tasks() == ["a", "b"]
    seen.path.write_text('{"task": "c"}\n')
    assert seen.tasks() == ["c"]


def test_of_a_long_file_only_the_end_is_read(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    written(seen.path, [row("task_began", f"t{n}") for n in range(100)])
    monkeypatch.setattr(watch_follow, "_MOST", 300)

    shown = seen.tasks()
    assert shown == [f"t{n}" for n in range(100)][-len(shown) :]
    assert 0 < len(shown) < 5
    assert seen.followed.skipped == seen.path.stat().st_size - 300
    assert "without its first" in watch("--events", seen.path)


def test_a_line_without_end_is_not_kept(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_follow, "_LONGEST", 20)
    seen.path.write_text("x" * 30)
    assert seen.tasks() == []
    with seen.path.open("a") as out:
        out.write('\n{"task": "a"}\n')
    assert seen.tasks() == ["a"]


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["event", "task", "agent", "at", "call", "model", "phase", "input", "cost", "within", "limits"])
LATELY = 1.8e9
ROWS = st.dictionaries(NAMES, JSON | st.sampled_from(["settled", "reserved", "task_ended", "t1", LATELY]))


@given(st.lists(ROWS, max_size=5))
def test_rows_of_any_form_are_survived(rows: list[dict[str, Any]]) -> None:
    class Given(Followed):
        def rows(self) -> Iterator[dict[str, Any]]:
            return iter(rows)

    console = Console(width=100)
    with console.capture():
        console.print(EventsView(Given(Path("events.jsonl"))).look(console, LATELY)(5))


@pytest.mark.skipif(os.name == "nt", reason="needs a terminal of Unix")
def test_in_a_terminal_it_looks_again_until_control_c_and_ends_quietly(tmp_path: Path) -> None:
    import pty

    path = written(tmp_path / "events.jsonl", [call("first")])
    main, side = pty.openpty()
    # What is started in the background of a shell, as a whole run of the tests may be, does not hear Ctrl-C by itself.
    hears = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{hears}; from leanloop.adapters.cli.app import main; main()"
    command = [sys.executable, "-P", "-c", code, "watch", "--events", str(path), "--interval", "0.1"]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
    process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, env=env)
    os.close(side)
    try:
        shown = _until(main, b"first")
        written(path, [call("second")])
        shown += _until(main, b"second")
        process.send_signal(signal.SIGINT)
        shown += _until(main)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait(PATIENCE)
        os.close(main)

    assert b"Traceback" not in shown
    assert b"Aborted" not in shown


def test_what_is_down_for_a_moment_is_said_and_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, pauses = tmp_path / "events.jsonl", iter([0, 1])

    def wait(seconds: float) -> None:
        if path.is_dir():
            path.rmdir()
            written(path, [call("again")])
        elif next(pauses, None) is None:
            raise KeyboardInterrupt

    path.mkdir()
    monkeypatch.setattr("leanloop.adapters.cli.watch.time.sleep", wait)
    monkeypatch.setattr("leanloop.adapters.cli.watch.screen", lambda: Console(force_terminal=True, width=400))
    result = CliRunner().invoke(app, ["watch", "--events", str(path)])

    assert result.exit_code == 0
    assert result.output.index("is no file of events") < result.output.index("again")


def _until(terminal: int, words: bytes | None = None) -> bytes:
    """What is shown until the words come; without any, until it is closed."""
    shown, ends = b"", time.monotonic() + PATIENCE
    while words is None or words not in shown:
        left = ends - time.monotonic()
        assert left > 0, shown
        assert select.select([terminal], [], [], left)[0], shown
        try:
            more = os.read(terminal, 65_536)
        except OSError:  # Linux says so where the other side is closed
            more = b""
        if not more:
            break
        shown += more
    return shown


def test_a_limit_is_shown_until_its_window_has_ended(tmp_path: Path, now: float) -> None:
    limits = {
        "agent=a per minute: usd": [1, 2],
        "user=u1 per rolling hour: tokens": [1, 2],
        "global per day: usd": [1, 2],
    }
    path = written(tmp_path / "events.jsonl", [row("settled", "t", ago=100, call="c", limits=limits)])
    followed, console = Followed(path), Console(width=100)
    view = EventsView(followed)

    def shown(at: float) -> str:
        with console.capture() as captured:
            console.print(view.look(console, at)(9))
        return captured.get()

    assert "minute" not in shown(now)
    assert "rolling hour" in shown(now)
    assert "rolling hour" not in shown(now + 4_000)
    assert "global per day" in shown(now + 4_000)
    followed.close()


def test_of_limits_for_each_user_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.adapters.cli.watch_events._MOST_LIMITS", 2)
    rows = [row("settled", "t", call="c", limits={f"user=u{n} per day: usd": [n, 9]}) for n in range(5)]
    shown = watch("--events", written(tmp_path / "events.jsonl", rows))

    assert [name in shown for name in ("user=u2", "user=u3", "user=u4")] == [False, True, True]


def test_numbers_that_no_amount_has_are_passed_over(tmp_path: Path) -> None:
    limits = {"this task: usd": [10**400, 1], "global per day: usd": [1, 10**400], "global per day: tokens": [5, 10]}
    shown = watch("--events", written(tmp_path / "events.jsonl", [row("settled", "t", call="c", limits=limits)]))

    assert "50%" in shown
    assert "usd of global" not in shown


def test_a_file_that_fails_while_it_is_read_is_said_and_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = Followed(written(tmp_path / "events.jsonl", [row("task_began", "a")]))

    def stale(file: int) -> os.stat_result:
        raise OSError(116, "Stale file handle")

    with monkeypatch.context() as patched:
        patched.setattr("leanloop.adapters.cli.watch_follow.os.fstat", stale)
        with pytest.raises(UsageError, match=r"cannot be read: Stale file handle\."):
            list(followed.rows())
    assert [one["task"] for one in followed.rows()] == ["a"]
    followed.close()


@pytest.mark.parametrize("content", [b"", b"no ledger at all" * 100, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_ledger_that_is_none_is_said(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "ledger.db"
    place.write_bytes(content)
    result = CliRunner().invoke(app, ["watch", "--store", f"sqlite:///{place}", "--once"])

    assert result.exit_code == 0 if not content else isinstance(result.exception, LeanLoopError), result.output


@pytest.mark.parametrize("height", [1, 10, 24, 60])
def test_of_each_table_as_many_rows_are_shown_as_the_terminal_is_high_enough_for(height: int, tmp_path: Path) -> None:
    rows = [call(f"t{n}", n, limits={f"user=u{n} per day: usd": [n, 99]}) for n in range(1, 31)]
    console = Console(width=100, height=height, file=io.StringIO())
    followed = Followed(written(tmp_path / "events.jsonl", rows))
    view = EventsView(followed)
    asked = 0

    class Once:
        def look(self, console: Console, now: float) -> Drawing:
            nonlocal asked
            asked += 1
            return view.look(console, now)

    with closing(followed):
        console.print(fitting([Once()], console, 15))
    shown = cast("io.StringIO", console.file).getvalue()

    assert asked == 1
    assert shown.count("\n") <= max(height, 24)  # three tables of one row each are as low as it gets
    assert "t30" in shown
    assert ("t16" in shown) == (height == 60)
    assert "user=u30 per day" in shown
