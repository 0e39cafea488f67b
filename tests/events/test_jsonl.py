"""The file of events: shared by processes and threads, moved away at any time, never a torn line, never in the way."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE

from leanloop.budgets.event_rules import EventRules
from leanloop.budgets.usage import Usage
from leanloop.plugins.events.event import EVENTS, Event, Nudged, Of, Settled, Text
from leanloop.plugins.events.jsonl import JsonlFile
from leanloop.plugins.events.opened import opened
from leanloop.plugins.events.row import row_of
from leanloop.plugins.events.sink import Sinks

EVENT = Nudged(Of("t1", "support", tags={"user": "u1"}), 1.0, "loop", "search")
WRITER = """
import sys
from leanloop.plugins.events.event import Nudged, Of
from leanloop.plugins.events.jsonl import JsonlFile
file, who = JsonlFile(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for n in range(300):
    file(Nudged(Of(who, "support"), 1.0, "loop", who * (n % 50) * 20))
"""


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "events.jsonl"
    file = JsonlFile(path)
    file(EVENT)
    file(EVENT)

    assert rows(path) == [row_of(EVENT)] * 2
    assert row_of(EVENT) == {
        "v": 1, "event": "nudged", "at": 1.0, "agent": "support", "task": "t1", "tags": {"user": "u1"},
        "by": "loop", "what": "search",
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_file_is_its_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    JsonlFile(path)(EVENT)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    file = JsonlFile(path)
    file(EVENT)
    path.rename(tmp_path / "events.jsonl.1")
    file(EVENT)

    assert len(rows(path)) == len(rows(tmp_path / "events.jsonl.1")) == 1


def test_a_relative_path_stays_where_it_was_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = JsonlFile("events.jsonl")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    file(EVENT)

    assert len(rows(tmp_path / "events.jsonl")) == 1


def test_several_processes_share_a_file_without_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writers = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", WRITER, str(path), who], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for who in "abcd"
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for writer in writers:
        writer.communicate(b"go\n", timeout=PATIENCE)

    told = rows(path)
    for who in "abcd":
        assert [row.get("what", "") for row in told if row["task"] == who] == [who * (n % 50) * 20 for n in range(300)]


def test_threads_share_a_file(tmp_path: Path) -> None:
    file = JsonlFile(tmp_path / "events.jsonl")

    def write() -> None:
        for _ in range(100):
            file(EVENT)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(rows(tmp_path / "events.jsonl")) == 800


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_forks_writes_on_beside_its_child(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from leanloop.plugins.events.event import Nudged, Of\n"
        "from leanloop.plugins.events.jsonl import JsonlFile\n"
        "file = JsonlFile(sys.argv[1]); event = Nudged(Of('t', 'a'), 1.0)\n"
        "file(event); child = os.fork()\n"
        "for _ in range(100): file(event)\n"
        "if child == 0: os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path / "events.jsonl")], check=True, timeout=PATIENCE)

    assert len(rows(tmp_path / "events.jsonl")) == 201


def _directory(folder: Path) -> Path:
    return folder


def _below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "events.jsonl"


def _pipe_without_reader(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _full(folder: Path) -> Path:
    return Path("/dev/full")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has a disk that is always full")
@pytest.mark.parametrize("place", [_directory, _below_a_file, _pipe_without_reader, _full])
def test_a_place_that_cannot_be_written_to_holds_up_and_fails_nobody(
    place: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = JsonlFile(place(tmp_path))
    with pytest.raises(OSError, match=r".+"):
        file(EVENT)
    Sinks([file]).tell(EVENT)

    assert "is told nothing for 60 s" in caplog.text


def test_a_line_that_was_cut_short_by_a_full_disk_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    file = JsonlFile(path)
    write = os.write

    def cut(to: int, line: bytes) -> int:
        return write(to, line[:10])

    monkeypatch.setattr("leanloop.plugins.events.jsonl.os.write", cut)
    with pytest.raises(OSError, match="Only 10 of"):
        file(EVENT)
    monkeypatch.undo()
    file(EVENT)

    torn, whole = path.read_text().splitlines()
    assert (len(torn), json.loads(whole)) == (10, row_of(EVENT))


def test_one_file_of_a_process_is_one_sink(tmp_path: Path) -> None:
    rules = EventRules(file=str(tmp_path / "events.jsonl"))

    assert opened(rules)[0] is opened(rules)[0]
    assert opened(None) == ()


def test_every_kind_of_event_is_a_row_of_its_own_name() -> None:
    of = Of("t", "a")

    assert len({kind.kind for kind in EVENTS}) == len(EVENTS)
    for kind in EVENTS:
        assert row_of(kind(of, 1.0))["event"] == kind.kind


@given(st.text(), st.dictionaries(st.text(), st.text()), st.integers(), st.floats(), st.text())
def test_any_event_is_one_line_of_json(name: str, tags: dict[str, str], cost: int, seconds: float, text: str) -> None:
    event: Event = Settled(
        Of(name, name, (name,), tags), 1.0, name, name, name, name, name, Usage(1), cost, seconds, name,
        {name: (1, 2)}, Text(text, text),
    )  # fmt: skip
    line = json.dumps(row_of(event), ensure_ascii=True, separators=(",", ":"))

    assert "\n" not in line
    read = json.loads(line)
    assert (read["task"], read.get("tags", {}), read["cost"]) == (name, tags, cost)
