"""Whether a cascade may be made for a call: it must be expected to pay, and not have turned itself off."""

from __future__ import annotations

import time
from dataclasses import dataclass

from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage
from leanloop.errors import StoreError
from leanloop.plugins.cascade.break_even import BreakEven, prior_escalation
from leanloop.plugins.cascade.gates.agreement import always_the_same
from leanloop.plugins.cascade.standing import Standing, key_of
from leanloop.plugins.cascade.telling import tell
from leanloop.plugins.cascade.wager import Stakes
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.routing.ladder import Ladder
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["Terms", "terms_of"]

_OUTPUT = 400
"""Output tokens of an answer, until they are measured; those of the table in which the formula was first tried."""

_VERDICT = 60
_QUESTION = 4_500
"""Tokens that a verifier says, and reads at most."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms on which the answers of one tier are checked.

    Attributes:
        cheap, dear: the first models of that tier and the next; escalated answers come from the latter.
        standing: what is known of this cascade; ``stakes``: what is bet on this call.
        unit: nano-dollars in which its saving is measured.
    """

    rules: CascadeRules
    cheap: str
    dear: str
    standing: Standing
    stakes: Stakes
    unit: float


def terms_of(ladder: Ladder, level: int, rules: CascadeRules, task: Task, store: OutcomeStore) -> Steps[Terms | None]:
    """The terms for one rung; None where its answers are taken unchecked, or not asked for: why not is said once."""
    if level + 1 >= len(ladder.rungs):
        return None
    cheap, dear = ladder.rungs[level].models[0], ladder.rungs[level + 1].models[0]

    def unasked(reason: str, why: str) -> None:
        tell(task, f"{cheap}>{dear} {reason}", f"{cheap} before {dear} is not asked{why}")

    if "agreement" in rules.gates and rules.second is None and always_the_same(ladder.call):
        unasked(
            "temperature",
            ": with temperature 0, or a seed, that a model agrees with itself tells nothing. Raise the temperature, or "
            "name another cheap model (routes: cascade: second).",
        )
        return None
    try:
        key = key_of(task.agent, cheap, dear, rules)
        counts = (yield Io(store.counts, store.acounts, (key,)))[0]
        standing = Standing.read(key, counts, time.time(), rules.retry)
        if standing.off is not None:
            unasked(f"off {standing.turn}", ": that did not pay, and is tried again later.")
            return None
        first = _expected(ladder, cheap, dear, rules, task, standing=standing)
        if first is None:
            unasked(
                "price",
                ": without a price for each model it cannot be told whether it pays. Name it under prices in the "
                "budget file.",
            )
            return None
        now = first.after(standing.calls, standing.escalated, standing.asks)
        if now.saves <= 0:
            would = f"with {', '.join(rules.gates)} would lose: {now}."
            if first.saves > 0 and standing.saved < 0:  # it has lost, and will: so that it is tried again one day
                tell(task, f"{cheap}>{dear} lost {standing.turn}", f"{standing.told_off(cheap, dear)}, and {would}")
                yield Io(store.add, store.aadd, [standing.turned_off(time.time())])
            else:
                unasked("price", f", {would.replace('would', 'it would', 1)}")
            return None
    except StoreError:
        unasked("store", ": what it has saved so far cannot be read, or kept.")
        return None
    stakes = Stakes.of(standing.calls, standing.shares, standing.squares, standing.won, expected=first.saves)
    return Terms(rules, cheap, dear, standing, stakes, standing.unit(first.dear))


def _expected(
    ladder: Ladder, cheap: str, dear: str, rules: CascadeRules, task: Task, *, standing: Standing
) -> BreakEven | None:
    """Before anything was measured but the length of answers; None where a model has no price."""
    call = ladder.call
    output = standing.output // standing.calls if standing.calls else _OUTPUT
    output = min(output, call.max_output or task.budget.max_output or output)
    up = prior_escalation(rules.gates)
    asks, checks = 1.0, 0

    def cost(model: str, said: int, most: int | None = None) -> int | None:
        counter = counter_for(model)
        read = counter.expected(counter.prompt(call.messages, call.tools))
        if most is None:
            return ladder.as_if(model, Usage(read, said))
        price = ladder.price(model)
        return None if price is None else price.cost(Usage(min(read, most), said))

    costs = [cost(cheap, output), cost(dear, output)]
    if "agreement" in rules.gates:
        if rules.second is not None:
            costs.append(cost(rules.second, output))
        else:
            asks = float(rules.samples)  # how many it spares by ending early is counted when it is measured
    if "verifier" in rules.gates and rules.verifier is not None:
        costs.append(cost(rules.verifier, _VERDICT, _QUESTION))
    known = [one for one in costs if one is not None]
    if len(known) < len(costs):
        return None
    checks = sum(known[2:])
    return BreakEven(up, asks, known[0], checks, known[1])
