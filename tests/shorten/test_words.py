from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leanloop import Message
from leanloop.budgets.message import ToolRequest
from leanloop.plugins.call import ToolCall
from leanloop.plugins.shorten.lines import lower_case
from leanloop.plugins.shorten.words import part_starts, relevance, task_words, words_of

LINES = [
    "the order w123 was sent",
    "another order",
    "payment of 12.50 by mei_davis",
    "orders are counted",
    "a valid id",
]
TEXT = "\n".join(LINES)
STARTS = part_starts(LINES)


def test_identifiers_paths_numbers_and_quotes_come_before_words() -> None:
    words = task_words(
        "please look at the 'late fee' of order_17 in src/app/fees.py and report whether payments arrived"
    )
    telling = {"late fee", "order_17", "src/app/fees.py", "fees.py"}
    assert set(words[:4]) == telling
    assert words.index("payments") > 3


def test_stop_words_are_no_words_of_a_task() -> None:
    assert task_words("What is the one that you should have done with it?") == ()


def test_the_values_of_json_arguments_are_words_and_its_keys_are_not() -> None:
    words = task_words('{"command": "cat", "path": {"file": ["setup.cfg", 4711, null, true]}}')
    assert words[:2] == ("setup.cfg", "4711")
    assert set(words) == {"setup.cfg", "4711", "cat", "setup", "cfg"}


def test_a_word_of_no_end_is_no_word() -> None:
    assert task_words("x-" * 400 + "x") == ()


def test_broken_json_is_read_as_text() -> None:
    assert "setup.cfg" in task_words('{"path": "setup.cfg"')
    assert task_words("[" * 5000) == ()


def test_a_language_without_spaces_gives_pairs_of_characters() -> None:
    assert task_words("価格を調べる")[:2] == ("価格", "格を")


def test_words_of_the_first_text_weigh_more() -> None:
    assert task_words("alpha", "omega") == ("alpha", "omega")
    assert task_words("omega", "alpha") == ("omega", "alpha")


def test_as_many_words_as_asked_for_at_most() -> None:
    assert len(task_words(" ".join(f"word{n}" for n in range(500)), most=7)) == 7


@given(st.lists(st.text(), max_size=4))
def test_any_text_has_words(texts: list[str]) -> None:
    assert all(word == lower_case(word) for word in task_words(*texts))


def test_a_call_is_about_its_arguments_what_was_said_and_what_users_asked() -> None:
    history = (
        Message("system", "You know zebras."),
        Message("user", "Fix the checkout."),
        Message("assistant", "I look at invoices.", tool_calls=(ToolRequest("1", "grep", '{"q": "voucher"}'),)),
        Message("tool", "elephants", tool_call_id="1"),
    )
    words = words_of(ToolCall("2", "cat", '{"path": "basket.py"}', history=history))
    assert words[0] == "basket.py"
    assert {"checkout", "invoices", "voucher"} <= set(words)
    assert not {"zebras", "elephants"} & set(words)


def test_the_part_with_the_rarer_word_answers_best() -> None:
    found = relevance(TEXT, STARTS, ("order", "w123"))
    assert max(found, key=found.__getitem__) == 0
    assert found[0] > found[1] > 0


def test_a_short_word_or_a_number_is_no_part_of_a_longer_one() -> None:
    assert set(relevance(TEXT, STARTS, ("id",))) == {4}
    assert not relevance(TEXT, STARTS, ("23", "12.5"))
    assert set(relevance(TEXT, STARTS, ("12.50",))) == {2}


def test_a_longer_word_may_have_another_ending() -> None:
    assert set(relevance(TEXT, STARTS, ("order",))) == {0, 1, 3}
    assert not relevance(TEXT, STARTS, ("rder",))


def test_a_word_in_nearly_every_part_says_nothing() -> None:
    lines = ["order"] * 5000
    assert relevance("\n".join(lines), part_starts(lines), ("order",)) == {}


def test_no_parts_answer_nothing() -> None:
    assert relevance("", [0], ("a",)) == {}
    assert relevance("x", part_starts(["x"]), ("",)) == {}


def test_lower_case_keeps_every_character_where_it_was() -> None:
    assert lower_case("İX") == "ix"
