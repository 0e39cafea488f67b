"""What a change of model costs: the prompt prefix that the provider has cached, which another model must read anew.

How long a provider keeps a prefix that is not read again:

Anthropic  five minutes, anew with each read; an hour where it was asked for, which is not known here.
           https://platform.claude.com/docs/en/build-with-claude/prompt-caching
OpenAI     five to ten minutes as a rule, an hour at most.
           https://developers.openai.com/api/docs/guides/prompt-caching

Others are taken to keep it as OpenAI does. What is read from a cache and written to one costs what the price book
says; a model without caching has the same price for both, so that nothing is lost with it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from leanloop.budgets.prefix_cache import rule_for, split
from leanloop.budgets.prices import Price
from leanloop.budgets.rate import MILLION
from leanloop.budgets.usage import Usage

__all__ = ["Rest", "Warm", "lifetime", "rest_cost", "warm_after"]

_ANTHROPIC: Final = 300.0
_OTHERS: Final = 600.0


class Warm(NamedTuple):
    """A model's cached prefix: its tokens, the last of its messages, and when it was used.

    Attributes:
        tokens: that will be read from the cache by a call that begins with it.
        messages: how many it has.
        mark: the hash of the last of them, by which it is known again.
        at: when, by the clock of the process.
    """

    tokens: int
    messages: int
    mark: int
    at: float


class Rest(NamedTuple):
    """The rest of a task as it is expected: this call, and `calls` after it.

    Attributes:
        prompt: tokens of this call.
        growth: by how many the prompt grows with each call.
        output: tokens of each answer.
        calls: expected after this one.
    """

    prompt: int
    growth: float
    output: float
    calls: float


def lifetime(model: str) -> float:
    """For how many seconds a prefix stays cached that is not read."""
    return _ANTHROPIC if "claude" in model.lower() else _OTHERS


def warm_after(model: str, usage: Usage) -> int:
    """Tokens that the next call of the model will read from its cache, after one that used `usage`.

    Where its provider must be told what to keep it has reported what was read and written; others keep by themselves.
    """
    rule = rule_for(model)
    if rule.writes:
        return usage.cached_input + usage.cache_write
    return usage.input if usage.input >= rule.least else 0


def rest_cost(model: str, price: Price, rest: Rest, warm: int, *, writes: bool = True) -> int:
    """Nano-dollars of this call and the expected others with one model, of whose prefix `warm` tokens are cached.

    Args:
        model: its name, by which the rule of its provider is known.
        price: what it costs.
        rest: what is to come.
        warm: tokens it reads from its cache in this call.
        writes: whether what is new is written to the cache, with a provider that bills that.
    """
    rule = rule_for(model)
    writes = writes and rule.writes
    # The later calls at their mean size: the prompts grow evenly, and prices are even within a tier of them.
    later = round(rest.prompt + rest.growth * (rest.calls + 1) / 2)
    first = _input(price, rest.prompt, split(rest.prompt, warm, rule)[0], writes=writes)
    known = round(later - rest.growth)
    again = _input(price, later, split(later, known, rule)[0], writes=writes)
    said = (1 + rest.calls) * (rest.output * price.output.at(rest.prompt) / MILLION + price.request)
    return round(first + rest.calls * again + said)


def _input(price: Price, prompt: int, read: int, *, writes: bool) -> float:
    fresh = price.cache_write if writes else price.input
    return (read * price.cached_input.at(prompt) + (prompt - read) * fresh.at(prompt)) / MILLION
