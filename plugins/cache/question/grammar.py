"""From the words of a question to what each is in it: shallow, by tables, so that it is the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from leanloop.plugins.cache.question.lexicon import Lexicon
from leanloop.plugins.cache.question.measures import CURRENCIES, number, plain, roman, unit
from leanloop.plugins.cache.question.tokens import Token
from leanloop.plugins.cache.question.word import Kind, Word

__all__ = ["Grammar"]

_LEADING_SIGNS = CURRENCIES | {"-", "+"}
_ENDS = frozenset(".?!;:()…\n")


class Grammar:
    """Reads the tokens of one text, once.

    Attributes:
        question: what kind of question it turned out to be.
        words: what carries meaning in it.
    """

    def __init__(self, lexicon: Lexicon, tokens: Sequence[Token], *, cased: bool) -> None:
        self._lexicon = lexicon
        self._cased = cased
        self._role = ""
        self._pending: Token | None = None  # a preposition that nothing has followed yet
        self._joined = False
        self._starts = True  # a sentence, or a clause after a comma
        self._begins = True  # a sentence
        self._polite = False
        self._asks = False
        self._case = ""
        self._clause = 0  # the first word of the clause
        self._capitals = {token.said for token in tokens[1:] if token.capital}
        self.question = ""
        self.words: list[Word] = []
        self._tokens = self._rewritten(
            self._without_courtesy([token for token in tokens if token.said not in self._passed_over()])
        )
        for place, token in enumerate(self._tokens):
            self._take(token, place)
        self._end_clause()
        if any(token.said in lexicon.half_negations for token in self._tokens) and not any(
            word.kind == "negation" for word in self.words
        ):
            self.words.append(Word("not", "negation", "", "ne"))
        for becomes, said, kinds in lexicon.frames:
            if self.question in kinds and sum(word.said in said for word in self.words) == 1:
                self.question = becomes
                self.words = [word for word in self.words if word.said not in said]
        if not self.question:
            asks = self._asks and not self._polite and lexicon.language == "en"  # elsewhere any verb may come first
            self.question = "yesno" if asks else "plain"

    def _passed_over(self) -> frozenset[str]:
        fillers = self._lexicon.fillers
        return fillers if self._lexicon.language == "en" else fillers | {"'"}  # l'eau, gibt's

    def _without_courtesy(self, tokens: list[Token]) -> list[Token]:
        lexicon = self._lexicon
        for _ in range(3):
            while tokens and tokens[0].kind in {"mark", "sign"} and tokens[0].said not in _LEADING_SIGNS:
                del tokens[0]
            said = [token.said for token in tokens]
            if asking := lexicon.asking.at(0, said):
                rest = asking[0] + (said[asking[0] : asking[0] + 1] in ([","], [":"]))
                rest += (
                    said[rest : rest + 1] != [] and said[rest] in lexicon.roles and said[rest] not in lexicon.clauses
                )
                follows = lexicon.phrases.at(rest, said) or lexicon.phrases.at(rest - 1, said)
                if follows and follows[1][:1] and follows[1][0].startswith("?"):
                    tokens = tokens[asking[0] :]
                    continue
            courtesy = lexicon.courtesy.at(0, said)
            if not courtesy or courtesy[0] >= len(tokens):
                break
            tokens = tokens[courtesy[0] :]
            self._polite = True
        return tokens

    def _rewritten(self, tokens: Sequence[Token]) -> list[Token]:
        said = [token.said for token in tokens]
        written: list[Token] = []
        place = 0
        while place < len(tokens):
            found = self._lexicon.phrases.at(place, said)
            inside = place and tokens[place - 1].kind != "mark"
            if (
                found is not None
                and inside
                and (found[1][:1] and found[1][0][0] == "!" or self._late(said, place, found[0]))
            ):
                found = None
            if found is None:
                written.append(tokens[place])
                place += 1
            else:
                written += [Token(word, "target" if word[0] in "?!" else "word") for word in found[1]]
                place += found[0]
        return written

    def _late(self, said: Sequence[str], place: int, length: int) -> bool:
        """A word without its accent asks only where it comes first (como, donde)."""
        return length == 1 and said[place] in self._lexicon.only_first

    def _take(self, token: Token, place: int) -> None:
        match token.kind:
            case "mark":
                self._mark(token.said)
            case "target" if token.said.startswith("?"):
                self._ask(token.said, place)
            case "target":
                self._asks = self._asks or self._starts
                self._add(token.said[1:], "modal", token.said)
            case "literal":
                self._add(token.said, "literal", token.said)
            case "time":
                self._add(token.said, "date", token.said)
            case "ordinal":
                self._add(token.said, "number", token.said)
            case "number":
                self._number(token.said)
            case "sign":
                self._sign(token.said, place)
            case "word":
                self._word(token, place)

    def _mark(self, mark: str) -> None:
        self._end_clause()
        if mark in _ENDS:
            self._begins = True

    def _end_clause(self) -> None:
        if self._pending is not None:
            self._add(self._pending.said, "content", self._pending.said)
        self._role, self._starts, self._joined = "", True, False
        if self._lexicon.language == "de" and self._cased:  # a verb may stand at either end of a clause
            for place in {self._clause, len(self.words) - 1} if self._clause < len(self.words) else set[int]():
                word = self.words[place]
                small = word.kind == "content" and word.said not in self._capitals
                if small or word.first:
                    self.words[place] = replace(word, role="verb")
        self._clause = len(self.words)

    def _ask(self, kind: str, place: int) -> None:
        word = kind[1:]
        after = self._tokens[place + 1].said if place + 1 < len(self._tokens) else ""
        relative = word in self._lexicon.roles and (
            self.question or (self._starts and after not in self._lexicon.reset)
        )
        if relative:
            self._govern(Token(word, "word"))
        elif not self.question:
            self._end_pending()
            self.question = kind
            self._role = ""
        self._starts = self._begins = False

    def _end_pending(self) -> None:
        if self._pending is not None:
            self._add(self._pending.said, "content", self._pending.said)

    def _govern(self, token: Token) -> None:
        self._end_pending()
        self._pending = token
        role = self._lexicon.roles[token.said]
        clause = self._role.partition(" ")[0]
        self._role = f"{clause} {role}" if clause in self._lexicon.clauses else role

    def _sign(self, sign: str, place: int) -> None:
        if sign in "'\"-¿¡*•·|_~":
            return
        measure = unit(sign)
        if measure is None:
            self._add(sign, "literal", sign)
        else:
            self._add(measure.measures, "unit", sign)

    def _number(self, said: str) -> None:
        value = number(said, self._lexicon.language)
        self._add(said if value is None else plain(value), "number", said)

    def _word(self, token: Token, place: int) -> None:
        lexicon, said = self._lexicon, token.said
        before = self._tokens[place - 1] if place else None
        if lexicon.language == "en" and said == "s" and before is not None and before.said == "'":
            if self.words:
                self.words[-1] = replace(self.words[-1], role="of")
            return
        if said in lexicon.articles and self._pending is None and not self._joined:
            clause = self._role.partition(" ")[0]
            self._role = clause if clause in lexicon.clauses else ""  # another noun begins
        asked_for = before is not None and before.kind == "target"  # the price of
        if said in lexicon.cases and self._pending is None and not self._role and not asked_for:
            self._case = lexicon.cases[said]
        if said in lexicon.reset and said not in lexicon.modals:
            self._asks = self._asks or self._starts
            self._role = "" if self._pending is None else self._role
        if said in lexicon.modals:
            self._asks = self._asks or self._starts
            self._add(lexicon.modals[said], "modal", said)
        elif said in lexicon.negations:
            if said in lexicon.roles:
                self._govern(token)
                self._pending = None
            self._add(lexicon.negations[said], "negation", said)
        elif said in lexicon.numbers and self._counts(said, before):
            self._number_word(said, before)
        elif self._is_unit(said, before):
            self._unit(said)
        elif said in lexicon.dates:
            noun = said.capitalize() if token.capital and not self._begins else said
            self._add(lexicon.dates.get(noun, lexicon.dates[said]), "date", said)
        elif said in lexicon.quantities:
            if said in lexicon.roles:
                self._govern(token)
                self._pending = None
            self._add(lexicon.quantities[said], "quantity", said)
            self._joined = said in lexicon.joining
        elif said in lexicon.roles:
            self._govern(token)
        elif said in lexicon.persons:
            self._add(lexicon.persons[said], "person", said)
        elif said in lexicon.joining:
            self._joined = True
            return
        elif said not in lexicon.drop:
            value = roman(said.upper()) if token.capital and said not in lexicon.profile and self._cased else None
            if value is not None and not self._begins and len(said) > 1:
                self._add(str(value), "number", said)
            else:
                name = token.capital and self._cased and not self._begins and lexicon.language != "de"
                self._add(said, "name" if name else "content", said)
        self._starts = self._begins = False

    def _counts(self, said: str, before: Token | None) -> bool:
        """ "Which one" counts nothing, and the "second" after a number is a unit."""
        value = self._lexicon.numbers[said]
        if value == "1":
            return before is None or before.said not in self._lexicon.drop | {"?which", "?what", "each", "every"}
        return not (value.startswith("#") and self.words and self.words[-1].kind == "number")

    def _number_word(self, said: str, before: Token | None) -> None:
        value = self._lexicon.numbers[said]
        last = self.words[-1] if self.words and self.words[-1].kind == "number" and before is not None else None
        if last is not None and value.isdigit() and last.key.replace(".", "").isdigit() and not self._joined:
            amount, more = Decimal(last.key), Decimal(value)
            if more >= 100:
                self.words[-1] = replace(last, key=plain(amount * more))
                return
            if last.said in self._lexicon.numbers and amount % 10 == 0 and more < 10:
                self.words[-1] = replace(last, key=plain(amount + more))
                return
        self._add(value, "number", said)

    def _is_unit(self, said: str, before: Token | None) -> bool:
        """A short unit ("m", "in") is one only after a number."""
        lexicon = self._lexicon
        if unit(said) is None or said in lexicon.roles or said in lexicon.drop or said in lexicon.joining:
            return False
        after_number = bool(self.words) and self.words[-1].kind == "number" and self._pending is None
        return after_number or (len(said) > 3 and said not in lexicon.profile)

    def _unit(self, said: str) -> None:
        measure = unit(said)
        assert measure is not None
        last = self.words[-1] if self.words else None
        if last is not None and last.kind == "number" and self._pending is None and _is_decimal(last.key):
            self.words[-1] = replace(last, key=plain(Decimal(last.key) * measure.factor))
            self._add(measure.measures, "unit", said)
        else:
            self._add(f"{measure.measures} {plain(measure.factor)}", "unit", said)

    def _add(self, key: str, kind: Kind, said: str) -> None:
        role = self._role
        if kind == "date" and (self._pending is None or role in self._lexicon.loose):
            role = "when"  # a date may stand anywhere
        if self._case and kind in {"content", "name"}:
            role, self._case = role or self._case, ""
        self._pending = None
        self.words.append(Word(key, kind, role, said, self._joined, self._begins))
        self._joined = False
        self._starts = self._begins = False


def _is_decimal(text: str) -> bool:
    return text.replace(".", "", 1).lstrip("-+").isdigit()
