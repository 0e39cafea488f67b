from __future__ import annotations

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.prose import shorten_prose
from leanloop.plugins.shorten.shown import Room

count = counter_for("gpt-4o").text
FILLER = "The river went on past the mill as it had for years. Nobody in the village took much note of it. "
PARAGRAPHS = [f"## Part {n}\n\n{FILLER * 5}" for n in range(1, 30)]


def shorten(text: str, tokens: int, *words: str) -> str:
    shown = shorten_prose(text, Room(tokens, count, words))
    assert shown is not None
    assert count(shown.text) <= tokens
    return shown.text


def test_the_sentence_that_answers_stands_in_what_is_shown_with_its_neighbours() -> None:
    paragraphs = [*PARAGRAPHS]
    paragraphs[14] += "The ferry was sold to Marlow in 1871 for nine pounds. Then it was repaired."
    shown = shorten("\n\n".join(paragraphs), 200, "ferry", "marlow")
    assert "The ferry was sold to Marlow in 1871 for nine pounds." in shown
    assert "Then it was repaired." in shown


def test_first_and_last_and_headings_stay() -> None:
    shown = shorten("\n\n".join(["It began in May.", *PARAGRAPHS, "It ended in June."]), 250)
    assert shown.startswith("It began in May.")
    assert shown.endswith("It ended in June.")
    assert shown.count("## Part ") > 5


def test_gaps_between_lines_give_their_numbers_and_gaps_within_one_their_size() -> None:
    shown = shorten("\n\n".join(PARAGRAPHS), 120)
    assert "[…" in shown
    one_line = shorten((FILLER * 400).strip(), 120)
    assert "\n" not in one_line.replace(" [", "").strip()
    assert " characters] " in one_line


def test_one_line_without_an_end_is_shown_around_what_is_looked_for() -> None:
    shown = shorten("x" * 100_000 + " the needle is here " + "y" * 100_000, 100, "needle")
    assert "the needle is here" in shown


def test_sentences_of_other_scripts_are_parted_too() -> None:
    text = "今日は天気がいいです。" * 300 + "鍵は赤い箱の中にあります。" + "明日も晴れるでしょう。" * 300
    assert "鍵は赤い箱の中にあります。" in shorten(text, 150, "赤い", "鍵は")


def test_an_error_in_prose_stays() -> None:
    assert "ValueError: bad row 7" in shorten(
        "\n\n".join([*PARAGRAPHS[:15], "ValueError: bad row 7", *PARAGRAPHS[15:]]), 150
    )


def test_nothing_but_spaces_is_no_prose() -> None:
    assert shorten_prose(" \n" * 5000, Room(100, count)) is None
