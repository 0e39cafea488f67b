"""What is said of a budget file that is not right, word for word: budget_files.txt has each mistake and its message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leanloop import load_budget, parse_budget
from leanloop.budgets.file import Format
from leanloop.errors import BudgetFileError

BLOCKS = re.findall(
    r"((?:(?!=> ).*\n)*)((?:=> .*\n)+)\n?", (Path(__file__).parent / "budget_files.txt").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("text", "said"), BLOCKS, ids=lambda text: text.strip().splitlines()[-1] if text.strip() else "-"
)
def test_a_mistake_is_told_with_its_place_its_key_and_the_way_out(text: str, said: str) -> None:
    messages = [line.removeprefix("=> ") for line in said.splitlines()]
    file = messages[0].partition(":")[0]
    form: Format = "toml" if file.endswith(".toml") else "yaml"
    with pytest.raises(BudgetFileError) as caught:
        parse_budget(text, file=file, format=form, environ={})
    assert str(caught.value).splitlines() == messages


VARIABLES = [
    (
        "LEANLOOP__LIMITS__TASK__USD",
        "five",
        "'usd' in limits item 1 must be a number, not 'five'; write digits alone, such as 0.50",
    ),
    ("LEANLOOP__AT_LIMT", "land", "unknown key 'at_limt'; did you mean 'at_limit'?"),
    (
        "LEANLOOP__LIMITS__TASK",
        "5",
        "names a limit but no amount in it; write LEANLOOP__LIMITS__TASK__USD, for example",
    ),
    ("LEANLOOP__AGENT", "b", "the agent's name cannot be overridden; unset it"),
    ("LEANLOOP__MAX_OUTPUT", "", "is set but empty; give it a value or unset it"),
]


@pytest.mark.parametrize(("name", "value", "message"), VARIABLES)
def test_a_mistake_in_a_variable_is_told_with_its_name(name: str, value: str, message: str) -> None:
    with pytest.raises(BudgetFileError) as caught:
        parse_budget("agent: a", file="support.yaml", environ={name: value})
    assert str(caught.value).removeprefix(f"{name}: ").removeprefix("'max_output' ") == message


FILES = [
    ("support.json", b"{}", "a budget file ends in .yaml, .yml or .toml, not in '.json'"),
    ("support", b"", "a budget file ends in .yaml, .yml or .toml, and this name has no ending"),
    ("absent.yaml", None, "there is no such file; see the folder the program runs in, or write one with leanloop init"),
    ("folder.yaml", b"folder", "is a folder; name the file itself"),
    ("support.yaml", b"agent: a\nstore: caf\xe9", "is not UTF-8: byte 0xe9 at offset 19; save it as UTF-8"),
]


@pytest.mark.parametrize(("name", "data", "message"), FILES)
def test_a_file_that_cannot_be_one_is_told_by_its_name(
    tmp_path: Path, name: str, data: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if data == b"folder":
        path.mkdir()
    elif data is not None:
        path.write_bytes(data)
    with pytest.raises(BudgetFileError) as caught:
        load_budget(path, environ={})
    assert str(caught.value) in {f"{path}: {message}", f"{path}:2: {message}"}
