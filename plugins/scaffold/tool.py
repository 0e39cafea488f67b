"""A cognitive tool: a prompt of its own, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CognitiveTool"]


@dataclass(frozen=True, slots=True)
class CognitiveTool:
    """A cognitive tool: a separate call of the same model, with a prompt of its own and nothing but its inputs.

    Attributes:
        name: by which the model calls it.
        description: what the model is told of it.
        inputs: what the model gives it: each input's name, and what it is.
        prompt: what the separate call is told; its inputs follow.
    """

    name: str
    description: str
    inputs: Mapping[str, str]
    prompt: str
