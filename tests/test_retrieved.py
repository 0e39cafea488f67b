"""What of retrieved passages a model is shown: each once, the best whole, and at both ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop import Budget, Task
from leanloop.budgets.context_rules import RetrievedRules
from leanloop.plugins.retrieved import Chosen, Passage, choose, save

TEXT = " ".join(f"{word} and so on" for word in ("alpha", "beta", "gamma", "delta", "eta", "kappa", "pi", "psi"))


def words(text: str) -> int:
    return len(text.split())


def chosen(*passages: Any, **rules: Any) -> tuple[int, ...]:
    given_passages = [one if isinstance(one, Passage) else Passage(*one) for one in passages]
    return choose(given_passages, RetrievedRules(**rules), words).places


def scored(*scores: float | None) -> list[Passage]:
    return [Passage(f"passage number {place}", score) for place, score in enumerate(scores)]


def test_the_best_stand_at_both_ends_and_the_worst_in_the_middle() -> None:
    assert chosen(*scored(0.9, 0.8, 0.7, 0.6, 0.5)) == (0, 2, 4, 3, 1)
    assert chosen(*scored(0.5, 0.9, 0.7, 0.8)) == (1, 2, 0, 3)


def test_the_order_is_a_matter_of_the_rules() -> None:
    assert chosen(*scored(0.5, 0.9, 0.7), order="best_first") == (1, 2, 0)
    assert chosen(*scored(0.5, 0.9, 0.7), order="as_given") == (0, 1, 2)


def test_without_scores_they_come_best_first() -> None:
    assert chosen(*scored(None, None, None, None)) == (0, 2, 3, 1)
    assert chosen(*scored(0.1, None, 0.9), order="best_first") == (0, 1, 2)


def test_a_score_that_is_no_number_is_the_worst() -> None:
    assert chosen(*scored(float("nan"), 0.1, 0.2), order="best_first") == (2, 1, 0)


def test_what_does_not_fit_is_left_out_worst_first() -> None:
    passages = [Passage("one two three", 0.1), Passage("four five six", 0.9), Passage("seven eight", 0.5)]
    assert chosen(*passages, max_tokens=5, order="as_given") == (1, 2)
    assert chosen(*passages, max_tokens=4, order="as_given") == (1,)


def test_the_best_one_stays_though_it_is_too_large() -> None:
    assert chosen(*scored(0.1, 0.9), max_tokens=1) == (1,)


def test_nothing_retrieved_is_nothing_shown() -> None:
    assert choose([], RetrievedRules(), words) == Chosen(())


def test_the_same_text_is_read_once_whatever_its_blanks_case_and_punctuation() -> None:
    assert chosen(("Paris is large.", 0.5), ("paris  is LARGE", 0.9), ("Rome is old.", 0.1)) == (1, 2)


def test_the_better_scored_of_two_alike_stays_though_a_worse_one_is_longer() -> None:
    assert chosen((TEXT, 0.9), (f"Well, {TEXT.lower()}", 0.4)) == (0,)
    assert chosen((TEXT, 0.4), (f"well {TEXT}", 0.9)) == (1,)


def test_a_part_of_a_passage_is_not_read_again() -> None:
    assert chosen((f"before that {TEXT} after that", 0.9), (TEXT, 0.5)) == (0,)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (f"{TEXT} costs 100 now", f"{TEXT} costs 200 now"),
        (f"{TEXT} by Anna there", f"{TEXT} by Bert there"),
        (f"{TEXT} is allowed here", f"{TEXT} is not allowed here"),
        (f"1 {TEXT} 2", f"2 {TEXT} 1"),
        (f"{TEXT} {TEXT[::-1]}", f"{TEXT} something else altogether here"),
        ("Paris is large", "Rome is large"),
        ("!?", "..."),
        ("東京は大きい町です", "東京は古い町です"),
    ],
    ids=["figure", "name", "negation", "figures swapped", "half", "short", "no words", "japanese"],
)
def test_passages_that_differ_in_what_matters_are_two(text: str, other: str) -> None:
    assert set(chosen((text, 0.9), (other, 0.5))) == {0, 1}
    assert set(chosen((other, 0.9), (text, 0.5))) == {0, 1}


def test_a_passage_that_says_more_is_read_though_a_better_one_says_most_of_it() -> None:
    assert set(chosen((f"{TEXT} 7", 0.9), (f"{TEXT} 7 8", 0.5))) == {0, 1}
    assert set(chosen((f"{TEXT} 7 8", 0.9), (f"so {TEXT} 7", 0.5))) == {0, 1}
    assert set(chosen((f"{TEXT} 7", 0.9), (f"{TEXT} {TEXT} then there is more to say of it all", 0.5))) == {0, 1}


def test_a_part_in_nearly_the_same_words_is_not_read_again() -> None:
    assert chosen(
        (f"Before that. {TEXT} And then there is much more after it, by Anna, in 2024.", 0.9), (f"so {TEXT}", 0.5)
    ) == (0,)


def test_boilerplate_that_all_share_hides_no_duplicate() -> None:
    shared = TEXT[::-1]
    first, second = f"{shared} {TEXT}", f"{shared} {TEXT.replace('a', 'o')}"
    assert set(chosen((first, 0.9), (second, 0.8), (second, 0.7), (first.lower() + " too", 0.6))) == {0, 1}


def test_passages_without_a_text_are_not_the_same() -> None:
    assert chosen(("", 0.9), ("", 0.5)) == (0, 1)


def test_the_same_text_from_two_sources_is_read_once() -> None:
    assert chosen(Passage(f"file: a\n{TEXT}", 0.5, TEXT), Passage(f"file: b\n{TEXT}", 0.9, TEXT)) == (1,)


def test_duplicates_may_be_kept() -> None:
    assert chosen(("a b c", 0.5), ("a b c", 0.9), duplicates="keep", order="as_given") == (0, 1)


def test_a_duplicate_takes_no_room() -> None:
    passages = [Passage("one two three", 0.9), Passage("one two three", 0.8), Passage("four five", 0.1)]
    assert chosen(*passages, max_tokens=5, order="best_first") == (0, 2)


@given(
    st.lists(st.tuples(st.text(max_size=30), st.floats() | st.none()), max_size=15),
    st.integers(1, 40) | st.none(),
    st.sampled_from(["drop", "keep"]),
    st.sampled_from(["ends", "best_first", "as_given"]),
)
def test_what_is_shown_is_a_choice_of_what_came_that_fits_and_is_never_empty(
    passages: list[tuple[str, float | None]], limit: int | None, duplicates: Any, order: Any
) -> None:
    rules = RetrievedRules(max_tokens=limit, duplicates=duplicates, order=order)
    found = [Passage(*passage) for passage in passages]
    given_choice = choose(found, rules, len)
    places = given_choice.places
    assert len(set(places)) == len(places)
    assert set(places) <= set(range(len(found)))
    assert bool(places) is bool(found)
    assert limit is None or len(places) <= 1 or sum(len(found[place].text) for place in places) <= limit
    assert len(places) + given_choice.repeated[0] + given_choice.left_out[0] == len(found)
    if duplicates == "keep" and limit is None:
        assert len(places) == len(found)


def test_what_is_spared_is_on_the_receipt() -> None:
    task = Task(Budget(agent="a"))
    passages = [Passage("one two three", 0.9), Passage("one two three", 0.8), Passage("four five", 0.1)]
    save(task, choose(passages, RetrievedRules(max_tokens=4), words), 3, "nodes")
    assert [(saving.what, saving.tokens) for saving in task.receipt().savings] == [
        ("1 of 3 retrieved nodes said nothing new", 3),
        ("1 of 3 retrieved nodes were left out", 2),
    ]
