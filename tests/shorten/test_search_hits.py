from __future__ import annotations

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.search_hits import shorten_search_hits
from leanloop.plugins.shorten.shown import Room, Shown

count = counter_for("gpt-4o").text
HITS = "\n".join(
    f"src/{'abcdef'[file]}.py:{n * 7 + 1}:    value_{file}_{n} = load({n})" for file in range(6) for n in range(50)
)


def shorten(text: str, tokens: int, words: tuple[str, ...] = ()) -> Shown:
    shown = shorten_search_hits(text, Room(tokens, count, words))
    assert shown is not None
    assert count(shown.text) <= tokens
    return shown


def test_hits_stand_under_their_file_with_how_many_it_has() -> None:
    lines = shorten(HITS, 400).text.split("\n")
    assert lines[0].startswith("src/a.py (")
    assert lines[0].endswith(" of 50)")
    assert lines[1] == "1: value_0_0 = load(0)"
    assert sum(line.startswith("src/") for line in lines) == 6


def test_hits_that_answer_the_task_come_first() -> None:
    shown = shorten(HITS, 60, ("value_4_31",))
    assert "src/e.py (1 of 50)\n218: value_4_31 = load(31)" in shown.text


def test_files_without_room_are_counted() -> None:
    shown = shorten(HITS, 60)
    assert "more files, " in shown.text.split("\n")[-1]
    assert "of 300 hits, in " in shown.what
    assert "of 6 files" in shown.what


def test_headings_of_ripgrep_are_files() -> None:
    text = "\n\n".join(
        f"lib/{name}.rs\n" + "\n".join(f"{n}:let {name}{n} = {n};" for n in range(1, 40)) for name in ("alpha", "beta")
    )
    shown = shorten(text, 120).text
    assert "lib/alpha.rs (" in shown
    assert "lib/beta.rs (" in shown
    assert " of 39)" in shown


def test_context_lines_are_no_hits_and_come_last() -> None:
    text = "\n--\n".join(
        f"a{n}.py-{n}-before_{n}\na{n}.py:{n + 1}:the_hit_{n}\na{n}.py-{n + 2}-after_{n}" for n in range(1, 40)
    )
    shown = shorten(text, 200)
    assert "of 39 hits" in shown.what
    assert "before_" not in shown.text


def test_counts_stay_counts_and_none_comes_last() -> None:
    text = "\n".join(f"pkg/m{n}.py:{0 if n < 50 else n}" for n in range(100))
    shown = shorten(text, 60).text
    assert "pkg/m50.py: 50" in shown
    assert ": 0" not in shown


def test_a_text_repeated_in_every_file_is_told_once() -> None:
    text = "\n".join(f"p{n}.py:1:import os\np{n}.py:2:import only_{n}" for n in range(200))
    shown = shorten(text, 300).text
    assert shown.count("import os") == 1


def test_what_could_not_be_searched_is_said_first() -> None:
    shown = shorten(f"{HITS}\ngrep: /root: Permission denied", 200)
    assert shown.text.startswith("grep: /root: Permission denied\n")


def test_long_hits_are_clamped_around_the_task_words() -> None:
    text = "\n".join(f"min{n}.js:1:{'x' * 3000} needle_{n} {'y' * 3000}" for n in range(9))
    shown = shorten(text, 500, ("needle_3",)).text
    assert "needle_3" in shown
    assert "characters]" in shown


def test_what_is_no_search_is_refused() -> None:
    room = Room(100, count)
    assert shorten_search_hits("one\ntwo\nthree\nfour\n", room) is None
    assert shorten_search_hits("", room) is None
    assert shorten_search_hits(HITS, Room(1, count)) is None


def test_hits_without_numbers_stand_under_their_file() -> None:
    shown = shorten("\n".join(f"./etc/conf{n % 3}.ini:key{n} = {n}" for n in range(90)), 100).text
    assert shown.startswith("./etc/conf0.ini (")
    assert "key0 = 0" in shown
