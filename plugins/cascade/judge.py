"""The gates of a cascade, in the order of the file: the first that an answer does not pass ends it."""

from __future__ import annotations

from dataclasses import replace

from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.cascade.candidate import Candidate, Judged
from leanloop.plugins.cascade.gates.agreement import agreement
from leanloop.plugins.cascade.gates.answer_form import answer_form
from leanloop.plugins.cascade.gates.logprobs import logprobs
from leanloop.plugins.cascade.gates.own_check import own_check
from leanloop.plugins.cascade.gates.refusal import refusal
from leanloop.plugins.cascade.gates.tool_calls import tool_calls
from leanloop.plugins.cascade.gates.verifier import verifier
from leanloop.plugins.cascade.verdict import PASSED, Verdict
from leanloop.plugins.supplied import Supplied

__all__ = ["BUILT_IN", "check_gates", "judge", "judge_plainly"]

PLAIN = frozenset({"tool_calls", "refusal", "format", "logprobs"})
"""Gates that look at nothing but the answer."""

BUILT_IN = PLAIN | {"agreement", "verifier"}


def check_gates(rules: CascadeRules, supplied: Supplied) -> None:
    """Raise UsageError for a gate that nobody knows."""
    for gate in rules.gates:
        if gate not in BUILT_IN and gate not in supplied.checks:
            known = ", ".join(sorted(BUILT_IN | set(supplied.checks)))
            raise UsageError(
                f"routes: cascade: gates names {shown(gate)}, which is no gate (known: {known}); for a check of your "
                f"own give LeanLoop(checks={{{shown(gate)}: your_function}})."
            )


def judge(candidate: Candidate) -> Judged:
    """The verdict on an answer; its `why` names the gate."""
    for gate in candidate.rules.gates:
        verdict = yield from _asked(gate, candidate)
        if verdict.outcome != "passed":
            return _named(gate, verdict)
    return PASSED


def judge_plainly(rules: CascadeRules, call: ModelCall, reply: ModelReply) -> Verdict:
    """The verdict of those gates of the file that cost nothing."""
    for gate in rules.gates:
        if gate in PLAIN:
            verdict = _plain(gate, call, reply, rules)
            if verdict.outcome != "passed":
                return _named(gate, verdict)
    return PASSED


def _asked(gate: str, candidate: Candidate) -> Judged:
    if gate in PLAIN:
        return _plain(gate, candidate.call, candidate.reply, candidate.rules)
    if gate == "agreement":
        return (yield from agreement(candidate))
    if gate == "verifier":
        return (yield from verifier(candidate))
    check = candidate.supplied.checks[gate]
    return (yield from own_check(check, candidate.call, candidate.reply, candidate.rules.timeout))


def _plain(gate: str, call: ModelCall, reply: ModelReply, rules: CascadeRules) -> Verdict:
    if gate == "tool_calls":
        return tool_calls(call, reply)
    if gate == "refusal":
        return refusal(reply)
    if gate == "format":
        return answer_form(rules.answer_form, call, reply)
    return logprobs(rules.least_logprob, reply)


def _named(gate: str, verdict: Verdict) -> Verdict:
    return replace(verdict, why=f"{gate}: {verdict.why}", gate=gate)
