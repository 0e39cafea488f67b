from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from event_rows import MONDAY, settled
from typer.testing import CliRunner

from leanloop.adapters.cli.app import app
from leanloop.errors import UsageError

run = CliRunner().invoke


def test_the_page_is_written_where_no_format_is_named(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run(app, ["report", write([settled(), "x"])])

    assert done.exit_code == 0, done.output
    assert "report.html: 1 events, 1 rows left out" in done.stderr
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_figures_go_to_standard_output_or_a_file(write: Callable[..., str], tmp_path: Path) -> None:
    name, out = write([settled(5)]), tmp_path / "out.csv"

    told = run(app, ["report", name, "--format", "json"])
    done = run(app, ["report", name, "--format", "csv", "--out", str(out)])

    assert json.loads(told.stdout)["tables"]["spend"][0]["usd"] == "0.000000005"
    assert done.exit_code == 0
    assert "spend,1,usd,0.000000005" in out.read_text("utf-8")


def test_only_what_happened_since(write: Callable[..., str]) -> None:
    name = write([settled(5), settled(6, at=MONDAY + 86_400)])

    told = run(app, ["report", name, "--format", "json", "--since", "2026-11-24"])

    assert json.loads(told.stdout)["tables"]["spend"][0]["usd"] == "0.000000006"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.jsonl"], "There is no file 'absent.jsonl'"),
        ([".", "--since", "soon"], "A time is 24h"),
        ([".", "--zone", "Mars"], "A time zone is UTC or a name such as Europe/Berlin, not 'Mars'"),
    ],
)
def test_wrong_use_is_a_message(arguments: list[str], message: str) -> None:
    done = run(app, ["report", *arguments])

    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)


def test_a_place_that_cannot_be_written_is_a_message(write: Callable[..., str], tmp_path: Path) -> None:
    done = run(app, ["report", write([settled()]), "--out", str(tmp_path)])

    assert "cannot be written: Is a directory. Name another: --out FILE" in str(done.exception)


@pytest.mark.parametrize(("hidden", "package"), [("duckdb", "duckdb"), ("pygal", "pygal"), ("jinja2", "Jinja2")])
def test_without_its_extra_the_command_names_the_pip_line(
    hidden: str, package: str, write: Callable[..., str], tmp_path: Path
) -> None:
    code = f"import sys; sys.modules[{hidden!r}] = None; from leanloop.adapters.cli.app import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", code, "report", write([settled()]), "--out", str(tmp_path / "x.html")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stderr.splitlines()[-1] == (
        f"leanloop: {package} is not installed. Install it with: pip install 'leanloop[report]'"
    )
