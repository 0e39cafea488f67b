"""What of retrieved passages a model is shown, and in which order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from leanloop.budgets.context_rules import RetrievedRules
from leanloop.errors import PriceUnknown
from leanloop.plugins.passages import Said
from leanloop.plugins.receipt import Saving
from leanloop.plugins.task import Task

__all__ = ["Chosen", "Passage", "choose", "save", "share_of_left"]

_MILLION = 1_000_000


class Passage(NamedTuple):
    """A retrieved text.

    Attributes:
        text: as the model would read it.
        score: how well it fits, the higher the better; None where nobody said.
        says: the text without what is written around it (metadata), by which duplicates are found; None for all of it.
    """

    text: str
    score: float | None = None
    says: str | None = None


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
        text, _, says = passages[place]
        if rules.duplicates == "drop" and not said.news(text if says is None else says):
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


def share_of_left(task: Task, share: float, model: str | None, provider: str | None = None) -> int | None:
    """The tokens that are the `share` of what the task has left; None where no limit is about tokens or money.

    Money is turned into tokens by the price of the `model` that will read them, where that is known.
    """
    left = task.left("tokens", "input_tokens")
    nanos = task.left("usd")
    if nanos is not None and model is not None:
        try:
            price, _ = task.prices.price(model, provider).worst_case(_MILLION)
        except PriceUnknown:
            price = 0
        affordable = nanos * _MILLION // price if price else None
        left = min((each for each in (left, affordable) if each is not None), default=None)
    return None if left is None else int(share * left)


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
