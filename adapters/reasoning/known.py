"""How a model's reasoning is asked for, and what its provider refuses beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from re import Pattern
from typing import Literal

from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.plugins.abilities import Abilities

__all__ = ["SAMPLING", "Form", "Reasoning", "first_match", "up_to"]

SAMPLING = frozenset(
    {"temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty"}
    | {"logit_bias", "logprobs", "top_logprobs"}
)
"""Parameters that reasoning models refuse while they think (https://platform.openai.com/docs/guides/latest-model,
parameter compatibility; https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning, not supported)."""

Form = Literal["effort", "budget", "adaptive", "switch"]
"""In which words it is asked for: a level; a number of tokens; Anthropic's adaptive thinking and a level; on or off."""


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How a model's reasoning is asked for, and what its provider refuses beside it.

    Attributes:
        efforts: those it may be asked for, the least first; ``none`` among them where it can be told not to think. A
            model that only knows on and off has ``medium`` for on.
        default: the one it has when nobody asks; None where it is its own choice, or not known.
        form: in which words it is asked for.
        budgets: by effort, tokens of thinking; they count as output, so the output cap must exceed them.
        levels: levels that are asked for beside `form`, which rule how much is said and done, not only thought.
        off: what asks for no thinking, where that is another word than the provider's common one.
        steady: thinking may not be switched between a tool call and the answer to its result.
        in_prefix: the provider's cache of the prompt is lost by another effort than the call before had.
        hides: what it thought comes back empty, unless a summary is asked for.
        bound: what it thought is bound to all that stands before it, and refused where that was changed since.
        samples: the efforts at which it takes `SAMPLING`; None where at each.
        forces: the efforts at which it can be made to call a tool; None where at each.
    """

    efforts: tuple[Effort, ...]
    default: Effort | None = None
    form: Form = "effort"
    budgets: Mapping[Effort, int] = field(default_factory=dict["Effort", int])
    levels: tuple[Effort, ...] = ()
    off: str | None = None
    steady: bool = False
    in_prefix: bool = False
    hides: bool = False
    bound: bool = False
    samples: tuple[Effort, ...] | None = None
    forces: tuple[Effort, ...] | None = None

    def nearest(self, effort: Effort) -> Effort:
        """The effort it knows that is nearest to `effort`, of two equally near the lesser."""
        return Abilities(self.efforts).nearest(effort) or effort

    def asked(self, thinking: Effort | None, ceiling: Effort | None, current: object) -> Effort | None:
        """The effort to ask for; None where the call stays as it is.

        Args:
            thinking: the effort that is wanted, be it more or less than the user's own.
            ceiling: the most that is wanted, which lowers what is asked for and never raises it.
            current: what the user asks for; anything that is no effort is nothing.
        """
        said: Effort | None = next((one for one in EFFORTS if one == current), None)
        own = said or self.default or self.efforts[-1]
        wanted = own if thinking is None else self.nearest(thinking)
        if ceiling is not None and EFFORTS.index(most := self.nearest(ceiling)) < EFFORTS.index(wanted):
            return most
        return None if thinking is None else wanted

    def takes_sampling(self, effort: Effort) -> bool:
        """Whether `SAMPLING` may be sent with that effort."""
        return self.samples is None or effort in self.samples

    def takes_force(self, effort: Effort) -> bool:
        """Whether it can be made to call a tool at that effort."""
        return self.forces is None or effort in self.forces

    def forced(self) -> Reasoning:
        """What is left of it in a call that must call a tool; no effort at all where it refuses such a call anyway."""
        return self if self.forces is None else replace(self, efforts=self.forces)

    def abilities(
        self, provider: str | None = None, *, context: int | None = None, tools: bool | None = None
    ) -> Abilities:
        """The same, as plugins read it."""
        return Abilities(
            efforts=self.efforts,
            default=self.default,
            thinking_tokens={effort: tokens for effort in self.efforts if (tokens := self.budgets.get(effort))},
            steady=self.steady,
            provider=provider,
            in_prefix=self.in_prefix,
            context=context,
            tools=tools,
            reasons=None if self.default is None else self.default != "none",
        )


def first_match(table: Iterable[tuple[Pattern[str], Reasoning | None]], model: str) -> Reasoning | None:
    """What stands beside the first pattern found in a model's name; None for a model of which nothing is known."""
    return next((known for pattern, known in table if pattern.search(model)), None)


def up_to(least: Effort, most: Effort, *without: Effort) -> tuple[Effort, ...]:
    """The efforts from `least` to `most`."""
    between = EFFORTS[EFFORTS.index(least) : EFFORTS.index(most) + 1]
    return tuple(effort for effort in between if effort not in without)
