"""What a call is made with: a model, and how much it is to think."""

from __future__ import annotations

from typing import NamedTuple

from leanloop.budgets.degrade_step import EFFORTS, Effort

__all__ = ["Setting"]


class Setting(NamedTuple):
    """A model and the reasoning effort asked for, None where nobody asks; written ``gpt-5@high`` or ``gpt-5``."""

    model: str
    effort: Effort | None = None

    @classmethod
    def read(cls, text: str) -> Setting:
        """What `str` wrote; what stands behind an ``@`` and is no effort belongs to the model's name."""
        model, _, effort = text.rpartition("@")
        return cls(model, effort) if model and effort in EFFORTS else cls(text)

    def __str__(self) -> str:
        return self.model if self.effort is None else f"{self.model}@{self.effort}"
