from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.code import shorten_code
from leanloop.plugins.shorten.diff import shorten_diff
from leanloop.plugins.shorten.shown import Room

count = counter_for("gpt-4o").text

MODULE = "import os\nimport sys\nfrom collections import Counter\n\n\n" + "\n\n".join(
    f"class Thing{number}:\n    def method_{number}(self, value: int) -> int:\n"
    + "".join(f"        step_{number}_{step} = value + {step}\n" for step in range(12))
    + f"        return step_{number}_3"
    for number in range(12)
)


def test_the_asked_part_is_shown_with_what_it_stands_in_and_the_signatures_of_the_rest() -> None:
    shown = shorten_code(MODULE, Room(500, count, ("step_7_5",)))
    assert shown is not None
    assert count(shown.text) <= 500
    lines = shown.text.split("\n")
    assert "        step_7_5 = value + 5" in lines
    assert lines.index("class Thing7:") < lines.index("        step_7_5 = value + 5")
    assert sum(line.startswith("    def method_") for line in lines) == 12
    assert "24 of 24 signatures" in shown.what


def test_imports_left_out_are_named() -> None:
    shown = shorten_code(MODULE, Room(150, count))
    assert shown is not None
    assert "imports os, sys, collections" in shown.text


def test_line_numbers_in_front_do_not_hide_signatures() -> None:
    numbered = "\n".join(f"{number}:{line}" for number, line in enumerate(MODULE.split("\n"), start=1))
    shown = shorten_code(numbered, Room(900, count, ("step_7_5",)))
    assert shown is not None
    assert sum(":class Thing" in line for line in shown.text.split("\n")) == 12


@pytest.mark.parametrize(
    "signature",
    [
        "def f(x):",
        "async def f(x):",
        "export default class Cart {",
        "export const load = async (id) => {",
        "public static void main(String[] args) {",
        "func (s *Server) Close() error {",
        "pub(crate) fn parse(text: &str) -> Option<u8> {",
        "impl Display for Cart {",
        "interface Shape {",
        "static int add(int a, int b) {",
        "CREATE TABLE orders (",
        "@property",
    ],
)
def test_signatures_of_many_languages_are_kept(signature: str) -> None:
    body = "\n".join(f"    x{number} = {number} + 1;" for number in range(300))
    shown = shorten_code(f"{body}\n{signature}\n{body}", Room(120, count))
    assert shown is not None
    assert signature in shown.text.split("\n")


def test_text_without_signatures_is_no_code() -> None:
    assert shorten_code("just text\n" * 100, Room(20, count)) is None


def diff_of(file: int, hunks: int = 3, lines: int = 8) -> str:
    name = f"src/f{file}.py"
    header = f"diff --git a/{name} b/{name}\nindex 123abc..456def 100644\n--- a/{name}\n+++ b/{name}\n"
    return header + "".join(
        f"@@ -{hunk * 20},9 +{hunk * 20},9 @@ def place_{file}_{hunk}():\n"
        + "".join(f"-    old_{file}_{hunk}_{line}\n+    new_{file}_{hunk}_{line}\n" for line in range(lines))
        for hunk in range(1, hunks + 1)
    )


def test_every_file_and_hunk_is_named_and_the_hunk_that_answers_is_whole() -> None:
    shown = shorten_diff("".join(map(diff_of, range(6))), Room(900, count, ("new_4_2_5",)))
    assert shown is not None
    assert count(shown.text) <= 900
    for file in range(6):
        assert f"src/f{file}.py" in shown.text
        assert "@@ -20,9 +20,9 @@" in shown.text
    assert all(f"+    new_4_2_{line}" in shown.text for line in range(8))
    assert "6 of 6 file headers, 18 of 18 hunk headers" in shown.what


def test_what_is_left_out_of_a_diff_is_counted() -> None:
    shown = shorten_diff(diff_of(1, hunks=1, lines=200), Room(100, count))
    assert shown is not None
    marks = [line for line in shown.text.split("\n") if line.startswith("[…")]
    assert marks
    assert all("+" in line and "-" in line for line in marks)


def test_a_removed_line_that_looks_like_a_header_is_none() -> None:
    text = "--- a/x.sql\n+++ b/x.sql\n@@ -1,300 +1,300 @@\n--- drop it\n+++ keep it\n" + "+x\n" * 300
    shown = shorten_diff(text, Room(80, count))
    assert shown is not None
    assert "1 of 1 file headers, 1 of 1 hunk headers" in shown.what or "2 of 2 file headers" in shown.what


def test_a_commit_message_above_is_shown() -> None:
    shown = shorten_diff("commit 1234\nAuthor: A\n\n    Fix the thing\n\n" + diff_of(1, hunks=9), Room(200, count))
    assert shown is not None
    assert "Fix the thing" in shown.text


def test_a_text_without_hunks_is_no_diff() -> None:
    assert shorten_diff("--- a\n+++ b\nno hunk\n", Room(20, count)) is None


parts = st.sampled_from(
    [
        "diff --git a/a b/a\n",
        "--- a\n",
        "+++ b\n",
        "@@ -1 +1 @@\n",
        "+x\n",
        "-x\n",
        "def f():\n",
        "import a\n",
        " y\n",
        "\ud800\n",
        "1:class A:\n",
    ]
)


@given(st.lists(parts, max_size=60).map("".join), st.integers(1, 60), st.sampled_from([(), ("x",), ("f", "a")]))
def test_nothing_raises_or_takes_more_than_its_room(text: str, tokens: int, words: tuple[str, ...]) -> None:
    for shortener in (shorten_code, shorten_diff):
        shown = shortener(text, Room(tokens, count, words))
        assert shown is None or count(shown.text) <= tokens


def test_the_hunk_that_is_asked_for_is_shown_though_the_files_fill_the_room() -> None:
    lines: list[str] = []
    for number in range(120):
        lines += [f"diff --git a/m{number}.py b/m{number}.py", f"--- a/m{number}.py", f"+++ b/m{number}.py"]
        lines += ["@@ -1,2 +1,2 @@", f"-a = {number}", f"+b = {number}"]
    lines += ["diff --git a/gone.py b/gone.py", "deleted file mode 100644", "--- a/gone.py", "+++ /dev/null"]
    lines += ["@@ -1 +0,0 @@", "-retry_limit = 3"]
    shown = shorten_diff("\n".join(lines), Room(400, count, ("retry_limit",)))
    assert shown is not None
    assert shown.text.endswith("--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-retry_limit = 3")


def test_long_lines_that_were_there_before_give_way_to_new_ones() -> None:
    lines = ["int main(void)", "{"]
    for number in range(60):
        lines += ["  std::basic_ostream<char,std::char_traits<char>>::operator<<(out,", "      std::endl<char>);"]
        lines += [f"  FUN_{number:04x}(local_{number});"] if number % 10 == 9 else []
    shown = shorten_code("\n".join([*lines, "}"]), Room(400, count))
    assert shown is not None
    assert all(f"FUN_{number:04x}" in shown.text for number in range(9, 60, 10))
