from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.cache.normalise import LONGEST, folded, normalised

TYPED_ALIKE = [
    ("How do I reset it?", "how do i reset it"),
    ("How do I reset it?", "  How do I   reset it ?! "),
    ("How do I reset it?", "Hi team, how do I reset it?"),
    ("How do I reset it?", "okay so how do I reset it"),
    ("How do I reset it?", "Sorry, silly question, but how do I reset it?"),
    ("How do I reset it?", "How do I reset it, please?"),
    ("How do I reset it?", "How do I reset it? Thanks in advance!"),
    ("I cannot log in", "I can't log in"),
    ("What is the time?", "What's the time?"),
    ("What is the time?", "whats the time"),
    ("Will it rain - or not?", "Will it rain or not?"),
    ("Where is “Hamlet” set?", 'Where is "Hamlet" set?'),
    ("Wie groß ist es?", "Hallo, wie gross ist es? Vielen Dank"),
    ("Comment ça marche ?", "Bonjour, comment ça marche ? Merci d'avance"),
    ("¿Cómo se hace?", "Buenos días, ¿cómo se hace?"),
    ("\uff57hat is it?", "what is it?"),
    ("re\u00adset it\u200b now", "reset it now"),
]

KEPT_APART = [
    ("Is it Polish?", "Is it polish?"),
    ("Where is Turkey?", "Where is turkey?"),
    ("Can I come in May?", "Can I come in may?"),
    ("Haben Sie Zeit?", "Haben sie Zeit?"),
    ("Is it 5 Mg?", "Is it 5 mg?"),
    ("What costs 5G?", "What costs 5g?"),
    ("Was ist Masse?", "Was ist Maße?"),
    ("Was heißt bitte?", "Was heißt?"),
    ("Don't. Stop.", "Don't stop."),
    ("No, refund my order", "No refund my order"),
    ("What is 10²?", "What is 102?"),
    ("What is 3.5 + 1?", "What is 35 + 1?"),
    ("What is -5 squared?", "What is 5 squared?"),
    ("Is $5 enough?", "Is €5 enough?"),
    ("What is C++?", "What is C?"),
    ("What is C#?", "What is C++?"),
    ("Can US citizens come?", "Can us citizens come?"),
    ("Translate `No` for me", "Translate `no` for me"),
    ('Say "Polish" aloud', 'Say "polish" aloud'),
    ("Is vitamin B good?", "Is vitamin b good?"),
    ("How do I say thanks", "How do I say"),
    ("How do I say please", "How do I say"),
    ("Cancel my order?", "Cancel my order."),
    ("Right to left", "to left"),
    ("hello", "hi"),
    ("I'll go", "I go"),
]


@pytest.mark.parametrize(("one", "other"), TYPED_ALIKE)
def test_what_is_only_typed_differently_is_the_same(one: str, other: str) -> None:
    assert normalised(one) == normalised(other) is not None


@pytest.mark.parametrize(("one", "other"), KEPT_APART)
def test_what_may_mean_something_is_kept(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@pytest.mark.parametrize("text", ["", "  \n", "\u200b", "x" * (LONGEST + 1), "x" * 1_000_000, "ﷺ" * LONGEST])
def test_what_is_empty_or_too_long_has_no_normal_form(text: str) -> None:
    assert normalised(text) is None


def test_a_greeting_alone_stays() -> None:
    assert normalised("Hello!") == "hello"


@given(st.text(max_size=200))
def test_any_text_is_taken_and_its_normal_form_has_one_spelling(text: str) -> None:
    found = normalised(text)
    assert found is None or found == " ".join(found.split())
    assert normalised(f"  {text}\n") == found


@given(st.text(alphabet=st.characters(categories=["Cs", "Cf", "Mn", "So"]), max_size=100))
def test_surrogates_marks_and_invisible_characters_never_raise(text: str) -> None:
    folded(text)
    normalised(text)
