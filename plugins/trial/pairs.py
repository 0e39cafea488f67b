"""Questions that were answered with every setting in question, so that they can be compared question by question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from leanloop.errors import UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled

__all__ = ["Tried", "tried_with"]


@dataclass(frozen=True, slots=True)
class Tried:
    """One question, answered with several settings.

    Attributes:
        scores: from 0 to 1, in the order of the settings.
        costs: nano-dollars, None where one is not known.
    """

    id: str
    scores: tuple[float, ...]
    costs: tuple[int | None, ...]
    step: str = ""
    agent: str = ""
    question: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


def tried_with(rows: Iterable[Labelled], settings: Sequence[Setting]) -> list[Tried]:
    """The questions that were answered with each of the settings, in the order they come.

    Raises:
        UsageError: there are none; with what the set has.
    """
    seen: Counter[Setting] = Counter()
    questions: dict[tuple[str, str], dict[Setting, Labelled]] = {}
    for row in rows:
        seen[row.setting] += 1
        if row.setting in settings:
            questions.setdefault((row.agent, row.id), {})[row.setting] = row
    found = [
        _tried([by[setting] for setting in settings]) for by in questions.values() if len(by) == len(set(settings))
    ]
    if not found:
        has = ", ".join(f"{setting} ({count:,})" for setting, count in seen.most_common(8)) or "nothing"
        raise UsageError(
            f"No question of the set was answered with each of {', '.join(map(str, settings))}: each must have a row "
            f"for each of them, under the same id. Its settings, with their rows: {has}."
        )
    return found


def _tried(rows: Sequence[Labelled]) -> Tried:
    """What the settings did on one question; what is said of it is taken from the first row that says it."""
    return Tried(
        rows[0].id,
        tuple(row.score for row in rows),
        tuple(row.cost for row in rows),
        next((row.step for row in rows if row.step), ""),
        rows[0].agent,
        next((row.question for row in rows if row.question is not None), None),
        next((row.tags for row in rows if row.tags), rows[0].tags),
    )
