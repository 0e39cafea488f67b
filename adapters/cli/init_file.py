"""The text of a first budget file: every line explained, the limits by the price of the model."""

from __future__ import annotations

import json
from decimal import Decimal

from leanloop.budgets.money import format_usd, to_nano
from leanloop.budgets.prices import Price

__all__ = ["first_budget", "task_usd"]

_CYCLES = 12
_INPUT, _OUTPUT = 6_000, 500
"""Tokens of one call of an ordinary agent: what it reads again each time, and what it writes."""

_ROOM = 4
"""How many ordinary tasks the limit of one task has room for: a limit is for what goes wrong."""

_STEPS = tuple(map(Decimal, ("0.01", "0.02", "0.05", "0.10", "0.20", "0.50", "1", "2", "5", "10", "20", "50", "100")))
_TASKS_A_DAY = 100
_TOKENS = 400_000
_MILLION = 1_000_000


def task_usd(price: Price) -> Decimal:
    """What a task may cost: four times twelve calls of 6,000 tokens in and 500 out, rounded up to 1, 2 or 5."""
    each = _INPUT * price.input.at(_INPUT) + _OUTPUT * price.output.at(_INPUT)
    needed = _ROOM * _CYCLES * each // _MILLION
    return next((step for step in _STEPS if to_nano(step) >= needed), _STEPS[-1])


def first_budget(agent: str, model: str | None, price: Price | None) -> str:
    """The text of the file. `price` is the model's, None where it is not known: then tokens are limited, not money."""
    if price is not None and not price.free:
        lines = _by_money(model or "", price)
    else:
        lines = _by_tokens(model, free=price is not None)
    return _FRAME.format(agent=json.dumps(agent), limits="\n".join(lines), model=json.dumps(model or "MODEL"))


def _by_money(model: str, price: Price) -> list[str]:
    usd = task_usd(price)
    half = Decimal("0.50")
    bought = [f"# {_buys(amount, price)} of {model}" for amount in dict.fromkeys((half, usd))]
    return [
        *(f"  {line}" for line in bought),
        f"  # (its price is that of {price.version}; a call whose worst case does not fit is not made).",
        "  - per: task                # one run of the agent",
        _aligned(f"    usd: {usd}", "US dollars, input and output together"),
        _aligned(f"    cycles: {_CYCLES}", "a model call and the tool calls it asked for"),
        "    seconds: 300             # from the task's start",
        "    # tool_calls: {search: 8, total: 30}   # by tool, and all together",
        "  - per: day                 # a day of the calendar, in the time zone below",
        _aligned(f"    usd: {usd * _TASKS_A_DAY:f}", f"{_TASKS_A_DAY} tasks at their limit"),
        "  # - {per: day, scope: user, usd: 1}      # for each value of the task's tag user",
    ]


def _by_tokens(model: str | None, *, free: bool) -> list[str]:
    if model is None:
        why = "No model was found in the code: name one (leanloop init --model NAME --force) to limit dollars instead."
    elif free:
        why = f"{model} costs nothing: tokens are limited, not dollars."
    else:
        why = f"No price is known for {model}: say it under prices, below, and usd can be limited, too."
    return [
        f"  # {why}",
        "  - per: task                # one run of the agent",
        _aligned(f"    tokens: {_TOKENS:_}", "input and output together, what is read again included"),
        _aligned(f"    cycles: {_CYCLES}", "a model call and the tool calls it asked for"),
        "    seconds: 300             # from the task's start",
        "    # usd: 0.50              # US dollars, where the model's price is known",
        "  - per: day                 # a day of the calendar, in the time zone below",
        _aligned(f"    tokens: {_TOKENS * _TASKS_A_DAY:_}", f"{_TASKS_A_DAY} tasks at their limit"),
    ]


def _buys(usd: Decimal, price: Price) -> str:
    """``$0.50 buys 3,333,333 input tokens or 833,333 output tokens``."""
    nano = to_nano(usd)
    parts = [
        f"{nano * _MILLION // rate:,} {name} tokens"
        for name, rate in (("input", price.input.base), ("output", price.output.base))
        if rate
    ]
    return f"{format_usd(nano)} buys {' or '.join(parts)}"


def _aligned(line: str, comment: str) -> str:
    return f"{line:<29}# {comment}"


_FRAME = """\
# What this agent may spend, and how it ends when that is gone. In words: leanloop check, with this file.
agent: {agent}

limits:                      # all of them hold at once
{limits}
timezone: UTC                # whose days these are; a name such as Europe/Berlin

at_limit: land               # end with a last answer from what is there; raise: an exception
landing: {{tokens: 1_000}}     # output tokens kept back for that answer from the start
notify: [70%, 90%]           # at these shares of a limit the model is told what it has left
warn: [80%, 95%]             # at these, people are told: by the log, and by alerts
loop: {{repeats: 3, window: 8}}   # equal steps (same call, same result) among the last 8 that are a loop
results: {{max_tokens: 4_000}}    # longer results of tools are shortened; read_result reads the rest
store: sqlite:///leanloop.db # where spending is kept: a day outlives the process, which memory does not
unknown_model: refuse        # a model without a price is refused where usd are limited; or free, most_expensive

# max_output: 4_000               # the most output tokens one call may ask for
# events: events.jsonl            # a line for each thing that happens, for leanloop report and leanloop watch
# cache: {{ttl: 1h}}                # the same question is answered from before for an hour
# context: on                     # old results of tools are no longer sent where that saves money
# thinking: on                    # reasoning only where it is likely to help
# degrade: {{at: 80%, effort: low}} # near a limit: less effort, or to: a cheaper model
# routes: {{cheap: CHEAP, frontier: {model}, cascade: on}}   # a cheap model first, its answers checked
# scaffold: {{models: [CHEAP]}}     # cognitive tools for a small model
# prices: {{{model}: {{input: 0.40, output: 1.60}}}}   # usd per million tokens, before the public list
"""
