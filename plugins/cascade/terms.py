"""Whether a cascade may be made for a call: it must be expected to pay, and not have turned itself off."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from leanloop.budgets.route_rules import CascadeRules
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage
from leanloop.errors import StoreError
from leanloop.plugins.cascade.break_even import BreakEven, prior_escalation
from leanloop.plugins.cascade.gates.agreement import always_the_same
from leanloop.plugins.cascade.standing import Standing, key_of
from leanloop.plugins.cascade.wager import Stakes
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.routing.ladder import Ladder
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["Silenced", "Terms", "terms_of", "told_off", "turn_off"]

_OUTPUT = 400
"""Output tokens of an answer, until they are measured; those of the table in which the formula was first tried."""

_VERDICT = 60
_QUESTION = 4_500
"""Tokens that a verifier says, and reads at most."""

Silenced = Callable[[str, str], None]
"""Told why there is no cascade: a word for the reason, and the sentence."""


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


def terms_of(
    ladder: Ladder, level: int, rules: CascadeRules, task: Task, *, store: OutcomeStore, silenced: Silenced
) -> Steps[Terms | None]:
    """The terms for one rung; None where its answers are not to be asked for first, which `silenced` is told."""
    cheap, dear = ladder.rungs[level].models[0], ladder.rungs[level + 1].models[0]
    pair = f"{cheap} before {dear}"
    if "agreement" in rules.gates and rules.second is None and always_the_same(ladder.call):
        silenced(
            "temperature",
            f"{pair} is not asked: with temperature 0, or a seed, that a model agrees with itself tells nothing. Raise "
            "the temperature, or name another cheap model (routes: cascade: second).",
        )
        return None
    key = key_of(task.agent, cheap, dear, rules)
    try:
        counts = (yield Io(store.counts, store.acounts, (key,)))[0]
    except StoreError:
        silenced("store", f"{pair} is not asked: what it has saved so far cannot be read.")
        return None
    standing = Standing.read(key, counts, time.time(), rules.retry)
    if standing.off is not None:
        silenced(f"off {standing.turn}", f"{pair} is not asked: that did not pay, and is tried again later.")
        return None
    first = _expected(ladder, cheap, dear, rules, task, standing=standing)
    if first is None:
        silenced(
            "price",
            f"{pair} is not asked: without a price for each model it cannot be told whether it pays. Name it under "
            "prices in the budget file.",
        )
        return None
    now = first.after(standing.calls, standing.escalated, standing.asks)
    if now.saves <= 0:
        gates = ", ".join(rules.gates)
        if first.saves > 0 and standing.saved < 0:  # it has lost, and will: so that it is tried again one day
            silenced(f"lost {standing.turn}", f"{told_off(standing, cheap, dear)}, and with {gates} would lose: {now}.")
            yield from turn_off(standing, store)
        else:
            silenced("price", f"{pair} is not asked, with {gates} it would lose: {now}.")
        return None
    totals = standing.calls, standing.shares, standing.squares, standing.won
    stakes = Stakes.of(*totals, expected=first.saves)
    return Terms(rules, cheap, dear, standing, stakes, standing.unit(first.dear))


def told_off(standing: Standing, cheap: str, dear: str) -> str:
    """That it is turned off, and what it has come to."""
    how = "saved" if standing.saved > 0 else "lost"
    sums = f"{standing.calls} calls it {how} ${abs(standing.saved) / 1e9:.6f}"
    return f"{cheap} is no longer asked before {dear}: in {sums}"


def turn_off(standing: Standing, store: OutcomeStore) -> Steps[None]:
    """Turn it off, for `retry`.

    Raises:
        StoreError: that cannot be kept.
    """
    yield Io(store.add, store.aadd, [standing.turned_off(time.time())])


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
        price, counter = ladder.price(model), counter_for(model)
        read = counter.expected(counter.prompt(call.messages, call.tools))
        return None if price is None else price.cost(Usage(read if most is None else min(read, most), said))

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
