from __future__ import annotations

import pytest

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.log import shorten_log
from leanloop.plugins.shorten.shown import Room, Shown

count = counter_for("gpt-4o").text


def shorten(text: str, tokens: int, words: tuple[str, ...] = ()) -> Shown:
    shown = shorten_log(text, Room(tokens, count, words))
    assert shown is not None
    assert count(shown.text) <= tokens
    return shown


def quiet(first: int, last: int) -> str:
    return "\n".join(
        f"2024-01-01 00:00:{n % 60:02d} INFO request {n * 37 % 1000} of {'abcdefgh'[n % 8]} served"
        for n in range(first, last)
    )


ERRORS = (
    "2024-01-01 00:00:00 ERROR [api] connection refused",
    "E       AssertionError: assert 3 == 4",
    "FAILED tests/test_a.py::test_b - KeyError: 'x'",
    "error[E0308]: mismatched types",
    "error: could not compile `shop` (lib) due to 2 previous errors",
    "thread 'main' panicked at src/main.rs:4:5:",
    "src/a.c:3:4: error: expected ';' before 'return'",
    "make: *** [Makefile:3: all] Error 2",
    "npm ERR! code ELIFECYCLE",
    "bash: foo: command not found",
    "cp: cannot stat 'a.txt': No such file or directory",
    "fatal: not a git repository (or any of the parent directories): .git",
    "Caused by: java.io.IOException: stream closed",
    "panic: runtime error: index out of range [3] with length 3",
    "--- FAIL: TestTotals (0.00s)",
    "TypeError: Cannot read properties of undefined (reading 'map')",
    "ValueError: bad row",
    "worker exited with code 137",
    "Segmentation fault (core dumped)",
    "ls: /root: Permission denied",
    "3 failed, 12 passed in 0.31s",
)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_in_the_middle_of_a_long_log_is_shown(error: str) -> None:
    shown = shorten(f"{quiet(0, 400)}\n{error}\n{quiet(400, 800)}", 150)
    assert error in shown.text.split("\n")
    assert shown.what.endswith("all 1 different error lines")


@pytest.mark.parametrize(
    "line",
    [
        "0 errors, 0 warnings",
        "test error_handling ... ok",
        "tests/test_error.py::test_failed PASSED",
        "2024-01-01 INFO no error found",
        "failed: 0",
    ],
)
def test_a_line_that_denies_an_error_is_none(line: str) -> None:
    assert "error lines" not in shorten(f"{quiet(0, 300)}\n{line}\n{quiet(300, 600)}", 120).what


def test_the_verdict_at_the_end_stays_in_the_smallest_room() -> None:
    log = "\n".join(f"error: trouble number {n} of {'abcdefgh'[n % 8] * 9}" for n in range(400)) + "\n\nexit code: 1\n"
    assert shorten(log, 40).text.rstrip().endswith("exit code: 1")


def test_what_was_left_out_of_the_errors_is_said() -> None:
    names = [f"{a}{b}{c}" for a in "bdfghk" for b in "aeiou" for c in "lmnprst"]
    shown = shorten("\n".join(f"error: no {name} to be had" for name in names), 100)
    there = sum(line.startswith("error: ") for line in shown.text.split("\n"))
    assert 0 < there < len(names)
    assert f"{there:,} of {len(names):,} different error lines" in shown.what


def test_errors_that_differ_in_numbers_are_said_once_with_how_many_they_are() -> None:
    storm = "\n".join(f"12:00:{n:02d} ERROR connection refused (attempt {n}, 0x7f{n:04x})" for n in range(60))
    shown = shorten(f"{quiet(0, 200)}\n{storm}\n{quiet(200, 400)}\nFATAL: giving up\n{quiet(400, 500)}", 200)
    assert "[60 lines like this]" in shown.text
    assert "FATAL: giving up" in shown.text


def test_repeated_lines_are_folded_into_their_mark() -> None:
    shown = shorten("begin\n" + "waiting for the lock\n" * 812 + "\n".join("abcdefgh") + "\nend", 60)
    assert "[…3-812: 810 more like this]" in shown.text


def test_marks_give_the_numbers_of_the_lines_they_stand_for() -> None:
    lines = [f"{'abcdefgh'[n % 8] * (n % 13 + 1)} line" for n in range(1000)]
    shown = shorten("\n".join(lines), 100)
    next_one = 1
    for line in shown.text.split("\n"):
        if line.startswith("[…"):
            first, _, last = line[2:-1].partition("-")
            assert int(first) == next_one
            next_one = int(last or first) + 1
        else:
            assert line == lines[next_one - 1]
            next_one += 1
    assert next_one == 1001


def test_the_frames_of_a_traceback_stand_with_its_error() -> None:
    trace = "Traceback (most recent call last):\n" + "".join(
        f'  File "/srv/{name}.py", line {n}, in {name}\n    {name}()\n'
        for n, name in enumerate(("serve", "route", "load"))
    )
    shown = shorten(f"{quiet(0, 300)}\n{trace}KeyError: 'customer'\n{quiet(300, 600)}", 250)
    assert f"{trace}KeyError: 'customer'" in shown.text


def test_lines_that_answer_the_task_come_before_the_head() -> None:
    log = f"{quiet(0, 300)}\n2024-01-01 00:00:00 INFO basket b-4711 emptied\n{quiet(300, 600)}"
    assert "basket b-4711 emptied" in shorten(log, 100, ("b-4711",)).text


def test_a_progress_bar_is_its_last_state_but_for_an_error_within() -> None:
    log = "".join(f"\r{n}% done" for n in range(100)) + "\rerror: disk full\r100% done\n" + quiet(0, 300)
    shown = shorten(log, 200).text
    assert "error: disk full 100% done" in shown
    assert "57% done" not in shown


def test_colours_are_left_out() -> None:
    shown = shorten(f"{quiet(0, 200)}\n\x1b[31mFAILED\x1b[0m tests/a.py::b\n{quiet(200, 300)}", 150).text
    assert "FAILED tests/a.py::b" in shown


def test_base64_in_a_line_is_named() -> None:
    blob = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4" * 20
    shown = shorten(
        f"{quiet(0, 200)}\nERROR upload of data:image/png;base64,{blob} refused\n{quiet(200, 300)}", 200
    ).text
    assert "ERROR upload of [base64, image/png, 1,222 characters] refused" in shown


def test_a_log_of_one_endless_line_shows_both_its_ends() -> None:
    shown = shorten("begin " + "x" * 1_000_000 + " end", 300).text
    assert shown.startswith("begin ")
    assert shown.endswith(" end")
    assert "characters]" in shown


def test_of_very_many_errors_those_that_differ_in_more_than_digits_are_told_apart() -> None:
    names = [f"{a}{b}{c}{d}" for a in "bdfghk" for b in "aeiou" for c in "lmnprst" for d in ("", *"aeiou")]
    log = "\n".join(f"error: request {n} lost" for n in range(9000)) + "\n"
    shown = shorten(log + "FATAL: the store is gone\n" + log.replace("lost", "refused") + "done", 200)
    assert "FATAL: the store is gone" in shown.text
    assert "of more than 6,000 different error lines" in shown.what
    many = shorten("\n".join(f"error: no {one} in {other}" for one in names[:100] for other in names[:90]), 100)
    assert "of more than 6,000 different error lines" in many.what


def test_warnings_are_no_errors_unless_they_say_so() -> None:
    assert "error lines" not in shorten(f"{quiet(0, 300)}\nwarning: unexpected indent\n{quiet(300, 600)}", 100).what
    assert "WARNING: error: disk" in shorten(f"{quiet(0, 300)}\nWARNING: error: disk\n{quiet(300, 600)}", 100).text


def test_an_error_in_the_first_or_the_last_line_has_what_is_there_around_it() -> None:
    shown = shorten(f"    indented\nKeyError: 'a'\n{quiet(0, 300)}\nKeyError: 'b'\n\tat x", 120).text
    assert shown.startswith("    indented\nKeyError: 'a'")
    assert shown.endswith("KeyError: 'b'\n\tat x")


@pytest.mark.parametrize(
    "error",
    [
        "Fehler: Zugriff verweigert auf /etc/shadow",
        "cp: Aucun fichier ou dossier de ce type",
        "cp: No existe el archivo o el directorio",
        "Erro: falha ao conectar",
        "cp: File o directory non esistente",
        "Ошибка: отказано в доступе",
        "エラー: ファイル 'b.txt' が見つかりません",
        "错误: 找不到文件 b.txt",
        "오류: 파일을 찾을 수 없습니다",
        "The term 'kubectl' is not recognized as the name of a cmdlet",
        "ORA-00942: table or view does not exist",
        "Msg 208, Level 16, State 1, Line 4",
        "0/3 nodes are available: 3 Insufficient cpu.",
        "web-7f9c 0/1 ImagePullBackOff 0 9m",
        "curl: connection reset by peer",
        "x509: certificate signed by unknown authority",
        '10.0.0.1 - - "POST /pay HTTP/1.1" 502 157',
        "the response status is 503",
    ],
)
def test_errors_of_other_languages_and_programs_are_shown(error: str) -> None:
    nouns = ("river", "lamp", "stone", "violin", "garden", "copper", "bridge")
    lines = [
        " ".join(nouns[number * factor % 101 % 7] for factor in (3, 5, 7, 11, 13, 17, number % 19 + 1))
        for number in range(700)
    ]
    lines[350] = error
    shown = shorten_log("\n".join(lines), Room(400, count))
    assert shown is not None
    assert error in shown.text.split("\n")
