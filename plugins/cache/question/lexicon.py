"""What is known of a language: its small words, numbers, synonyms, opposites and endings, read from words/*.txt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["LANGUAGES", "Lexicon", "Phrases", "lexicon", "read_words"]

LANGUAGES = ("en", "de", "fr", "es")


class Phrases:
    """What is said in several words, and what it becomes."""

    __slots__ = ("_becomes", "_lengths")

    def __init__(self, becomes: Mapping[tuple[str, ...], tuple[str, ...]]) -> None:
        self._becomes = becomes
        lengths: dict[str, set[int]] = {}
        for said in becomes:
            lengths.setdefault(said[0], set()).add(len(said))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def at(self, place: int, words: Sequence[str]) -> tuple[int, tuple[str, ...]] | None:
        """The longest phrase that begins at a place: how many words it has, and what they become."""
        if place < len(words):
            for length in self._lengths.get(words[place], ()):
                becomes = self._becomes.get(tuple(words[place : place + length]))
                if becomes is not None:
                    return length, becomes
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """One language. Words are in lower case; what a phrase becomes may begin with ``?`` (a kind of question: ``?how``)
    or ``!`` (what may or must be: ``!can``).
    """

    language: str
    profile: frozenset[str]
    drop: frozenset[str]
    joining: frozenset[str]
    reset: frozenset[str]
    roles: Mapping[str, str]
    loose: frozenset[str]
    """Roles that a date may have or not (on Friday, Friday)."""
    clauses: frozenset[str]
    """Roles of a whole clause, within which other prepositions stand (if, than)."""
    negations: Mapping[str, str]
    compounds: frozenset[str]
    """Prepositions that a compound leaves out: the password for guests, the guest password."""
    articles: frozenset[str]
    """Words a noun begins with, articles and possessives."""
    only_first: frozenset[str]
    """Words that ask only where they come first."""
    half_negations: frozenset[str]
    """What negates only where nothing else does (French ne)."""
    genders: Mapping[str, str]
    """The genders (m, f, n; p for a plural) an article may have."""
    cases: Mapping[str, str]
    """The case an article shows, where one shows it."""
    quantities: Mapping[str, str]
    modals: Mapping[str, str]
    persons: Mapping[str, str]
    phrases: Phrases
    courtesy: Phrases
    asking: Phrases
    groups: Mapping[str, frozenset[int]]
    """The groups of synonyms a word is in."""
    opposites: frozenset[frozenset[str]]
    full_verbs: frozenset[str]
    """Auxiliaries that are verbs of their own after another one (do you have)."""
    forms: Mapping[str, str]
    past_forms: frozenset[str]
    past: frozenset[str]
    perfect: frozenset[str]
    future: frozenset[str]
    numbers: Mapping[str, str]
    dates: Mapping[str, str]
    endings: tuple[tuple[str, str], ...]
    no_forms: frozenset[str]
    openers: frozenset[str]
    """Words that change nothing where they come first."""
    fillers: frozenset[str]
    """Words that change nothing wherever they stand."""
    frames: tuple[tuple[str, frozenset[str], frozenset[str]], ...]
    """What a question becomes (``?cost``) by a word ("price") that is in it and its kind (``?what``)."""
    plurals: frozenset[str]
    tense_endings: Mapping[str, tuple[str, ...]]

    def tense_of(self, word: str) -> str:
        """The tense a form shows by itself: ``past``, ``future``, or ``present`` where it shows none."""
        if word in self.past_forms:
            return "past"
        for tense, endings in self.tense_endings.items():
            if tense != "participle" and word.endswith(endings):
                return tense
        return "present"

    def numbers_differ(self, one: str, other: str) -> bool:
        """Whether one of two forms of a word is a plural of the other."""
        short, long = sorted((one, other), key=len)
        if self.forms.get(long) == short or self.forms.get(short) == long:
            return long not in self.past_forms and short not in self.past_forms
        return long in {short + ending for ending in self.plurals} or (short[:-1] + "ies" == long and short[-1:] == "y")


@cache
def lexicon(language: str) -> Lexicon:
    """What is known of a language of `LANGUAGES`."""
    sections = _sections(language)

    def lines(name: str) -> list[str]:
        return sections.get(name, [])

    def words(name: str) -> list[str]:
        return [word for line in lines(name) for word in line.split()]

    groups: dict[str, set[int]] = {}
    for number, line in enumerate(lines("same")):
        for word in line.split():
            groups.setdefault(word, set()).add(number)
    forms = [line.split() for line in lines("forms")]
    return Lexicon(
        language=language,
        profile=frozenset(words("profile")),
        drop=frozenset(words("drop")),
        joining=frozenset(words("joining")),
        reset=frozenset(words("reset")),
        roles=_grouped(lines("roles")),
        loose=frozenset(words("loc")),
        clauses=frozenset(words("clauses")),
        negations=_grouped(words("not")),
        compounds=frozenset(words("compounds")),
        articles=frozenset(words("articles")),
        only_first=frozenset(words("only_first")),
        half_negations=frozenset(words("half_negations")),
        genders=_pairs(words("genders")),
        cases=_pairs(words("cases")),
        quantities=_grouped(lines("quantities")),
        modals=_grouped(lines("modals")),
        persons=_grouped(lines("persons")),
        phrases=_phrases(lines("phrases")),
        courtesy=_phrases(f" = {line}" for line in lines("courtesy")),
        asking=_phrases(f" = {line}" for line in lines("asking")),
        groups={word: frozenset(numbers) for word, numbers in groups.items()},
        opposites=frozenset(frozenset(line.split()) for line in lines("opposite")),
        full_verbs=frozenset(words("full_verbs")),
        forms={form[0]: form[1] for form in forms},
        past_forms=frozenset(form[0] for form in forms if form[2:] == ["past"]),
        past=frozenset(words("past")),
        perfect=frozenset(words("perfect")),
        future=frozenset(words("future")),
        numbers=_pairs(words("numbers")),
        dates=_pairs(words("dates")),
        endings=_endings(words("endings")),
        no_forms=frozenset(words("not_forms")),
        openers=frozenset(words("openers")),
        fillers=frozenset(words("fillers")),
        frames=tuple(_frame(line) for line in lines("frames")),
        plurals=frozenset(words("plurals")),
        tense_endings={
            tense: tuple(endings.split())
            for tense, _, endings in (line.partition(": ") for line in lines("tense_endings"))
        },
    )


def read_words(name: str) -> list[str]:
    """The lines of a file of words, without comments and empty ones, spelled as casefold() spells."""
    text = files("leanloop.plugins.cache.question").joinpath("words", f"{name}.txt").read_text(encoding="utf-8")
    text = text.replace("ß", "ss").replace("œ", "oe")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _sections(language: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in read_words(language):
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        else:
            current.append(line)
    return sections


def _grouped(lines: Iterable[str]) -> dict[str, str]:
    """Every word of a line, and the first of the line, which stands for all."""
    return {word: line.split()[0] for line in lines for word in line.split()}


def _pairs(words: Iterable[str]) -> dict[str, str]:
    """``mon=monday`` stands for another word, ``monday`` for itself."""
    return {word.partition("=")[0]: word.partition("=")[2] or word for word in words}


def _endings(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """``ies=y``: what a word may end with, and what stands there in its plain form."""
    return tuple((ending, plain) for ending, _, plain in (word.partition("=") for word in words))


def _frame(line: str) -> tuple[str, frozenset[str], frozenset[str]]:
    becomes, _, rest = line.partition(" = ")
    words, _, kinds = rest.partition(" : ")
    return becomes, frozenset(words.split()), frozenset(kinds.split())


def _phrases(lines: Iterable[str]) -> Phrases:
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in lines:
        target, _, said = line.partition("= ")
        for phrase in said.split("|"):
            found.setdefault(tuple(phrase.split()), tuple(target.split()))
    return Phrases(found)
