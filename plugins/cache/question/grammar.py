"""From the words of a question to what each is in it: shallow, by tables, so that it is the same every time."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from decimal import Decimal

from leanloop.plugins.cache.question.lexicon import Lexicon
from leanloop.plugins.cache.question.measures import number, plain, roman, unit, units
from leanloop.plugins.cache.question.phrasing import rephrased
from leanloop.plugins.cache.question.tokens import Token
from leanloop.plugins.cache.question.word import Kind, Word

__all__ = ["Grammar"]

_ENDS = frozenset(".?!;:()…\n")
_NO_SIGNS = frozenset("'\"-¿¡*•·|~")
_MAY_COUNT = frozenset("-*|~")
_LENGTHS = frozenset("'\"")  # feet and inches
_MOST_DIGITS = 18  # Decimal keeps 28, and a unit or "million" multiplies
_ONE_OF = frozenset({"?what", "each", "every", "the", "this", "that", "no", "any", "another"})


class Grammar:
    """Reads the tokens of one text, once.

    Attributes:
        question: what kind of question it turned out to be.
        words: what carries meaning in it.
    """

    def __init__(self, lexicon: Lexicon, tokens: Sequence[Token], *, cased: bool) -> None:
        self._lexicon = lexicon
        self._cased = cased
        self._capitals = {token.said for token in tokens[1:] if token.capital}
        self._role = ""
        self._case = ""  # of the noun to come
        self._article = ""  # before the noun to come
        self._pending = ""  # a preposition that nothing has followed yet
        self._joined = False
        self._helped = False  # an auxiliary has come in this clause
        self._starts = True  # a sentence, or a clause after a comma
        self._begins = True  # a sentence
        self._asks = False
        self._clause = 0  # the first word of the clause
        self.question = ""
        self.words: list[Word] = []
        self._readers: tuple[tuple[Container[str], Callable[[Token, Token | None], bool]], ...] = (
            (lexicon.modals, self._modal),
            (lexicon.negations, self._negation),
            (lexicon.numbers, self._number_word),
            (units(), self._unit),
            (lexicon.dates, self._date),
            (lexicon.quantities, self._quantity),
            (lexicon.roles, self._preposition),
            (lexicon.persons, self._person),
            (lexicon.joining, self._and),
            (lexicon.drop, self._nothing),
        )
        self._tokens, polite = rephrased(tokens, lexicon)
        for place, token in enumerate(self._tokens):
            self._take(token, place)
        self._end_clause()
        self._half_negation()
        self._frame()
        if not self.question:
            # Only in English does what comes first tell whether it is a question.
            self.question = "yesno" if self._asks and not polite and lexicon.language == "en" else "plain"

    def _take(self, token: Token, place: int) -> None:
        said = token.said
        match token.kind:
            case "mark":
                self._mark(said, place)
            case "target" if said.startswith("?"):
                self._ask(said, place)
            case "target":
                self._asks = self._asks or self._starts
                self._add(said[1:], "modal", said)
            case "literal":
                self._add(said, "literal", said)
            case "time":
                self._add(said, "date", said)
            case "ordinal":
                self._add(said, "number", said)
            case "number":
                value = None if self._is_version(place) else number(said, self._lexicon.language)
                self._add(said if value is None else plain(value), "number", said)
            case "sign":
                self._sign(said, place)
            case "word":
                self._word(token, self._tokens[place - 1] if place else None)

    def _mark(self, said: str, place: int) -> None:
        if self.words and self.words[-1].kind == "negation" and place + 1 < len(self._tokens):
            self._add("no,", "negation", said)  # "Don't, stop" and "Don't stop"
        self._end_clause()
        self._begins = said in _ENDS

    def _end_clause(self) -> None:
        self._end_pending()
        self._role, self._starts, self._joined, self._helped = "", True, False, False
        if self._lexicon.language == "de" and self._cased and self._clause < len(self.words):
            for place in {self._clause, len(self.words) - 1}:  # a verb may stand at either end of a clause
                word = self.words[place]
                if word.first or (word.kind == "content" and word.said not in self._capitals):
                    self.words[place] = replace(word, role="verb")
        self._clause = len(self.words)

    def _end_pending(self) -> None:
        if self._pending:
            self._add(self._pending, "content", self._pending)

    def _ask(self, kind: str, place: int) -> None:
        word, lexicon = kind[1:], self._lexicon
        after = self._tokens[place + 1].said if place + 1 < len(self._tokens) else ""
        if word in lexicon.roles and (self.question or (self._starts and after not in lexicon.reset)):
            self._govern(word)  # "when it rains", no question
        elif not self.question:
            self._end_pending()
            self.question, self._role = kind, ""
            self._helped = kind == "?how"  # how do I, how can I
        self._starts = self._begins = False

    def _govern(self, said: str) -> None:
        self._end_pending()
        self._pending = said
        role, clause = self._lexicon.roles[said], self._clause_role()
        self._role = f"{clause} {role}" if clause else role

    def _clause_role(self) -> str:
        """What governs the whole clause (if, than), whatever stands within it."""
        clause = self._role.partition(" ")[0]
        return clause if clause in self._lexicon.clauses else ""

    def _is_version(self, place: int) -> bool:
        """Python 3.10 is not Python 3.1; 3.10 euros are 3.1 euros."""
        said, before = self._tokens[place].said, self._tokens[place - 1] if place else None
        dotted, fraction = said.count(".") == 1, said.rpartition(".")[2]
        return (
            dotted
            and len(fraction) < 3
            and fraction.endswith("0")
            and before is not None
            and before.kind == "word"
            and before.said not in self._lexicon.profile
        )

    def _in_a_sum(self, place: int) -> bool:
        """Whether numbers or single letters are on both sides."""
        beside = self._tokens[place - 1 : place] + self._tokens[place + 1 : place + 2]
        return len(beside) == 2 and all(token.kind == "number" or len(token.said) == 1 for token in beside)

    def _sign(self, sign: str, place: int) -> None:
        length = sign in _LENGTHS and place > 0 and self._tokens[place - 1].kind == "number"
        if sign not in _NO_SIGNS or length or (sign in _MAY_COUNT and self._in_a_sum(place)):
            measure = unit(sign)
            self._add(measure.measures if measure else sign, "unit" if measure else "literal", sign)

    def _word(self, token: Token, before: Token | None) -> None:
        said, lexicon = token.said, self._lexicon
        if lexicon.language == "en" and said == "s" and before is not None and before.said == "'":
            if self.words:
                self.words[-1] = replace(self.words[-1], role="of")  # Peru's capital
            return
        if said == "a" and token.capital and self._cased and not self._begins and lexicon.language == "en":
            self._add("A", "literal", said)  # the letter
            return
        self._noun_begins(said, before)
        if said in lexicon.reset:
            self._asks = self._asks or self._starts
            if not self._pending and said not in lexicon.modals:
                self._role = self._clause_role()
        for table, read in self._readers:
            if said in table and read(token, before):
                break
        else:
            self._content(token)
        self._helped = self._helped or said in lexicon.reset or said in lexicon.modals
        if said not in lexicon.joining:
            self._starts = self._begins = False

    def _noun_begins(self, said: str, before: Token | None) -> None:
        lexicon = self._lexicon
        if self._pending or self._joined:
            return
        self._article = said if said in lexicon.genders else "" if said in lexicon.roles else self._article
        if said in lexicon.articles:
            self._role = self._clause_role()
        if said in lexicon.cases and not self._role and not (before is not None and before.kind == "target"):
            self._case = lexicon.cases[said]

    def _modal(self, token: Token, before: Token | None) -> bool:
        self._asks = self._asks or self._starts
        self._add(self._lexicon.modals[token.said], "modal", token.said)
        return True

    def _negation(self, token: Token, before: Token | None) -> bool:
        self._govern_too(token.said)
        self._add(self._lexicon.negations[token.said], "negation", token.said)
        return True

    def _quantity(self, token: Token, before: Token | None) -> bool:
        self._govern_too(token.said)
        self._add(self._lexicon.quantities[token.said], "quantity", token.said)
        self._joined = token.said in self._lexicon.joining
        return True

    def _govern_too(self, said: str) -> None:
        """Without and than are words of their own, and govern what follows."""
        if said in self._lexicon.roles:
            self._govern(said)
            self._pending = ""

    def _date(self, token: Token, before: Token | None) -> bool:
        dates, said = self._lexicon.dates, token.said
        noun = said.capitalize() if token.capital and not self._begins else said  # German Morgen and morgen
        self._add(dates.get(noun, dates[said]), "date", said)
        return True

    def _preposition(self, token: Token, before: Token | None) -> bool:
        self._govern(token.said)
        return True

    def _person(self, token: Token, before: Token | None) -> bool:
        self._add(self._lexicon.persons[token.said], "person", token.said)
        return True

    def _and(self, token: Token, before: Token | None) -> bool:
        self._joined = True
        return True

    def _nothing(self, token: Token, before: Token | None) -> bool:
        """What only helps a verb, but for the second in a clause: what do you have, what do you do."""
        return not (self._helped and token.said in self._lexicon.full_verbs)

    def _number_word(self, token: Token, before: Token | None) -> bool:
        """Not "which one", and no "second" after a number."""
        said, lexicon = token.said, self._lexicon
        value = lexicon.numbers[said]
        last = self.words[-1] if self.words and self.words[-1].kind == "number" else None
        if value == "1" and before is not None and before.said in _ONE_OF:
            return False
        if value.startswith("#") and last is not None:
            return False
        if last is None or not value.isdigit() or not _is_decimal(last.key) or self._joined:
            self._add(value, "number", said)
            return True
        amount, more = Decimal(last.key), Decimal(value)
        if more >= 100:
            self.words[-1] = replace(last, key=plain(amount * more))
        elif last.said in lexicon.numbers and amount % 10 == 0 and more < 10:
            self.words[-1] = replace(last, key=plain(amount + more))
        else:
            self._add(value, "number", said)
        return True

    def _unit(self, token: Token, before: Token | None) -> bool:
        """A short one ("m", "min") only after a number, whose amount becomes that of the base unit."""
        said, lexicon = token.said, self._lexicon
        measure = units()[said]
        last = self.words[-1] if self.words and self.words[-1].kind == "number" and not self._pending else None
        if said in lexicon.roles or said in lexicon.drop or said in lexicon.joining:
            return False
        if last is None and (len(said) <= 3 or said in lexicon.profile):
            return False
        if last is not None and _is_decimal(last.key):
            self.words[-1] = replace(last, key=plain(Decimal(last.key) * measure.factor))
            self._add(measure.measures, "unit", said)
        else:
            self._add(f"{measure.measures} {plain(measure.factor)}", "unit", said)
        return True

    def _content(self, token: Token) -> None:
        said, lexicon = token.said, self._lexicon
        capital = token.capital and self._cased and not self._begins
        value = roman(said.upper()) if capital and said not in lexicon.profile else None
        if value is not None:
            self._add(str(value), "number", said)
        else:
            self._add(said, "name" if capital and lexicon.language != "de" else "content", said)

    def _add(self, key: str, kind: Kind, said: str) -> None:
        role = self._role
        if kind == "date" and (not self._pending or role in self._lexicon.loose):
            role = "when"  # a date may stand anywhere
        if self._case and kind in {"content", "name"}:
            role, self._case = role or self._case, ""
        self._pending = ""
        self.words.append(Word(key, kind, role, said, self._joined, self._begins, self._article))
        self._article = ""
        self._joined = self._starts = self._begins = False

    def _half_negation(self) -> None:
        if any(token.said in self._lexicon.half_negations for token in self._tokens) and not any(
            word.kind == "negation" for word in self.words
        ):
            self.words.append(Word("not", "negation", "", "ne"))

    def _frame(self) -> None:
        """How much does it cost, what is the price: the word is in the kind of question, wherever it stood."""
        for becomes, said, kinds in self._lexicon.frames:
            if self.question in kinds and sum(word.said in said for word in self.words) == 1:
                self.question = becomes
                self.words = [word for word in self.words if word.said not in said]


def _is_decimal(text: str) -> bool:
    return len(text) <= _MOST_DIGITS and text.replace(".", "", 1).lstrip("-+").isdecimal()
