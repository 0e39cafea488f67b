from __future__ import annotations

import base64
import json
import random

import pytest

from leanloop.plugins.shorten.kind import kind_of

PYTEST = """\
============================= test session starts ==============================
collected 3 items

tests/test_a.py::test_adds PASSED                                        [ 33%]
tests/test_a.py::test_drops FAILED                                       [ 66%]

    def test_drops() -> None:
>       assert total([1, 2]) == 4
E       assert 3 == 4

tests/test_a.py:8: AssertionError
=========================== short test summary info ============================
FAILED tests/test_a.py::test_drops - assert 3 == 4
"""
RG_GROUPED = "src/a.py\n3:import os\n9:import re\n\nsrc/b/c.py\n1:import sys\n14:import os\n\nlib/d.py\n2:import io\n"
CARGO = """\
   Compiling a v1.0
error[E0308]: mismatched types
 --> src/a.rs:3:4
  |
3 |   let a: u8 = b;
  |               ^ expected `u8`
error: could not compile `a`
"""
C_CODE = """\
#include <stdio.h>

int main(void) {
    printf("x");
    return 0;
}
"""
CODE = """\
import os
from pathlib import Path

class Store:
    \"\"\"Keeps things.\"\"\"

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, name: str) -> bytes:
        if not name:
            raise ValueError(name)
        return (self.root / name).read_bytes()
"""
DIFF = (
    "diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,3 @@\n import os\n-a = 1\n+a = 2\n"
)
PROSE = """\
The budget of a task is set before it begins, and it holds for all that the task does. When it is spent, no further
call is made; what there is goes into an answer.

An agent that runs out in the middle of its work says so. It is better to have half an answer than none, and better
to know that it is half of one. That is why something is kept back for the end.
"""
NOISE = random.Random(7).randbytes(6000)
TEXTS = {
    "json": [
        '{"a": [1, 2, {"b": null}]}',
        json.dumps([{"id": n} for n in range(9)], indent=2),
        "[NaN, 1.5]",
        " \n[]",
        '{"a": 1}\n{"a": 2}\n{"a": 3}',
    ],
    "log": [
        PYTEST,
        CARGO,
        "2024-01-02 10:00:00 INFO started\n2024-01-02 10:00:01 ERROR failed to open, retrying\n" * 5,
        "cp: cannot stat 'a': No such file or directory\nbash: foo: command not found\n",
        "total 8\ndrwxr-xr-x 2 root root 4096 Jan  1 00:00 bin\n-rw-r--r-- 1 root root  120 Jan  1 00:00 a.txt\n",
        "",
        "  \n \n",
    ],
    "table": [
        "id,name,price\n1,pen,2\n2,ink,3\n3,cap,4\n",
        "id\tname\n1\tpen\n2\tink\n3\tcap\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n",
        "a;b;c\n1;2;3\n4;5;6\n",
        "id,name\n" + "".join(f"{n},row{n}\n" for n in range(40)),
    ],
    "search": [
        "src/a.py:3:import os\nsrc/a.py:9:import re\nlib/b.py:14:import os\n",
        "./a/b.txt:text of it\n./a/c.txt:more text\n./d.txt:and more\n",
        "a/x.py:3\na/y.py:14\nb/z.py:0\n",
        "a.py-2-x = 1\na.py:3:y = 2\na.py-4-z = 3\n--\nb.py-7-q = 1\nb.py:8:y = 3\n",
        "C:\\src\\a.py:3:import os\nC:\\src\\b.py:4:import os\nC:\\src\\c.py:5:import os\n",
        RG_GROUPED,
    ],
    "html": [
        "<!doctype html><html><body><p>Hello</p></body></html>",
        "<?xml version='1.0'?><a><b>1</b></a>",
        "<div class='x'><p>one</p><p>two</p><ul><li>three</li></ul></div>",
    ],
    "diff": [DIFF, "--- a.txt\n+++ b.txt\n@@ -1 +1 @@\n-one\n+two\n"],
    "code": [CODE, "\n".join(f"{n}:{line}" for n, line in enumerate(CODE.splitlines(), 40)), C_CODE],
    "prose": [PROSE, "word " * 5000, PROSE.replace("\n", " ")],
    "binary": [
        "\x00" * 500,
        NOISE.decode("utf-8", "replace"),
        NOISE.decode("latin-1"),
        base64.b64encode(NOISE).decode(),
        base64.encodebytes(NOISE).decode(),
        f"data:image/png;base64,{base64.b64encode(NOISE).decode()}",
        "".join(f"{at:08x}: {NOISE[at:at + 16].hex(' ', 2)}  ................\n" for at in range(0, 640, 16)),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TEXTS.items() for text in texts])
def test_a_text_is_known_by_its_content(kind: str, text: str) -> None:
    assert kind_of(text) == kind


def test_names_parted_by_nuls_are_no_binary() -> None:
    assert kind_of("PATH=/usr/bin\0HOME=/root\0LANG=C.UTF-8\0TERM=xterm") == "log"


def test_colours_do_not_hide_what_a_log_is() -> None:
    assert kind_of("\x1b[32mPASSED\x1b[0m a\n\x1b[31mFAILED\x1b[0m tests/b.py::c\n" * 4) == "log"


def test_a_list_in_brackets_that_is_no_json_is_no_json() -> None:
    assert kind_of("[File: a.py (12 lines total)]\nimport os\nimport re\nfrom a import b\nx = 1\n") == "code"


def test_commas_between_clauses_make_no_table() -> None:
    assert kind_of("One went out, one stayed in, none knew.\n" * 20) == "prose"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(
            "  def total_{0}(x, s = nil)\n    r = x * {0}\n    r.times do |j|\n      p j\n    end\n  end", id="ruby"
        ),
        pytest.param("CREATE TABLE t_{0} (\n    id bigint PRIMARY KEY,\n    name text NOT NULL\n);", id="sql"),
        pytest.param('f_{0}() {{\n  local x="$1"\n  if [ "$x" -gt {0} ]; then\n    exit 1\n  fi\n}}', id="shell"),
        pytest.param("func F{0}(a int) int {{\n\tif a > {0} {{\n\t\treturn {0}\n\t}}\n\treturn a\n}}", id="go"),
    ],
)
def test_code_is_code_with_and_without_line_numbers(line: str) -> None:
    lines = "\n".join(line.format(number) for number in range(60)).split("\n")
    assert kind_of("\n".join(lines)) == "code"
    assert kind_of("\n".join(f"{number:6}\t{one}" for number, one in enumerate(lines, 1))) == "code"


def test_rows_of_two_columns_are_a_table_though_the_first_one_counts() -> None:
    assert kind_of("\n".join(f"{number}\t{number * 7919 % 1000:x}" for number in range(60))) == "table"
