"""What a gate says of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PASSED", "Verdict", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate says of an answer.

    Attributes:
        outcome: only an answer that passed is taken; where a gate cannot tell, it goes up as well.
        why: what is wrong with it, or why that cannot be told; holds nothing of the answer but names.
        gate: which said so, where it did not pass.
        hard: it cannot be used at all, so that it is not given either where nothing better can be had.
    """

    outcome: Literal["passed", "failed", "unknown"]
    why: str = ""
    hard: bool = False
    gate: str = ""


PASSED = Verdict("passed")


def failed(why: str, *, hard: bool = False) -> Verdict:
    """It may not be taken."""
    return Verdict("failed", why, hard)


def unknown(why: str) -> Verdict:
    """That cannot be told."""
    return Verdict("unknown", why)
