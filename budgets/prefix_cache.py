"""What a provider's prefix caching makes of a prompt: how much of it is read, and how much is written.

OpenAI     automatic; a prompt of 1,024 tokens or more hits on its longest cached prefix, in steps of 128
           tokens; writing costs nothing extra.
           https://developers.openai.com/api/docs/guides/prompt-caching
Anthropic  where the program marks it (assumed: behind the last message of every call, as agents do); a prefix
           counts from a least length that depends on the model; writing costs 1.25 times the input.
           https://platform.claude.com/docs/en/build-with-claude/prompt-caching

Other providers count by OpenAI's rule. Prices of reading and writing come from the price table; this is
about tokens. Assumed throughout: a run's calls follow each other before the cache forgets (5 to 10 minutes),
and no run finds what another has written.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from leanloop.budgets.message import Message

__all__ = ["PrefixRule", "common_prefix", "rule_for", "split"]


class PrefixRule(NamedTuple):
    """A provider's rule.

    Attributes:
        least: tokens a prefix must have to be cached at all.
        step: hits come in multiples of this beyond `least`.
        writes: whether what is not read is billed as written to the cache.
    """

    least: int
    step: int
    writes: bool


_OPENAI = PrefixRule(1_024, 128, writes=False)
_ANTHROPIC = PrefixRule(1_024, 1, writes=True)
# Anthropic, models whose shortest prefix is longer.
_LONGER = {
    "opus-4-5": 4_096,
    "opus-4-6": 4_096,
    "opus-4-7": 4_096,
    "haiku-4-5": 4_096,
    "sonnet-4-6": 2_048,
    "haiku": 2_048,
}


@lru_cache(maxsize=1_024)
def rule_for(model: str) -> PrefixRule:
    """The rule of the provider whose model that is, by its name."""
    name = model.lower().replace(".", "-")
    if "claude" not in name:
        return _OPENAI
    least = next((tokens for part, tokens in _LONGER.items() if part in name), _ANTHROPIC.least)
    return _ANTHROPIC._replace(least=least)


def common_prefix(before: Sequence[Message], now: Sequence[Message]) -> int:
    """How many leading messages of two prompts are the same."""
    if len(before) <= len(now) and tuple(before) == tuple(now[: len(before)]):
        return len(before)  # the usual case, an appended history, compared by identity in C
    for index, (old, new) in enumerate(zip(before, now, strict=False)):
        if old != new:
            return index
    return min(len(before), len(now))


def split(prompt: int, shared: int, rule: PrefixRule) -> tuple[int, int]:
    """Tokens of a prompt read from the cache and written to it, of which `shared` lead an earlier prompt too."""
    shared = min(shared, prompt)
    read = 0 if shared < rule.least else rule.least + (shared - rule.least) // rule.step * rule.step
    written = prompt - read if rule.writes and prompt >= rule.least else 0
    return read, written
