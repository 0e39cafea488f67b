"""The small pieces that shorteners are made of."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.shorten.binary import name_blobs, shorten_binary
from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.fit import Group, Parts, fit, most_that_fit
from leanloop.plugins.shorten.lines import as_shown, split_lines
from leanloop.plugins.shorten.marker import handle_in, marker
from leanloop.plugins.shorten.shown import Room

LETTERS = "abcdefghij"


def words(text: str) -> int:
    return len(text.split())


def mark(first: int, last: int) -> str:
    return f"<{first}-{last}>"


def halves(at: int) -> int:
    return at // 5


def parts(size: int = 10) -> Parts:
    return Parts(size, LETTERS.__getitem__, mark)


def test_what_is_worth_most_is_shown_in_the_order_of_the_text() -> None:
    text, shown = fit(parts(), [Group([7, 2], 1.0)], Room(30, words))
    assert text == "<0-1>\nc\n<3-6>\nh\n<8-9>"
    assert shown == [2, 7]


def test_a_group_takes_no_more_than_its_share() -> None:
    _, shown = fit(parts(), [Group([9, 8, 7, 6, 5, 4], 0.5), Group([0], 1.0)], Room(18, words))
    assert shown == [0, 6, 7, 8, 9]


def test_the_last_ones_go_again_where_the_sum_was_too_small() -> None:
    def superadditive(text: str) -> int:
        return len(text.split()) ** 2

    text, shown = fit(parts(), [Group(range(10), 1.0)], Room(40, superadditive))
    assert superadditive(text) <= 40
    assert shown == [0, 1, 2, 3, 4]


def test_nothing_is_shown_where_nothing_fits() -> None:
    assert fit(parts(), [Group([3], 1.0)], Room(1, words)) == ("", [])
    assert fit(Parts(0, str, mark), [], Room(5, words)) == ("", [])


@given(st.integers(0, 60), st.integers(0, 60))
def test_as_many_as_fit(size: int, room: int) -> None:
    many, text = most_that_fit(size, lambda many: "x " * many, Room(room, words))
    assert many == min(size, room)
    assert words(text) == many


def test_parts_of_one_line_are_joined_by_a_space() -> None:
    in_lines = replace(parts(), line=halves)
    text, _ = fit(in_lines, [Group([0, 1, 4, 5], 1.0)], Room(60, words))
    assert text == "a b <2-3> e\nf\n<6-9>"


@given(st.text(), st.integers(1, 100), st.lists(st.text(min_size=1), max_size=3))
def test_a_clamped_line_is_pieces_of_it_and_how_much_is_between(line: str, most: int, looked_for: list[str]) -> None:
    shown = clamp(line, most, looked_for)
    assert len(shown) <= max(len(line), most + 9 * 40)
    assert shown == line or "characters]" in shown


def test_a_long_line_shows_its_ends_and_what_is_looked_for() -> None:
    line = f"begin{'x' * 60_000} needle {'y' * 60_000}end"
    shown = clamp(line, 300, ("needle",))
    assert shown.startswith("begin")
    assert shown.endswith("end")
    assert " needle " in shown
    assert len(shown) < 400


def test_lines_are_parted_by_line_feeds_and_a_last_one_begins_none() -> None:
    assert split_lines("a\r\nb\x0bc\u2028d\n") == ["a\r", "b\x0bc\u2028d"]
    assert split_lines("a\n\n") == ["a", ""]
    assert split_lines("") == [""]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m\x1b[K", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://a.b\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\r\nb", "a\nb"),
        ("10%\r20%\r\n", "20%\n"),
        ("10%\r20%\r", "20%"),
        ("10%\rerror: x\r20%", "error: x 20%"),
        ("-\b\\\b|\bdone", "done"),
        ("\x1b", "\x1b"),
    ],
)
def test_a_terminal_would_have_shown(raw: str, shown: str) -> None:
    assert as_shown(raw) == shown


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x7fELF\x02\x01", "ELF program"),
        (b"GIF89a", "GIF image"),
    ],
)
def test_base64_is_named_by_what_it_begins_with(head: bytes, name: str) -> None:
    blob = base64.b64encode(head + bytes(range(256)) * 2).decode()
    assert name_blobs(f'{{"body": "{blob}"}}') == f'{{"body": "[base64, {name}, {len(blob):,} characters]"}}'
    shown = shorten_binary(blob, Room(50, words))
    assert shown is not None
    assert name in shown.text


def test_base64_in_lines_is_named_by_what_it_begins_with() -> None:
    shown = shorten_binary(base64.encodebytes(b"%PDF-1.7\n" + bytes(range(256)) * 9).decode(), Room(50, words))
    assert shown is not None
    assert shown.text.startswith("[base64 of PDF, ")


def test_words_and_paths_are_no_base64() -> None:
    line = "/usr/lib/python3/site-packages/" * 20 + " " + "x" * 500 + " " + "Supercalifragilistic" * 30
    assert name_blobs(line) == line


def test_bytes_read_as_text_are_named() -> None:
    png = (b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode("utf-8", "replace")
    shown = shorten_binary(png, Room(50, words))
    assert shown is not None
    assert shown.text == f"[binary data (PNG image), {len(png)} characters, not shown]"
    dump = shorten_binary("00000000: 7f45 4c46 0201 0100 0000 0000  .ELF\n" * 9, Room(50, words))
    assert dump is not None
    assert "a hex dump" in dump.text
    nuls = shorten_binary("\0" * 99, Room(50, words))
    assert nuls is not None
    assert nuls.text == "[NUL bytes, 99 characters, not shown]"
    assert shorten_binary("\0" * 99, Room(2, words)) is None


def test_a_picture_whose_first_byte_was_lost_is_known_by_the_next() -> None:
    shown = shorten_binary("\ufffdPNG\n\x1a\n\0\0\0\rIHDR" + "\ufffd" * 99, Room(50, words))
    assert shown is not None
    assert "PNG image" in shown.text
    unknown = shorten_binary("\ufffd\x01" * 99, Room(50, words))
    assert unknown is not None
    assert unknown.text == "[binary data, 198 characters, not shown]"


def test_the_line_above_a_shortened_result_is_found_again() -> None:
    line = marker("lines 1-4 of 9,000", 12345, "rabcdefghij23")
    assert line == (
        "[shortened: lines 1-4 of 9,000 (about 12,345 tokens); the rest: "
        'read_result("rabcdefghij23", ...) by lines, search or path]'
    )
    assert handle_in(f"{line}\nand the text") == "rabcdefghij23"
    assert handle_in(f"\n{line}") is None


def test_a_line_that_says_the_rest_was_not_kept_has_no_handle() -> None:
    line = marker("nothing", 5, None)
    assert "was not kept" in line
    assert handle_in(line) is None


def test_whatever_is_shown_the_line_is_one_line_of_bounded_length() -> None:
    line = marker("columns\n" * 5000, 5, "rabcdefghij23")
    assert len(line) < 800
    assert handle_in(line) == "rabcdefghij23"
