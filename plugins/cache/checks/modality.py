"""What can be, must be, should be."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["modality"]


def modality(both: Comparison) -> str | None:
    """The same modal verbs. What only asks how ("how can I", "how do I") has none."""
    asked, known = both.keys("modal")
    return (
        None if set(asked) == set(known) else f"modality: {', '.join(asked) or 'none'} and {', '.join(known) or 'none'}"
    )
