"""Which other models a model's provider has, by the price table."""

from __future__ import annotations

import re

from genai_prices.data_snapshot import DataSnapshot

from leanloop.budgets.price_table import find, provider_of

__all__ = ["same_provider"]

# Models for something else than a conversation in text, and names that are no models.
_OTHERWISE = re.compile(
    r"audio|realtime|live|image|vision|tts|transcribe|translate|whisper|embed|moderation|guard|search|instruct|rerank"
    r"|computer|research|robotics|ocr|^ft:|[.-]ft|:|-\d{4}(?:-\d\d-\d\d)?$|preview|latest",
    re.IGNORECASE,
)


def same_provider(model: str, table: DataSnapshot, context: int = 0) -> list[str]:
    """Models that write text, have a price for it and are known to read at least `context` tokens; by name.

    Which of them can do the same the table does not say; nothing where it does not know the model.
    """
    provider = provider_of(model, table)
    if provider is None:
        return []
    return sorted(
        info.id
        for info in provider.models
        if info.context_window is not None
        and info.context_window >= context
        and not info.deprecated
        and not _OTHERWISE.search(info.id)
        and provider_of(info.id, table) is provider  # and not a guest's, nor a name that says nothing by itself
        and (listed := find(info.id, None, table)) is not None
        and listed.output.most() > 0
    )
