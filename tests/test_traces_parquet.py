"""Runs in Parquet, by DuckDB: bulk exports of LangSmith, data frames of spans, OpenAI-style messages."""

# Rows are put together:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from recorded_runs import Row, langchain_runs, lines
from typer.testing import CliRunner

from leanloop.adapters.cli.app import app
from leanloop.adapters.traces.formats import read_runs, recorded_format
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.message import Message
from leanloop.errors import MissingExtra, TraceError

duckdb = pytest.importorskip("duckdb")

CHAT = (Message("user", "hello"), Message("assistant", "hi"))


def parquet(folder: Path, rows: list[Row], **types: str) -> Path:
    """The rows as a file, in columns of these types."""
    (folder / "rows.jsonl").write_text(lines(rows))
    out = folder / "rows.parquet"
    columns = json.dumps(types).replace('"', "'")
    source = f"read_json('{folder / 'rows.jsonl'}', columns = {columns})"
    duckdb.sql(f"COPY (SELECT * FROM {source}) TO '{out}' (FORMAT parquet)")
    return out


def read(path: Path) -> list[Trace | TraceError]:
    with path.open("rb") as stream:
        return list(read_runs(stream, path.name))


def test_a_bulk_export_of_langsmith_is_read_whose_objects_are_text(tmp_path: Path) -> None:
    runs = langchain_runs(name="researcher")
    objects = ("inputs", "outputs", "extra", "tags")
    rows = [
        {name: json.dumps(one[name]) if name in objects else one[name] for name in one if name != "child_runs"}
        | {"total_cost": 0.25}
        for one in runs
    ]
    types = dict.fromkeys(("id", "trace_id", "parent_run_id", "run_type", "name", "error", *objects), "VARCHAR")
    types |= {"start_time": "TIMESTAMP", "end_time": "TIMESTAMPTZ", "total_cost": "DECIMAL(18, 9)"}

    [trace] = read(parquet(tmp_path, rows, **types))

    assert isinstance(trace, Trace), trace
    assert [message.role for message in trace.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert [(call.agent, call.cost) for call in trace.calls] == [("researcher", 250_000_000)] * 2
    assert all(call.began and call.seconds is not None and call.seconds < 60 for call in trace.calls)


def test_names_with_dots_are_objects_again(tmp_path: Path) -> None:
    messages = [
        [{"message.role": "user", "message.content": "hello"}],
        [{"message.role": "assistant", "message.content": "hi"}],
    ]
    row = {
        "context.trace_id": "5b8e",
        "context.span_id": "1",
        "parent_id": None,
        "start_time": "2026-01-01 00:00:00",
        "attributes.openinference.span.kind": "LLM",
        "attributes.llm.input_messages": json.dumps(messages[0]),
        "attributes.llm.output_messages": json.dumps(messages[1]),
        "attributes.llm.token_count.prompt": 7.0,
        "attributes.llm.token_count.completion": float("nan"),
    }
    types = dict.fromkeys(row, "VARCHAR") | dict.fromkeys(list(row)[-2:], "DOUBLE")
    types |= dict.fromkeys(("attributes.llm.input_messages", "attributes.llm.output_messages"), "JSON")

    [trace] = read(parquet(tmp_path, [json.loads(json.dumps(row).replace("NaN", '"nan"'))], **types))

    assert isinstance(trace, Trace), trace
    assert trace.messages == CHAT
    assert trace.calls[0].began == 1767225600.0


def test_messages_may_be_a_list_of_structs_and_the_file_a_pipe(tmp_path: Path) -> None:
    rows = [
        {"id": number, "messages": [{"role": one.role, "content": one.text} for one in CHAT]} for number in range(40)
    ]
    path = parquet(tmp_path, rows, id="INTEGER", messages="STRUCT(role VARCHAR, content VARCHAR)[]")

    found = list(read_runs(io.BytesIO(path.read_bytes()), "-"))

    assert found == read(path)
    assert [run.messages for run in found if isinstance(run, Trace)] == [CHAT] * 40
    assert [str(run)[:20] for run in read_runs(io.BytesIO(path.read_bytes()), "-", longest=40)][:1] == [
        "-:1: is longer than "
    ]


def test_a_row_that_is_no_run_is_named_by_its_number(tmp_path: Path) -> None:
    path = parquet(tmp_path, [{"messages": []}, {"messages": [{"role": "user", "content": "a"}]}], messages="JSON")

    error, run = read(path)

    assert str(error).startswith("rows.parquet:1: is not a recorded run")
    assert isinstance(run, Trace)


def test_events_in_parquet_are_no_runs(tmp_path: Path) -> None:
    path = parquet(tmp_path, [{"event": "settled", "at": 1}], event="VARCHAR", at="INTEGER")

    with path.open("rb") as stream:
        assert recorded_format(stream) is None


def test_one_that_is_cut_off_is_told_by_its_own_name(tmp_path: Path) -> None:
    path = parquet(tmp_path, [{"messages": "a"}], messages="VARCHAR")
    path.write_bytes(path.read_bytes()[:-6])

    [error] = read(path)

    assert str(error).startswith("rows.parquet:1: cannot be read as Parquet")
    assert str(tmp_path) not in str(error)


def test_without_duckdb_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path, [{"messages": "a"}], messages="VARCHAR")
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(MissingExtra, match=r"leanloop\[report\]"):
        read(path)


def test_replay_takes_a_trace_from_parts_in_two_files_and_parquet_from_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    runs = langchain_runs()
    (folder / "a.jsonl").write_text(lines(runs[:2]))
    (folder / "b.jsonl").write_text(lines(runs[2:]))
    row = {"messages": [{"role": one.role, "content": one.text} for one in CHAT]}
    parquet(tmp_path, [row], messages="JSON").rename(folder / "c.parquet")
    (tmp_path / "budget.yaml").write_text("agent: a\nlimits:\n  - {per: task, cycles: 9}\n")

    result = CliRunner().invoke(app, ["replay", str(folder), "--budget", str(tmp_path / "budget.yaml"), "--json"])

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["runs"] == 2
