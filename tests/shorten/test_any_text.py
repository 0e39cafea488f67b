"""What holds of every shortener, whatever the text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.result_rules import Kind
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.lines import as_shown
from leanloop.plugins.shorten.shorten import kind_of, shorten
from leanloop.plugins.shorten.shown import Room

LINE_KINDS: tuple[Kind, ...] = ("log", "search", "prose", "binary")
ALL_KINDS: tuple[Kind, ...] = (*LINE_KINDS, "json", "table", "html", "diff", "code")
count = counter_for("gpt-4o").text

pieces = st.sampled_from(
    (
        *(
            "error: ",
            "FAILED ",
            "E   ",
            "Traceback (most recent call last):\n",
            '  File "x"',
            "src/a.py:12:",
            "a.py-3-",
        ),
        *("\n", "\n\n", " ", "\t", "\r", "\b", "\x1b[31m", "\x00", "\ud800", "İ", "価格。", "...", "0x1f", "12,", "|"),
        *("{", "[", "<a>", "## ", "@@ -1 +1 @@\n", "A" * 300, "aB3" * 90, "data:image/png;base64,iVBORw0KGgo"),
    )
)
texts = st.one_of(
    st.text(st.characters()), st.lists(st.one_of(pieces, st.text(st.characters(), max_size=20))).map("".join)
)
many_lines = st.tuples(texts, st.integers(1, 60)).map(lambda both: (both[0] + "\n") * both[1])
any_text = st.one_of(texts, many_lines)
words = st.lists(st.text(min_size=1, max_size=8).map(str.lower), max_size=4).map(tuple)


@given(any_text, st.integers(1, 300), words, st.sampled_from((None, *ALL_KINDS)))
def test_what_is_shown_never_takes_more_than_its_room(
    text: str, tokens: int, looked_for: tuple[str, ...], kind: Kind | None
) -> None:
    assert count(shorten(text, Room(tokens, count, looked_for), kind).text) <= tokens


@given(any_text, st.integers(1, 200), words)
def test_the_same_text_is_shown_the_same(text: str, tokens: int, looked_for: tuple[str, ...]) -> None:
    room = Room(tokens, count, looked_for)
    assert shorten(text, room) == shorten(text, room)


@given(any_text)
def test_a_text_that_fits_is_shown_as_it_is(text: str) -> None:
    shown = shorten(text, Room(100_000, count))
    assert (shown.text, shown.complete) == (text, True)


@given(any_text)
def test_every_text_is_of_some_kind(text: str) -> None:
    assert kind_of(text) in {"json", "log", "table", "search", "html", "diff", "code", "prose", "binary"}


@given(
    st.lists(
        st.text(
            st.characters(blacklist_characters="\n\r\x08\x1b\x9b[", blacklist_categories=["Cs"]),
            min_size=1,
            max_size=60,
        ),
        min_size=8,
        max_size=80,
    ),
    words,
)
def test_each_line_that_is_shown_of_a_log_is_a_line_of_it_or_a_mark(
    lines: list[str], looked_for: tuple[str, ...]
) -> None:
    shown = shorten("\n".join(lines), Room(60, count, looked_for), "log").text
    there = {line.strip() for line in lines}
    for line in shown.split("\n"):
        assert line.strip() in there or re.fullmatch(
            r"\[…[\d-]+(: [\d,]+ more like this)?\]|.*  \[[\d,]+ lines like this\]", line
        )


@given(
    st.lists(
        st.text(st.characters(blacklist_characters="\n\r\x08\x1b\x9b[", blacklist_categories=["Cs"]), max_size=400),
        min_size=2,
        max_size=20,
    ),
    words,
)
def test_each_passage_that_is_shown_of_prose_stands_in_it(lines: list[str], looked_for: tuple[str, ...]) -> None:
    text = "\n".join(lines)
    for passage in re.split(
        r"\n| ?\[(?:…|\.\.\. )[^\]]+\] ?", shorten(text, Room(60, count, looked_for), "prose").text
    ):
        assert all(word in text for word in passage.split())


@pytest.mark.parametrize("kind", [None, *ALL_KINDS])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\n" * 100_000, id="newlines"),
        pytest.param("x" * 300_000, id="one line"),
        pytest.param("error " * 50_000, id="errors"),
        pytest.param("a:1:\n" * 30_000, id="hits"),
        pytest.param("\x1b[" * 50_000, id="escapes"),
        pytest.param("a\r" * 50_000, id="returns"),
        pytest.param("\ud800" * 50_000, id="surrogates"),
        pytest.param("\0" * 50_000, id="NULs"),
        pytest.param(". " * 50_000, id="dots"),
        pytest.param("İ error\n" * 9_000, id="dotted I"),
    ],
)
def test_hostile_texts_are_shown_within_their_room(text: str, kind: Kind | None) -> None:
    shown = shorten(text, Room(200, count, ("error", "x")), kind)
    assert 0 < count(shown.text) <= 200
    assert not shown.complete


@given(texts)
def test_a_text_has_as_many_lines_after_its_escapes_are_gone(text: str) -> None:
    assert as_shown(text).count("\n") == text.replace("\r\n", "\n").count("\n")
