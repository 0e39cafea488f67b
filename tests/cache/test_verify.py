from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.cache.normalise import normalised
from leanloop.plugins.cache.question.reading import Reading, Unreadable, read
from leanloop.plugins.cache.verify import verify

SERVED = [
    ("How do I change my e-mail address?", "Could you tell me how to update my email address, please?"),
    ("What does it cost to fix the roof?", "How much does it cost to repair the roof?"),
    ("What is the price of the ticket?", "How much is the ticket?"),
    ("How long does delivery take to Peru?", "How long does shipping take to Peru?"),
    ("What is the mean price of eggs?", "What is the average price of eggs?"),
    ("When does the shop open?", "What time does the shop open?"),
    ("What does the word mean?", "What is the meaning of the word?"),
    ("Who is the author of Hamlet?", "Who wrote Hamlet?"),
    ("I'd like to close the account, how do I do that?", "How do I close the account?"),
    ("Wie kann ich mein Passwort ändern?", "Wie ändere ich mein Passwort?"),
    ("Was ist der Preis von dem Buch?", "Wie viel kostet das Buch?"),
    ("Wie viele Einwohner hat Leipzig?", "Wie viele Menschen leben in Leipzig?"),
    ("Comment puis-je changer mon mot de passe ?", "Comment changer mon mot de passe ?"),
    ("Combien coûte le billet ?", "Quel est le prix du billet ?"),
    ("¿Cómo puedo cambiar mi contraseña?", "¿Cómo cambio mi contraseña?"),
    ("¿Cuántas personas viven en Quito?", "¿Cuántos habitantes tiene Quito?"),
]

NOT_CHECKED = [
    ("如何打开帐户", "怎么打开帐户", "script"),
    ("口座を開く方法", "口座の開き方", "script"),
    ("كيف أفتح حسابا", "كيف أفتح الحساب", "script"),
    ("Как открыть счет?", "Как мне открыть счет?", "script"),
    ("Come posso aprire un conto?", "Come faccio ad aprire un conto?", "language"),
    ("Hoe open ik een rekening?", "Hoe kan ik een rekening openen?", "language"),
    ("Como posso abrir uma conta?", "Como eu abro uma conta?", "language"),
    ("reset password", "password reset", "language"),
    ("How do I reset it?", "Wie kann ich das machen?", "languages"),
    ("how is it " * 30, "how was it " * 30, "too many words"),
    ("What does ls -l print?", "What does ls -L print?", "names"),
    ("What is in https://example.com/A?", "What is in https://example.com/a?", "names"),
    ("How many Mb are in a page?", "How many MB are in a page?", "names"),
    ("Is the US included?", "Is us included?", "names"),
    ("Is A faster than B?", "Is B faster than A?", "order"),
    ("What is 3 - 5?", "What is 3 * 5?", "names"),
    ("Is Python 3.10 still supported?", "Is Python 3.1 still supported?", "numbers"),
    ("Don't, stop the engine!", "Don't stop the engine!", "negation"),
    ("Does she owe him money?", "Does he owe her money?", "person"),
    ("Are there few mistakes?", "Are there a few mistakes?", "quantity"),
    ("Do any users have access?", "Do the users have access?", "quantity"),
    ("What time is the meeting?", "What date is the meeting?", "question"),
    ("What is the mean of the incomes?", "What is the meaning of the incomes?", "question"),
    ("Can I park on the bridge?", "Can I park in the bridge?", "order"),
    ("How do I delete a user from a group?", "How do I remove a user from a group?", "instead"),
    ("¿Le debo dinero?", "¿Me debo dinero?", "person"),
    ("Est-ce que tu les aimes ?", "Est-ce que tu l'aimes ?", "instead"),
    ("What does it do?\n```\nif x:\n  y()\n  z()\n```", "What does it do?\n```\nif x:\n  y()\nz()\n```", "code"),
    ("What does Foo() return?", "What does foo() return?", "names"),
    ("Solve the sudoku with _ _ 2 in it", "Solve the sudoku with _ 2 _ in it", "order"),
    ("How do you process a refund?", "How do I process a refund?", "person"),
    ("Who do I pay?", "Who pays?", "question"),
    ("How do I say sorry?", "How do I say hello?", "instead"),
    ("Show just the open ones", "Show the open ones", "quantity"),
    ("What do you have?", "What do you do?", "instead"),
    ("Is the water too hot?", "Is the water hot?", "quantity"),
    ("How many apples?", "How many", "in one"),
]


@pytest.mark.parametrize(("one", "other"), SERVED)
def test_the_same_question_in_other_words_is_served(one: str, other: str) -> None:
    assert verify(one, other) is None
    assert verify(other, one) is None


@pytest.mark.parametrize(("one", "other", "why"), NOT_CHECKED)
def test_what_cannot_be_checked_is_not_served(one: str, other: str, why: str) -> None:
    assert why in (verify(one, other) or "")


@pytest.mark.parametrize("text", ["", " ", "x" * 1_000_000, "how " * 1_000])
def test_nothing_and_too_much_are_not_served(text: str) -> None:
    assert verify(text, "How do I reset it?") is not None
    assert verify("How do I reset it?", text) is not None


def test_the_same_text_is_served_in_any_language() -> None:
    assert verify("如何打开帐户", "如何打开帐户") is None


def test_a_swap_is_said_in_words() -> None:
    assert verify("Pay Ann from the fund of Ben", "Pay Ben from the fund of Ann") == "order: ann and fund"


HOSTILE = st.text(max_size=120) | st.text(
    alphabet=st.sampled_from("aeß'\"`/.,:-?!0123456789$€%@#\u0000\u0301\u202e\ud800²½ nothow"), max_size=120
)
SMALL_WORDS = (
    "how do i the a from to in of not without Oslo Lima 5 six 6pm $5 km more than before and or my your is was will",
    "can must wie ist der den nicht que le la los ¿cómo está , . ? 's I'd can't monday",
)
WORDS = st.lists(st.sampled_from(" ".join(SMALL_WORDS).split()), max_size=14).map(" ".join)


@given(HOSTILE | WORDS, HOSTILE | WORDS)
def test_any_two_texts_are_answered_and_alike_both_ways(one: str, other: str) -> None:
    assert (verify(one, other) is None) == (verify(other, one) is None)


@given(HOSTILE | WORDS)
def test_any_text_is_read_or_refused(text: str) -> None:
    assert isinstance(read(text), Reading | Unreadable)
    assert (verify(text, text) is None) == (normalised(text) is not None)


@pytest.mark.parametrize("piece", ["a.", "a/", "a-", "'", '"', "`", "1,", "1.", "1 ", "@a", "é", "how ", "?! ", "x@y."])
def test_a_text_made_to_be_slow_is_read_all_the_same(piece: str) -> None:
    text = piece * (2_000 // len(piece))
    assert isinstance(read(text), Reading | Unreadable)


@pytest.mark.parametrize(
    ("one", "other"),
    [("What is .NET?", "What is NET?"), ("Is it 'yes'?", "Is it yes?"), ("Is it Polish?", "Is it polish?")],
)
def test_signs_and_capitals_that_typing_does_not_explain_are_no_repeat(one: str, other: str) -> None:
    assert verify(one, other) is not None
    assert verify(other, one) is not None
