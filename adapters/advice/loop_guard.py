"""The loop guard: what it would have ended, and what that had come to."""

from __future__ import annotations

from collections import Counter

from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.runs import Runs
from leanloop.budgets.budget import Loop

__all__ = ["FEATURE", "loop_guard"]

FEATURE = "loop guard"

_HOW = (
    "Each run was replayed with the guard and without. A recorded model does not heed what it is told of its loop and "
    "goes on until the guard lands it; a live one may turn around and succeed."
)


def loop_guard(runs: Runs) -> Change | Unmeasured:
    """Try the loop guard with its defaults (`leanloop.budgets.budget.Loop`)."""
    if runs.terms.budget.loop is not None:
        return Unmeasured(FEATURE, "the budget file has it on")
    if not any(message.role == "tool" for case in runs.cases for message in case.trace.messages):
        return Unmeasured(FEATURE, "no run has a result of a tool, and loops are equal calls with equal results")
    guarded = runs.terms.budget.model_copy(update={"loop": Loop()})
    effects = runs.effects(guarded)
    counts: Counter[str] = Counter()
    for effect, replayed in zip(effects, runs.under(guarded), strict=True):
        kind = {True: "successful", False: "failed", None: "unjudged"}[effect.success]
        counts[kind] += 1
        counts[f"{kind} touched"] += bool(replayed.loop_notes or replayed.answered or effect.ended)
        counts[f"{kind} ended"] += effect.ended
    notes = tuple(
        f"Of {counts[kind]:,} {kind} runs {counts[f'{kind} touched']:,} were told of a loop or answered from before, "
        f"and {counts[f'{kind} ended']:,} were ended."
        for kind in ("successful", "failed", "unjudged")
        if counts[kind]
    )
    return Change(FEATURE, {"loop": {"repeats": Loop().repeats, "window": Loop().window}}, effects, _HOW, notes)
