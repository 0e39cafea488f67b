"""What two questions must have in common before the answer to one is given to the other.

Each check is a pure function of a `Comparison` that returns why the answer may not be given, or None.
"""

from __future__ import annotations

from collections.abc import Callable

from leanloop.plugins.cache.checks.dates import dates
from leanloop.plugins.cache.checks.genders import genders
from leanloop.plugins.cache.checks.gerunds import gerunds
from leanloop.plugins.cache.checks.modality import modality
from leanloop.plugins.cache.checks.names import names
from leanloop.plugins.cache.checks.negation import negation
from leanloop.plugins.cache.checks.numbers import numbers
from leanloop.plugins.cache.checks.opposites import opposites
from leanloop.plugins.cache.checks.order import order
from leanloop.plugins.cache.checks.persons import persons
from leanloop.plugins.cache.checks.plurality import plurality
from leanloop.plugins.cache.checks.quantities import quantities
from leanloop.plugins.cache.checks.question import question
from leanloop.plugins.cache.checks.tense import tense
from leanloop.plugins.cache.checks.units import units
from leanloop.plugins.cache.checks.words import additions, substitutions
from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["CHECKS", "Check"]

Check = Callable[[Comparison], str | None]

CHECKS: tuple[Check, ...] = (
    question,
    numbers,
    dates,
    units,
    negation,
    opposites,
    quantities,
    names,
    modality,
    tense,
    persons,
    additions,
    substitutions,
    plurality,
    genders,
    gerunds,
    order,
)
"""In the order they are asked, the cheap and telling ones first."""
