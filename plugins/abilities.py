"""What a model can do, as far as its integration or its profile says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leanloop.budgets.degrade_step import EFFORTS, Effort

__all__ = ["Abilities"]


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model can do, as far as its integration or its profile says.

    Attributes:
        efforts: the reasoning efforts it may be asked for, the least first, ``none`` among them where it can be told
            not to think; empty where it knows none.
        default: the effort it has when nobody asks for one; None where that is not known.
        thinking_tokens: by effort, output tokens that must be left for the thinking alone (a thinking budget), where
            the provider wants them within the output cap.
        steady: the effort may not change between a tool call and the answer to its result.
        provider: its id in genai-prices, where it is known.
        context: the input tokens it takes at most.
        tools: whether it can call tools.
        images: whether it can see images.
        reasons: whether it reasons natively when nobody asks for it.
        output: the output tokens it gives at most.
        in_prefix: the effort is a part of the prompt prefix: another one than the call before loses what the provider
            has cached of it.
    """

    efforts: tuple[Effort, ...] = ()
    default: Effort | None = None
    thinking_tokens: Mapping[Effort, int] = field(default_factory=dict["Effort", int])
    steady: bool = False
    provider: str | None = None
    context: int | None = None
    tools: bool | None = None
    images: bool | None = None
    reasons: bool | None = None
    output: int | None = None
    in_prefix: bool = False

    def nearest(self, effort: Effort) -> Effort | None:
        """The effort it knows that is nearest to `effort`, of two equally near the lesser; None where it knows none."""
        wanted = EFFORTS.index(effort)
        return min(self.efforts, key=lambda one: (abs(EFFORTS.index(one) - wanted), EFFORTS.index(one)), default=None)
