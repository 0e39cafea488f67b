"""Pairs of questions that people have labelled."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pair"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, one whose answer may be in the cache, and whether it would be right for both."""

    asked: str
    known: str
    same: bool
