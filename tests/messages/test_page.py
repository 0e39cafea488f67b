"""The page on errors shows messages as they are, and names every class."""

from __future__ import annotations

import re
from pathlib import Path

from leanloop import errors

HERE = Path(__file__).parent
PAGE = (HERE.parent.parent / "docs" / "messages.md").read_text(encoding="utf-8")


def test_each_message_of_the_page_is_one_of_the_tables() -> None:
    said = [line.removeprefix("=> ") for table in HERE.glob("*.txt") for line in table.read_text("utf-8").splitlines()]
    shown = [line for block in re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL) for line in block.splitlines()]
    assert len(shown) >= 10
    assert [line for line in shown if line not in said] == []


def test_the_page_has_a_row_for_each_error() -> None:
    rows = re.findall(r"^\| `([A-Z]\w+)` \| ", PAGE, flags=re.MULTILINE)
    assert sorted(rows) == sorted(set(errors.__all__) - {"LeanLoopError"})
