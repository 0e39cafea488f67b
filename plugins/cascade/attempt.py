"""An answer of a cheaper tier that was checked, and what that has come to in money."""

from __future__ import annotations

import time
from dataclasses import dataclass

from leanloop.errors import StoreError
from leanloop.plugins.cascade.candidate import Candidate
from leanloop.plugins.cascade.standing import Call
from leanloop.plugins.cascade.telling import tell
from leanloop.plugins.cascade.terms import Terms
from leanloop.plugins.cascade.verdict import Verdict
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.steps import Steps

__all__ = ["Attempt", "settle"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An answer of a cheaper tier that was checked.

    Attributes:
        terms: on which it was asked for.
        candidate: the answer.
        rung: whose it is.
        verdict: what the gates say of it.
        spent: what it and its checks cost, in nano-dollars; ``calls`` were made for it.
        dear: what the same tokens would have cost with the dearer model, in nano-dollars, the prefix counted that it
            would have cached.
    """

    terms: Terms
    candidate: Candidate
    rung: Rung
    verdict: Verdict
    spent: int
    calls: int
    dear: int

    @classmethod
    def of(cls, terms: Terms, candidate: Candidate, rung: Rung, verdict: Verdict, *, spent: int, calls: int) -> Attempt:
        """Of an answer that was judged."""
        ladder = candidate.ladder
        dear = ladder.as_if(terms.dear, ladder.usage_of(candidate.call, candidate.reply))
        return cls(terms, candidate, rung, verdict, spent, calls, dear or 0)


def settle(attempt: Attempt, store: OutcomeStore, dear: int | None = None) -> Steps[None]:
    """Count what it has saved; turn the cascade off where it is to be.

    Args:
        attempt: the answer.
        store: where outcomes are kept.
        dear: what the next tier's answer cost, where this one went up and there is one.
    """
    terms, task = attempt.terms, attempt.candidate.task
    standing, usage = terms.standing, attempt.candidate.reply.usage
    escalated = attempt.verdict.outcome != "passed"
    saved = -attempt.spent if escalated else attempt.dear - attempt.spent
    share = saved / terms.unit
    again = "agreement" in terms.rules.gates and terms.rules.second is None
    asks, output = attempt.calls if again else 1, usage.output if usage is not None else 0
    call = Call(saved, share, dear or attempt.dear, escalated, asks, output)
    played = terms.stakes.play(share)
    try:
        yield Io(store.add, store.aadd, standing.added(call, played))
        after = standing.after(call, played)
        if after.loses(terms.rules.trial):
            yield Io(store.add, store.aadd, [standing.turned_off(time.time())])
            why = (
                "which is not known to be more than chance"
                if after.saved > 0
                else "and is known to lose, or not to save"
            )
            tell(task, f"{after.key} turned off {after.turn}", f"{after.told_off(terms.cheap, terms.dear)}, {why}.")
    except StoreError as error:
        task.note(f"What the cascade has saved could not be kept. {error}")
