"""The answers of a budget file, found by question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import regex

from leanloop.budgets.answer_rules import KnownAnswer

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["AnswerBook", "filled", "in_one_spelling"]

SECONDS: Final = 0.05
"""How long one expression may look at one question."""

LONGEST: Final = 10_000
"""Characters of a question that an expression looks at; a longer one matches none."""

_END_MARKS: Final = " .?!…。？！؟"  # noqa: RUF001 that is what they are


class AnswerBook:
    """The answers of a file, found by question."""

    def __init__(self, answers: tuple[KnownAnswer, ...]) -> None:
        self._asked: dict[str, KnownAnswer] = {}
        self._others: list[tuple[KnownAnswer, regex.Pattern[str] | None]] = []
        for rule in answers:
            if rule.ask is not None:
                self._asked.setdefault(in_one_spelling(rule.ask), rule)
            else:
                self._others.append((rule, None if rule.match is None else regex.compile(rule.match)))

    def of(self, question: str, task: Task) -> Iterator[tuple[KnownAnswer, Mapping[str, str]]]:
        """The answers that may serve, the best first, each with the groups of its expression."""
        exact = self._asked.get(in_one_spelling(question))
        if exact is not None:
            yield exact, {}
        for rule, pattern in self._others:
            if pattern is None:
                yield rule, {}
                continue
            if len(question) > LONGEST:
                continue
            try:
                found = pattern.fullmatch(question.strip(), timeout=SECONDS)
            except TimeoutError:
                task.note(f"An expression under answers took longer than {SECONDS:g} s, and matched nothing.")
                continue
            if found is not None:
                yield rule, {name: text or "" for name, text in found.groupdict().items()}


def in_one_spelling(question: str) -> str:
    """A question without what does not count in it: case, blanks, the mark at its end."""
    words = " ".join(question.casefold().split())
    return words.rstrip(_END_MARKS) or words


def filled(text: str, groups: Mapping[str, str]) -> str:
    """The text with what each group matched; a name in braces that is no group's stays."""
    if not groups:
        return text
    return regex.sub(r"\{(\w+)\}", lambda found: groups.get(found[1], found[0]), text)
