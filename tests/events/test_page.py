"""That the page about events names every event and every plugin that saves something."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from leanloop.plugins.events.event import EVENTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its own first rows."""
    (section,) = re.findall(rf"^#+ {heading}\n(.*?)(?=^#|\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_event_is_a_row_by_its_class_and_by_its_kind() -> None:
    told = [pair for row in rows("What is told") for pair in zip(named(row[0]), named(row[1]), strict=True)]

    assert sorted(told) == sorted((event.__name__, event.kind) for event in EVENTS)


def test_each_of_the_stream_s_kinds_is_there() -> None:
    assert {event.kind for event in EVENTS} >= {
        "reserved", "settled", "refused", "shortened", "hit", "gated", "nudged", "landed", "alert",
    }  # fmt: skip


def savers() -> Iterator[str]:
    """The plugins that put a saving on the receipt, by what their code says."""
    for file in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Saving":
                name = node.args[0] if node.args else node.keywords[0].value
                assert isinstance(name, ast.Constant), f"{file} makes up the name of a plugin"
                yield str(name.value)


def test_every_plugin_that_saves_is_a_row_with_how_it_is_counted() -> None:
    told = rows("What plugins save")

    assert [name for row in told for name in named(row[0])] == sorted(set(savers()))
    assert all(len(row) == 3 and row[1] and row[2] for row in told)
