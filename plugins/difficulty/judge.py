"""What the user's own judge of difficulty says, where there is one and it is of use."""

from __future__ import annotations

from math import isfinite
from typing import cast

from leanloop.plugins.call import ModelCall
from leanloop.plugins.supplied import Difficulty

__all__ = ["judged"]


def judged(judge: Difficulty, call: ModelCall) -> float | str:
    """A chance from 0 to 1; or in a sentence why there is none."""
    try:
        chance = cast("object", judge(call))  # a user's function may give anything
    except Exception as error:  # noqa: BLE001 the call goes on
        return f"The judge of difficulty raised {type(error).__name__}: calls are judged by what is learned."
    if isinstance(chance, bool) or not isinstance(chance, int | float) or not isfinite(chance) or not 0 <= chance <= 1:
        shown = repr(chance) if isinstance(chance, int | float) else type(chance).__name__
        return f"The judge of difficulty gave {shown:.40}, which is no number from 0 to 1: what is learned counts."
    return float(chance)
