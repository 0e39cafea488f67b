"""A failed command is never shortened into a success, whatever its output is."""

from __future__ import annotations

import json

import pytest

from leanloop.budgets.result_rules import Kind
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.shorten import kind_of, shorten
from leanloop.plugins.shorten.shown import Room

count = counter_for("gpt-4o").text

OUTPUTS: dict[Kind, str] = {
    "log": "\n".join(f"step {number} took {number * 7919 % 1000} ms" for number in range(900)),
    "code": "\n".join(f"def f{number}(x):\n    return x + {number}\n" for number in range(400)),
    "table": "id,name,city\n" + "\n".join(f"{number},user {number},Oslo" for number in range(900)),
    "search": "\n".join(f"src/f{number % 40}.py:{number}: x = {number}" for number in range(900)),
    "diff": "\n".join(
        f"diff --git a/f{number} b/f{number}\n--- a/f{number}\n+++ b/f{number}\n@@ -1 +1 @@\n-a{number}\n+b{number}"
        for number in range(300)
    ),
    "json": "\n".join(json.dumps({"id": number, "text": f"row {number * 7919 % 1000}"}) for number in range(900)),
    "html": "<html><body>" + "".join(f"<p>Part {number} is here.</p>" for number in range(900)) + "</body></html>",
    "prose": "\n".join(f"Part {number} was written in a house by the sea, long ago." for number in range(900)),
}


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("", "\n[Command failed with exit code 1]", "[Command failed with exit code 1]"),
        ("", "\nProcess exited with status 3\n", "exited with status 3"),
        ("Exit code: 127\n", "", "Exit code: 127"),
        ("bash: line 1: foo: command not found\n", "", "foo: command not found"),
    ],
)
def test_what_says_that_a_command_failed_is_shown(kind: Kind, before: str, after: str, said: str) -> None:
    text = f"{before}{OUTPUTS[kind]}{after}"
    assert kind_of(OUTPUTS[kind]) == kind
    for one in (None, kind):
        assert said in shorten(text, Room(500, count), one).text


@pytest.mark.parametrize("kind", ["log", "code", "table", "search", "diff"])
def test_what_a_shell_says_in_the_middle_is_shown(kind: Kind) -> None:
    lines = OUTPUTS[kind].split("\n")
    half = len(lines) // 6 * 3
    text = "\n".join([*lines[:half], "cat: b.txt: No such file or directory", *lines[half:]])
    assert "cat: b.txt: No such file or directory" in shorten(text, Room(500, count)).text
