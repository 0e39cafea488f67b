"""What of retrieved passages a model is shown, and in which order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from leanloop.budgets.context_rules import RetrievedRules
from leanloop.plugins.passages import Said
from leanloop.plugins.receipt import Saving
from leanloop.plugins.task import Task

__all__ = ["Chosen", "Passage", "choose", "save"]


class Passage(NamedTuple):
    """A retrieved text as the model would read it, and how well it fits; None where nobody said."""

    text: str
    score: float | None = None


class Chosen(NamedTuple):
    """What is shown.

    Attributes:
        places: of the passages that stay, in the order in which they are shown.
        repeated: how many said nothing new, and their tokens.
        left_out: how many did not fit, and their tokens.
    """

    places: tuple[int, ...]
    repeated: tuple[int, int] = (0, 0)
    left_out: tuple[int, int] = (0, 0)


def choose(passages: Sequence[Passage], rules: RetrievedRules, count: Callable[[str], int]) -> Chosen:
    """The passages that stay: whole ones, best first, as many as fit; the best one always does.

    Where a score is missing they are taken to come best first. Of passages that say the same the better one stays.

    Args:
        passages: as they were retrieved.
        rules: the limit, what becomes of duplicates, and the order.
        count: tokens of a text.
    """
    ranked = _ranked(passages)
    said, kept, room = Said(), list[int](), rules.max_tokens
    repeated, left_out = [0, 0], [0, 0]
    for place in ranked:
        text = passages[place].text
        if rules.duplicates == "drop" and not said.news(text):
            _note(repeated, count(text))
            continue
        size = 0 if room is None else count(text)
        if kept and room is not None and size > room:
            _note(left_out, size)
            continue
        kept.append(place)
        room = None if room is None else room - size
    return Chosen(_arranged(kept, rules.order), (repeated[0], repeated[1]), (left_out[0], left_out[1]))


def save(task: Task, chosen: Chosen, of: int, noun: str) -> None:
    """Put on the receipt what `chosen` spares, of so many passages that `noun` names (``nodes``, ``documents``)."""
    for (number, tokens), what in ((chosen.repeated, "said nothing new"), (chosen.left_out, "were left out")):
        if number:
            text = f"{number} of {of} retrieved {noun} {what}"
            task.save(Saving("retrieved", text, "counted, as if each were read once", tokens=tokens))


def _ranked(passages: Sequence[Passage]) -> Sequence[int]:
    scores = [passage.score for passage in passages]
    if any(score is None for score in scores):
        return range(len(passages))
    return sorted(range(len(passages)), key=lambda place: -_comparable(scores[place]))


def _comparable(score: float | None) -> float:
    """A score to sort by: one that is no number is the worst."""
    return -math.inf if score is None or math.isnan(score) else score


def _arranged(kept: list[int], order: str) -> tuple[int, ...]:
    """The order in which they are shown. Models read the middle least: Liu et al., "Lost in the Middle" (2023),
    https://arxiv.org/abs/2307.03172; hence ``ends``: the best first, the next best last, and so on inwards.
    """
    match order:
        case "ends":
            return (*kept[::2], *kept[1::2][::-1])
        case "as_given":
            return tuple(sorted(kept))
        case _:
            return tuple(kept)


def _note(counted: list[int], tokens: int) -> None:
    counted[0] += 1
    counted[1] += tokens
