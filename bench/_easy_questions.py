"""Easy questions with a known answer, made by reasoning-gym."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

__all__ = ["Question", "easy_questions"]

_FAMILIES: dict[str, dict[str, Any]] = {
    "chain_sum": {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2},
    "letter_counting": {"min_words": 3, "max_words": 5},
    "number_sorting": {"min_numbers": 3, "max_numbers": 3, "max_decimals": 0, "min_value": 1, "max_value": 50},
    "leg_counting": {"min_animals": 1, "max_animals": 2, "min_instances": 1, "max_instances": 3},
    "coin_flip": {"min_trials": 1, "max_trials": 2},
    "simple_equations": {"min_terms": 2, "max_terms": 2, "min_value": 1, "max_value": 9},
    "gcd": {"min_value": 2, "max_value": 30},
    "spell_backward": {"min_word_len": 3, "max_word_len": 4},
}
"""The easiest their generators make."""

_ASKED = "End with one line that begins with 'Answer:' and has nothing but the answer."
_ANSWER = re.compile(r"answer(?: is)?\s{0,3}[:=]?\s{0,3}\**([^\n]{1,200})", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d[\d,]{0,20}(?:\.\d{1,10})?")


class Question(NamedTuple):
    """`score` says how good an answer is, from 0 to 1."""

    id: str
    family: str
    text: str
    score: Callable[[str], float]


def easy_questions(each: int, seed: int) -> Iterator[Question]:
    """So many of each family, the same for the same seed."""
    reasoning_gym: Any = import_module("reasoning_gym")  # not there as a rule

    for family, settings in _FAMILIES.items():
        made: Any = reasoning_gym.create_dataset(family, size=each, seed=seed, **settings)
        for number, entry in enumerate(made):
            yield Question(f"{family}-{number}", family, f"{entry['question']}\n{_ASKED}", _scorer(made, entry))


def _scorer(made: Any, entry: Any) -> Callable[[str], float]:
    def score(said: str) -> float:
        """Full marks or none: reasoning-gym gives a little for an answer of the right form."""
        found = _ANSWER.findall(said)
        text = found[-1].strip().strip("*.`\"' ") if found else said.strip()
        numbers = _NUMBER.findall(text)
        guesses = [text, *(numbers[-1:] if isinstance(entry["answer"], str) and entry["answer"].isdigit() else [])]
        return float(max(made.score_answer(guess, entry) for guess in guesses) >= 1)

    return score
