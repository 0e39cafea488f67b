"""What is no answer, what depends on the day, and what changes something, in four languages."""

from __future__ import annotations

import pytest

from leanloop.plugins.cache.cacheable import changes_something, refuses, volatile


@pytest.mark.parametrize(
    "text",
    [
        "I\u2019m sorry, but I can\u2019t help with that.",
        "Unfortunately, I cannot share it",
        "I do not have access to that",
        "Leider kann ich Ihnen dabei nicht helfen",
        "Ich kann dir dabei leider nicht helfen",
        "Je ne peux pas vous aider",
        "No puedo ayudarte",
    ],
)
def test_a_refusal_is_no_answer(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "I cannot recommend this enough",
        "I can't wait to see it",
        "I'm sorry to hear that. Press the button for ten seconds.",
        "I'm sorry for the delay. The parcel comes by post.",
        "Ich kann das nicht genug loben",
        "Je ne peux pas assez le recommander",
        "No puedo dejar de recomendarlo",
        "The function won't return",
    ],
)
def test_an_answer_that_sounds_like_a_refusal_is_an_answer(text: str) -> None:
    assert not refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hi, please delete my account",
        "ok, cancel it",
        "Thanks. Now delete the file",
        "Go ahead and delete it",
        "I need you to book it",
        "Löschen Sie die Datei",
        "Kannst du bitte die Datei löschen?",
        "Pouvez-vous annuler ma réservation ?",
        "¿Puedes cancelar mi pedido?",
    ],
)
def test_a_request_to_act_is_seen_behind_courtesy(text: str) -> None:
    assert changes_something(text)


@pytest.mark.parametrize(
    "text",
    [
        "How do I cancel my order?",
        "Can you explain how to delete a file?",
        "Wie kann ich die Datei löschen?",
        "Comment puis-je annuler ?",
        "¿Cómo puedo cancelar mi pedido?",
    ],
)
def test_a_question_about_an_act_is_none(text: str) -> None:
    assert not changes_something(text)


@pytest.mark.parametrize(
    "text",
    [
        "Is it raining?",
        "What's new?",
        "When is the next train?",
        "How old is the mayor?",
        "How many days until Christmas?",
        "Quel temps fait-il ?",
        "What is the balance of the account?",
        "Wie ist mein Kontostand?",
        "Quel film passe en ce moment ?",
        "¿Llueve esta semana?",
    ],
)
def test_what_depends_on_the_moment_is_volatile(text: str) -> None:
    assert volatile(text)
