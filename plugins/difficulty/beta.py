"""The Beta distribution: what a chance may be that was seen so many times to come true."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

__all__ = ["beta_cdf"]

_TINY = 1e-300
_STEPS = 300
"""More than the fraction takes for any shape up to some 10,000; it converges in about the root of the larger one."""


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function: how likely a Beta(a, b) is below `x`; both shapes above 0.

    The continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, by Lentz's method.
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return min(1.0, front * _fraction(x, a, b) / a)
    return max(0.0, 1.0 - front * _fraction(1 - x, b, a) / b)


def _fraction(x: float, a: float, b: float) -> float:
    c = 1.0
    d = 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            d = 1 / _away(1 + term * d)
            c = _away(1 + term / c)
            change = c * d
            value *= change
        if abs(change - 1) < 1e-10:
            break
    return value


def _away(value: float) -> float:
    """Kept away from 0, by which it is divided."""
    return value if abs(value) > _TINY else _TINY
