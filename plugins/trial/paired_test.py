"""Whether two settings that were tried on the same questions differ: an exact test of paired scores."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

__all__ = ["paired_p"]

_FLIPS = 9_999
_AT_ONCE = 2_000_000
"""Signs that are drawn at once, so that memory stays bounded."""


def paired_p(differences: Iterable[float]) -> float:
    """The chance of differences at least as far from 0 as these, were their signs a matter of luck (two-sided).

    Where all that differ do so by as much, as right and wrong do, it is McNemar's test in its exact form (Psychometrika
    12, 1947). Else signs are flipped at random 9,999 times, the same ones every time (a permutation test: Phipson and
    Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).
    """
    differ = np.array([one for one in differences if one], dtype=float)
    if not len(differ):
        return 1.0
    sizes = np.abs(differ)
    if np.allclose(sizes, sizes[0]):
        return _sign_test(int((differ > 0).sum()), len(differ))
    seen, beyond, left = abs(float(differ.sum())), 0, _FLIPS
    random = np.random.default_rng(0)
    while left:
        rows = min(left, max(1, _AT_ONCE // len(differ)))
        signs = random.integers(0, 2, size=(rows, len(differ)), dtype=np.int8) * 2 - 1
        beyond += int((np.abs(signs @ sizes) >= seen * (1 - 1e-12)).sum())
        left -= rows
    return (1 + beyond) / (1 + _FLIPS)


def _sign_test(above: int, of: int) -> float:
    """Twice the chance of so few on the rarer side where both are as likely."""
    fewer = min(above, of - above)
    whole = math.lgamma(of + 1) - of * math.log(2)
    tail = math.fsum(math.exp(whole - math.lgamma(k + 1) - math.lgamma(of - k + 1)) for k in range(fewer + 1))
    return min(1.0, 2 * tail)
