from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest
from event_rows import Row
from report_figures import Figures, figures

if not all(map(find_spec, ("duckdb", "jinja2", "pygal"))):
    collect_ignore_glob = ["test_*.py"]  # leanloop[report] is not installed


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """A file of rows; text stands in it as it is."""

    def written(rows: Iterable[Row | str], name: str = "events.jsonl") -> str:
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return str(path)

    return written


@pytest.fixture
def tables(write: Callable[..., str]) -> Callable[..., Figures]:
    """The figures of rows, by table, as the cells are."""

    def gathered(rows: Iterable[Row | str], *, zone: str = "UTC") -> Figures:
        from leanloop.adapters.report.gather import gather

        return figures(gather([write(rows)], zone=zone))

    return gathered
