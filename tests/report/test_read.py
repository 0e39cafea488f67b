from __future__ import annotations

import glob
import gzip
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pytest
from event_rows import MONDAY, event, settled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leanloop.adapters.report.files import event_files
from leanloop.adapters.report.read import FileRead, read_events
from leanloop.errors import UsageError

Write = Callable[..., str]


def read(*names: str, since: float = 0.0) -> list[FileRead]:
    with duckdb.connect() as db:
        return read_events(db, event_files(names), since)


def read_and_spent(names: Iterable[str]) -> tuple[list[FileRead], int]:
    with duckdb.connect() as db:
        files = read_events(db, event_files(names))
        row = db.execute("SELECT coalesce(sum(cost), 0)::BIGINT FROM events").fetchone()
    assert row is not None
    return files, row[0]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("no json", "damaged"),
        ('{"v":1,"event":"settled","at":1', "damaged"),
        ("[1, 2]", "damaged"),
        ("3", "damaged"),
        ("null", "damaged"),
        ("\0" * 100, "damaged"),
        ('{"a":' * 10_000, "damaged"),
        ('{"event":"settled"}{"event":"settled"}', "damaged"),
        ("{}", "damaged"),
        (event("something_new"), "other"),
        (event("settled") | {"event": 5}, "other"),
        (event("settled") | {"event": {"a": 1}}, "other"),
        ({"v": 1, "at": MONDAY}, "other"),
        (settled() | {"v": 2}, "newer"),
        (settled() | {"v": "x"}, "wrong"),
        (settled() | {"v": 0}, "wrong"),
        (settled() | {"at": "yesterday"}, "wrong"),
        (settled() | {"at": None}, "wrong"),
        (settled() | {"at": -1}, "wrong"),
        (settled() | {"at": 1e300}, "wrong"),
        (settled() | {"at": float("nan")}, "wrong"),
        (settled() | {"at": float("inf")}, "wrong"),
        (settled() | {"cost": "much"}, "wrong"),
        (settled() | {"cost": -1}, "wrong"),
        (settled() | {"cost": 10**30}, "wrong"),
        (settled() | {"cost": [1]}, "wrong"),
        (settled() | {"input": -1}, "wrong"),
        (settled() | {"seconds": -0.1}, "wrong"),
        (settled() | {"seconds": "nan"}, "wrong"),
        (settled() | {"tags": 5}, "wrong"),
        (settled() | {"tags": "user"}, "wrong"),
        (settled() | {"limits": [1]}, "wrong"),
        (settled() | {"tags": "{oops"}, "wrong"),
        (settled() | {"limits": '{"a": 1'}, "wrong"),
        (settled() | {"within": "t0"}, "wrong"),
        (settled() | {"within": "[t0"}, "wrong"),
        (event("tool", is_error="perhaps"), "wrong"),
        (event("hit", tier="checked", wrong=3), "wrong"),
    ],
)
def test_a_row_that_is_no_event_is_left_out_and_counted(row: object, why: str, write: Write) -> None:
    [file] = read(write([settled(), row, settled()]))

    assert (file.counted, file.left_out, file.trouble) == (2, {why: 1}, "")


def test_an_empty_file_and_blank_lines_are_no_trouble(write: Write) -> None:
    files = read(write([]), write(["", settled(), "", ""], "blank.jsonl"))

    assert [(file.counted, file.left_out) for file in files] == [(0, {}), (1, {})]


@pytest.mark.parametrize("packed", ["gzip", "zstd"])
def test_a_packed_file_is_known_by_its_first_bytes(packed: str, write: Write, tmp_path: Path) -> None:
    lines, here = write([settled(7), settled(8)]), str(tmp_path / "rows.bin")
    with duckdb.connect() as db:
        db.execute("CREATE TABLE rows AS FROM read_json($path)", {"path": lines})
        db.execute(f"COPY rows TO '{here}' (FORMAT json, COMPRESSION {packed})")

    assert event_files([here])[0].packed == packed
    assert read_and_spent([here])[1] == 15


def test_a_parquet_file_holds_the_same_as_the_lines_it_was_made_of(write: Write, tmp_path: Path) -> None:
    rows = [
        settled(7, tags={"user": "u1"}, within=["p", "q"], limits={"this task: usd": [7, 10]}),
        settled(8, tags={"team": "x"}, error="Timeout"),
        event("hit", tier="checked", wrong=True),
        event("saved", plugin="p", what="w", how="h", tokens=-3, cost=-4),
    ]
    lines, made = write(rows), str(tmp_path / "events.parquet")
    duckdb.connect().execute("COPY (FROM read_json($path)) TO $made (FORMAT parquet)", {"path": lines, "made": made})

    def kept(name: str) -> list[tuple[object, ...]]:
        with duckdb.connect() as db:
            [file] = read_events(db, event_files([name]))
            assert (file.counted, file.left_out) == (4, {})
            return db.execute("""SELECT event, moment, task, root, tags->>'user', tags->>'team', call, cost, error,
                limits->'this task: usd', wrong, tokens FROM events ORDER BY ALL""").fetchall()

    assert kept(made) == kept(lines)


def test_a_parquet_file_of_something_else_is_counted_as_other(tmp_path: Path) -> None:
    made = str(tmp_path / "other.parquet")
    duckdb.connect().execute(
        f"""COPY (SELECT 1 AS "; DROP TABLE events; --", 'x' AS tags, now() AS at, 'settled' AS event) TO '{made}'"""
    )

    [file] = read(made)

    assert (file.counted, file.left_out) == (0, {"wrong": 1})  # its tags are no object


def test_a_damaged_parquet_file_is_named_and_stops_nothing(write: Write, tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1" + b"\0" * 50)

    files = read(str(broken), write([settled()]))

    assert files[0].trouble.startswith("not read: ")
    assert files[1].counted == 1


def test_a_gzip_file_without_its_end_is_read_up_to_there(write: Write, tmp_path: Path) -> None:
    whole = gzip.compress(Path(write(settled(1) for _ in range(5_000))).read_bytes())
    half = tmp_path / "half.jsonl.gz"
    half.write_bytes(whole[: len(whole) // 2])

    [file] = read(str(half))

    assert 0 < file.counted < 5_000
    assert file.trouble == "damaged; read up to there"


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_that_is_far_too_long_costs_only_itself(packed: bool, write: Write, tmp_path: Path) -> None:
    name = write([settled(1), settled(2, agent="x" * 40_000_000), settled(4)])
    if packed:
        (tmp_path / "long.gz").write_bytes(gzip.compress(Path(name).read_bytes(), 1))
        name = str(tmp_path / "long.gz")

    [file], spent = read_and_spent([name])

    assert (file.counted, spent) == (2, 5)
    assert file.trouble == "1 line longer than 16,777,216 bytes left out"


def test_rows_that_are_in_two_files_count_once(write: Write) -> None:
    rows = [settled(5), settled(6), event("tool", tool="x")]

    files, spent = read_and_spent([write(rows), write([*rows, settled(7)], "copy.jsonl")])

    assert spent == 18
    assert [(file.counted, file.left_out) for file in files] == [(3, {}), (1, {"again": 3})]


def test_a_call_that_is_told_in_two_ways_counts_once(write: Write) -> None:
    row = settled(5, call="c")

    _, spent = read_and_spent([write([row, row | {"at": MONDAY + 1}, row | {"task": "another"}])])

    assert spent == 10


def test_the_same_file_by_two_names_is_read_once(write: Write, tmp_path: Path) -> None:
    name = write([settled(5)])
    (tmp_path / "link.jsonl").symlink_to(name)

    assert len(event_files([name, str(tmp_path / "link.jsonl"), str(tmp_path / "*.jsonl"), str(tmp_path)])) == 1


def test_a_file_whose_name_is_a_pattern_is_that_file_alone(write: Write) -> None:
    odd = write([settled(5)], "events[1]*?.jsonl")
    write([settled(6)], "events1x.jsonl")

    files, spent = read_and_spent([odd])

    assert (len(files), spent) == (1, 5)


def test_a_pattern_names_all_its_files(write: Write, tmp_path: Path) -> None:
    write([settled(5)], "a-1.jsonl")
    write([settled(6)], "a-2.jsonl")
    write([settled(7)], "b-1.jsonl")

    assert read_and_spent([f"{glob.escape(str(tmp_path))}/a-*.jsonl"])[1] == 11


def test_events_before_a_time_are_left_out(write: Write) -> None:
    [file] = read(write([settled(at=MONDAY - 1), settled(at=MONDAY)]), since=MONDAY)

    assert (file.counted, file.left_out) == (1, {"before": 1})


@pytest.mark.parametrize("name", ["absent.jsonl", "no-*.jsonl", "\0", "https://example.org/x.jsonl"])
def test_a_name_of_nothing_is_an_error_that_says_how_files_are_made(name: str) -> None:
    with pytest.raises(UsageError, match=r"There is no file .* A budget writes one where it says `events: FILE`"):
        event_files([name])


def test_a_folder_without_events_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no file of events in .* \(\.jsonl"):
        event_files([str(tmp_path)])


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(UsageError, match="is a pipe, and a report reads twice: write its events to a file first"):
        event_files([str(tmp_path / "pipe.jsonl")])


def test_a_file_that_may_not_be_read_is_an_error(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write([settled()])

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)

    with pytest.raises(UsageError, match="cannot be read: Permission denied"):
        event_files([name])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.lists(st.dictionaries(st.sampled_from(sorted(settled())) | st.text(max_size=5), anything, max_size=8)))
def test_every_row_is_counted_or_left_out_whatever_it_holds(rows: list[dict[str, object]], write: Write) -> None:
    lines = [json.dumps(row) for row in rows]

    [file] = read(write([*lines, settled()]))

    assert file.counted + sum(file.left_out.values()) == len(rows) + 1
    assert file.counted >= 1
