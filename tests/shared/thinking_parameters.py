"""How providers are told to think, as it stands in what is sent to them; the same from either framework."""

from __future__ import annotations

from typing import Any

from leanloop.budgets.degrade_step import EFFORTS

__all__ = ["SHOWN", "adaptive", "efforts", "level", "tokens"]

SHOWN = {"display": "summarized"}


def efforts(*sent: Any) -> dict[str, Any]:
    """What is sent for each effort, from the least."""
    return dict(zip(EFFORTS, sent, strict=True))


def adaptive(level: str, **more: Any) -> dict[str, Any]:
    """Anthropic's, for models that choose for themselves how long they think."""
    return {"thinking": {"type": "adaptive", **more}, "output_config": {"effort": level}}


def tokens(count: int) -> dict[str, Any]:
    """Google's budget."""
    return {"thinkingConfig": {"thinking_budget": count}}


def level(name: str) -> dict[str, Any]:
    """Google's level."""
    return {"thinkingConfig": {"thinking_level": name}}
