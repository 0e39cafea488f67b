"""What is learned of a kind of call from what the gates say: each is a witness of its own worth."""

from __future__ import annotations

from leanloop.plugins.call import ModelCall
from leanloop.plugins.cascade.candidate import Candidate
from leanloop.plugins.cascade.judge import BUILT_IN
from leanloop.plugins.cascade.verdict import Verdict
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["learned"]

_PASSED = {"agreement": 0.5, "verifier": 0.3}
"""Outcomes that the passing of a gate counts for; of a check of the user's own 1. That an answer has the right form, or
that the model was sure of it, says nothing of whether it is right."""

_FAILED = {"agreement": 0.5, "verifier": 0.3, "logprobs": 0.1}
"""The same for failing; of all others 1: what cannot be used has failed."""


def learned(
    learning: Learning,
    estimate: Estimate,
    candidate: Candidate,
    verdict: Verdict,
    next_up: tuple[ModelCall, Verdict] | None,
    *,
    task: Task,
) -> Steps[None]:
    """Count what the gates said of an answer; with the next tier's answer, whether that passes where this one failed.

    That one is told of only where the gate that failed looks at both; where a gate could not tell, there is nothing to
    learn.
    """
    if verdict.outcome == "unknown":
        return
    call = candidate.call
    scores = {Setting(call.model, call.thinking): float(verdict.outcome == "passed")}
    if verdict.outcome == "passed":
        weight = max(_worth(gate) for gate in candidate.rules.gates)
        if not weight:
            return
    else:
        gate = verdict.gate
        weight = _FAILED.get(gate, 1.0)
        if next_up is not None and gate in BUILT_IN and gate not in {"agreement", "verifier"}:
            other, said = next_up
            if said.outcome != "unknown" and other.model != call.model:
                scores[Setting(other.model, other.thinking)] = float(said.outcome == "passed")
    yield from learning.saw(estimate.keys, scores, task, weight)


def _worth(gate: str) -> float:
    return _PASSED.get(gate, 0.0 if gate in BUILT_IN else 1.0)
