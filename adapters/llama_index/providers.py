"""Which integration a model belongs to, and what it is called.

Read in the sources of llama-index-llms-openai 0.8, -anthropic 0.12, -google-genai 0.11 and -ollama 0.11.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import cast

from leanloop.adapters.llama_index.provider import Provider

__all__ = ["model_name", "provider_of"]

_PROVIDERS: Mapping[str, Provider] = {}
_OTHER = Provider()


def provider_of(model: object) -> Provider:
    """The integration a model's class, or one it derives from, belongs to."""
    return _provider_of(cast("Hashable", type(model)))


@lru_cache(maxsize=256)
def _provider_of(kind: Hashable) -> Provider:
    for base in cast("type", kind).__mro__:
        found = _PROVIDERS.get(f"{base.__module__}.{base.__name__}")
        if found is not None:
            return found
    return _OTHER


def model_name(model: object) -> str:
    """The name the provider bills by; the class's own where a model has none.

    `metadata` is asked last: some integrations call their server for it.
    """
    for attribute in ("model", "model_name", "model_id", "deployment_name"):
        value: object = getattr(model, attribute, None)
        if isinstance(value, str) and value:
            return value
    name: object = getattr(getattr(model, "metadata", None), "model_name", None)
    return name if isinstance(name, str) and name not in ("", "unknown") else type(model).__name__
