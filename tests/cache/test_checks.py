from __future__ import annotations

import pytest

from leanloop.plugins.cache.checks import CHECKS
from leanloop.plugins.cache.question.comparison import Comparison, compare
from leanloop.plugins.cache.question.reading import Reading, read

BY_NAME = {check.__name__: check for check in CHECKS}

# For each check: pairs it must block, and pairs it must let through.
BLOCKED = {
    "question": [
        ("How do I reset it?", "Why do I reset it?"),
        ("Who is in the room?", "Where is the room?"),
        ("Can I cancel my order?", "How do I cancel my order?"),
        ("Wo wohnt der Mann?", "Wann wohnt der Mann dort?"),
        ("Où habite le chat ?", "Quand habite le chat ici ?"),
        ("¿Dónde vive el gato?", "¿Cuándo vive el gato aquí?"),
    ],
    "numbers": [
        ("How many are in 5 of the boxes?", "How many are in 6 of the boxes?"),
        ("Give me two of the ideas", "Give me five of the ideas"),
        ("What is in the third chapter?", "What is in the fourth chapter?"),
        ("What is in chapter IV of the book?", "What is in chapter VI of the book?"),
        ("Is twenty five of them the limit?", "Is twenty six of them the limit?"),
        ("Is 1,5 the value?", "Is 1.5 the value?"),
        (f"Is it {'9' * 29}1 of the units?", f"Is it {'9' * 29}2 of the units?"),
        (f"Is it {'9' * 28}1 km to the sea?", f"Is it {'9' * 28}2 km to the sea?"),
        ("Kostet der Flug 1.500 Euro?", "Kostet der Flug 1,500 Euro?"),
        ("Is it 60 minutes to the sea?", "Is it 2 hours to the sea?"),
    ],
    "dates": [
        ("Is the shop open on Monday?", "Is the shop open on Tuesday?"),
        ("What did he do in March?", "What did he do in April?"),
        ("Was hat er heute?", "Was hat er morgen?"),
        ("Ist der Laden am Morgen offen?", "Ist der Laden morgen offen?"),
        ("Is the bar open at 6 pm?", "Is the bar open at 6 am?"),
        ("¿Abre hoy la tienda?", "¿Abre mañana la tienda?"),
    ],
    "units": [
        ("How much is 5 miles in kilometres?", "How much is 5 miles in metres?"),
        ("Is $5 a lot for the book?", "Is €5 a lot for the book?"),
        ("Sind das 5 Liter von der Milch?", "Sind das 5 Kilo von der Milch?"),
    ],
    "negation": [
        ("Which of the cats are safe?", "Which of the cats are not safe?"),
        ("Find a flight with a stop", "Find a flight without a stop"),
        ("Welche Hunde sind für Kinder gut?", "Welche Hunde sind für Kinder nicht gut?"),
        ("J'ai plus de lait", "Je n'ai plus de lait"),
        ("¿Qué gatos son buenos?", "¿Qué gatos no son buenos?"),
    ],
    "opposites": [
        ("How do I enable the mode?", "How do I disable the mode?"),
        ("Is it legal to park on the grass?", "Is it illegal to park on the grass?"),
        ("Is the ladder safe?", "Is the ladder unsafe?"),
        ("Wie öffne ich das Fenster?", "Wie schließe ich das Fenster?"),
        ("Comment ouvrir la porte ?", "Comment fermer la porte ?"),
        ("¿Cómo abro la puerta?", "¿Cómo cierro la puerta?"),
    ],
    "quantities": [
        ("Are all of the dogs good?", "Are some of the dogs good?"),
        ("Show me only the open ones", "Show me the open ones"),
        ("Is it at least a mile?", "Is it at most a mile?"),
        ("Hat Reis mehr Eiweiß als Brot?", "Hat Reis weniger Eiweiß als Brot?"),
        ("Should I call or write to him?", "Should I call and write to him?"),
    ],
    "names": [
        ("What is the population of Oslo?", "What is the population of Lima?"),
        ("What is in the file a/b.txt?", "What is in the file a/c.txt?"),
        ("What is the state of A-1042?", "What is the state of A-1043?"),
        ("Write to ann@example.com", "Write to bob@example.com"),
        ("Where do I find Polish here?", "Where do I find polish here?"),
    ],
    "modality": [
        ("Can I eat the rice?", "Must I eat the rice?"),
        ("Darf ich den Reis essen?", "Muss ich den Reis essen?"),
        ("Puis-je manger du riz ?", "Dois-je manger du riz ?"),
        ("¿Puedo comer el arroz?", "¿Debo comer el arroz?"),
    ],
    "tense": [
        ("Did the firm raise the price?", "Will the firm raise the price?"),
        ("Who is the chief of the firm?", "Who was the chief of the firm?"),
        ("Has the order been sent?", "Is the order sent?"),
        ("The firm raised the price", "The firm raises the price"),
        ("Was macht der Mann?", "Was machte der Mann?"),
        ("¿Quién es el jefe del hotel?", "¿Quién era el jefe del hotel?"),
        ("Wird er die Preise nennen?", "Hat er die Preise genannt?"),
    ],
    "persons": [
        ("What is my opinion of it?", "What is your opinion of it?"),
        ("What is my credit score?", "What is a credit score?"),
        ("Was ist dein Eindruck?", "Was ist mein Eindruck?"),
        ("¿Cuántos hijos tiene él?", "¿Cuántos hijos tiene ella?"),
    ],
    "additions": [
        ("How do I buy a card?", "How do I buy a gift card?"),
        ("What are the signs of flu?", "What are the signs of flu in babies?"),
        ("Wie kaufe ich eine Karte?", "Wie kaufe ich eine bunte Karte?"),
    ],
    "substitutions": [
        ("How do I cook it in the oven?", "How do I cook it in the microwave?"),
        ("What goods are taxed?", "What good is taxed?"),
        ("¿Dónde está mi hijo?", "¿Dónde está mi hija?"),
        ("Es ist schon so", "Es ist schön so"),
    ],
    "plurality": [
        ("Delete the file", "Delete the files"),
        ("Delete the company", "Delete the companies"),
        ("Send it to the child", "Send it to the children"),
    ],
    "genders": [
        ("Où est le livre ?", "Où est la livre ?"),
        ("¿Dónde está el capital?", "¿Dónde está la capital?"),
        ("Was kostet die Steuer?", "Was kostet das Steuer?"),
    ],
    "gerunds": [
        ("What is fishing?", "What is fish?"),
        ("How does training work?", "How does a train work?"),
        ("Is housing expensive?", "Is a house expensive?"),
    ],
    "order": [
        ("How do I get from Oslo to Lima?", "How do I get from Lima to Oslo?"),
        ("Does Ann like Ben?", "Does Ben like Ann?"),
        ("Is Oslo bigger than Lima?", "Is Lima bigger than Oslo?"),
        ("Does it rain more in May than in June?", "Does it rain more in June than in May?"),
        ("Den Hund beißt der Mann", "Der Hund beißt den Mann"),
        ("¿El perro come al gato?", "¿El gato come al perro?"),
        ("Est-ce que Oslo est plus grand que Lima ?", "Est-ce que Lima est plus grand que Oslo ?"),
        ("How many cups are in a spoon?", "How many spoons are in a cup?"),
        ("Book a room for Ann and cancel a room for Ben", "Book a room for Ben and cancel a room for Ann"),
    ],
}

LET_THROUGH = {
    "question": [("How do I fix it?", "What is the best way to fix it?"), ("What time is it on?", "When is it on?")],
    "numbers": [
        ("Is it 60 minutes to the sea?", "Is it 1 hour to the sea?"),
        ("What is in chapter IV of the book?", "What is in chapter 4 of the book?"),
        ("Is it 1,000 or 2,000 to the dollar?", "Is it 1000 or 2000 to the dollar?"),
        ("Is two hundred of it enough?", "Is 200 of it enough?"),
        ("Which one of them is it?", "Which of them is it?"),
    ],
    "dates": [("Is it on at 6 pm?", "Is it on at 18:00?"), ("Is he in on Mon?", "Is he in on Monday?")],
    "units": [("Is it 5 km to the sea?", "Is it 5 kilometres to the sea?")],
    "negation": [("Why is it not on?", "Why isn't it on?")],
    "opposites": [("How do I fix the phone?", "How do I repair the phone?")],
    "quantities": [("Is each of the dogs good?", "Is every one of the dogs good?")],
    "names": [("is oslo in norway?", "Is Oslo in Norway?")],
    "modality": [("Can I eat the rice?", "Am I allowed to eat the rice?")],
    "tense": [("Why won't it start for me?", "Why doesn't it start for me?")],
    "persons": [("How do I close my account?", "How to close an account?")],
    "additions": [("How do I really fix it?", "How do I fix it?")],
    "substitutions": [
        ("What colour is the house?", "What color is the house?"),
        ("How do I organise the files?", "How do I organize the files?"),
        ("How do I stop the engine?", "How to go about stopping the engine?"),
        ("How do I change the adress?", "How do I change the address?"),
        ("What is in the perscription?", "What is in the prescription?"),
        ("Wie aendere ich das Bild?", "Wie ändere ich das Bild?"),
        ("Où est l'hôtel dans la ville ?", "Ou est l'hotel dans la ville ?"),
    ],
    "plurality": [("Which file of it is the best?", "Which files of it are the best?")],
    "genders": [("Was kostet der Hund?", "Was kostet den Hund?"), ("Où est le livre ?", "Où est mon livre ?")],
    "gerunds": [
        ("How do I reset the password?", "What are the steps for resetting the password?"),
        ("¿Qué es el parking?", "¿Qué es un parking?"),
    ],
    "order": [
        ("In Oslo, what is the rent?", "What is the rent in Oslo?"),
        ("Is Ann or Ben at home?", "Is Ben or Ann at home?"),
        ("What is the capital of Peru?", "What is Peru's capital?"),
        ("What is the password for guests?", "What is the guest password?"),
        ("On Friday, is the shop open?", "Is the shop open on Friday?"),
        ("Wie exportiere ich in Word meine Bilder?", "Wie exportiere ich meine Bilder in Word?"),
    ],
}


def compared(one: str, other: str) -> Comparison:
    asked, known = read(one), read(other)
    assert isinstance(asked, Reading)
    assert isinstance(known, Reading)
    assert asked.lexicon is known.lexicon
    return compare(asked, known)


@pytest.mark.parametrize(("name", "pair"), [(name, pair) for name, pairs in BLOCKED.items() for pair in pairs])
def test_a_check_says_why_not(name: str, pair: tuple[str, str]) -> None:
    one, other = pair
    assert BY_NAME[name](compared(one, other))
    assert BY_NAME[name](compared(other, one))


@pytest.mark.parametrize(("name", "pair"), [(name, pair) for name, pairs in LET_THROUGH.items() for pair in pairs])
def test_a_check_lets_pass_what_it_is_not_about(name: str, pair: tuple[str, str]) -> None:
    one, other = pair
    assert BY_NAME[name](compared(one, other)) is None
    assert BY_NAME[name](compared(other, one)) is None


def test_every_check_has_its_table() -> None:
    assert set(BLOCKED) == set(LET_THROUGH) == set(BY_NAME)
