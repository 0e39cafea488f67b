"""Which runs something is fitted to, and on which others it is measured: cross-fitting.

What is fitted to runs looks better on these than on those to come. So the tasks are dealt out into five parts, and
what is fitted to four of them is measured on the fifth, each in turn (M. Stone, J. R. Stat. Soc. B 36, 1974). Runs of
one task stay together: one of them would tell of the others.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from leanloop.adapters.advice.case import Case

__all__ = ["FOLDS", "cross_fitted"]

FOLDS = 5


def cross_fitted(cases: Sequence[Case], seed: int = 0) -> Iterator[tuple[list[Case], list[Case]]]:
    """The cases to fit to and those to measure on, for each part; nothing where all are of one task.

    Each case is measured on once. Which part a task is in depends on the seed and on the tasks there are.
    """
    groups = sorted({case.group for case in cases})
    if len(groups) < 2:
        return
    random.Random(seed).shuffle(groups)  # noqa: S311 - no secret: the same deal for the same seed
    fold = {group: place % FOLDS for place, group in enumerate(groups)}
    for part in range(min(FOLDS, len(groups))):
        yield (
            [case for case in cases if fold[case.group] != part],
            [case for case in cases if fold[case.group] == part],
        )
