"""Which integration a model belongs to, and what it is called.

Read in the sources of llama-index-llms-openai 0.8, -anthropic 0.12, -google-genai 0.11 and -ollama 0.11.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import cast

from leanloop.adapters.llama_index.provider import Provider
from leanloop.adapters.llama_index.provider_anthropic import Anthropic
from leanloop.adapters.llama_index.provider_google import GoogleGenAI
from leanloop.adapters.llama_index.provider_ollama import Ollama
from leanloop.adapters.llama_index.provider_openai import OpenAI, OpenAIResponses
from leanloop.adapters.llama_index.provider_openai_like import DeepSeek, OpenAILike
from leanloop.adapters.llama_index.provider_scripted import Scripted

__all__ = ["model_name", "provider_of"]

_PROVIDERS: Mapping[str, Provider] = {
    "llama_index.llms.openai": OpenAI("openai"),
    "llama_index.llms.openai.responses": OpenAIResponses("openai"),
    "llama_index.llms.azure_openai": OpenAI("azure", renames=False),
    "llama_index.llms.azure_openai.responses": OpenAIResponses("azure", renames=False),
    "llama_index.llms.openai_like": OpenAILike(),
    "llama_index.llms.openai_like.responses": OpenAIResponses(),
    "llama_index.llms.deepseek": DeepSeek("deepseek"),
    "llama_index.llms.fireworks": OpenAILike("fireworks"),
    "llama_index.llms.groq": OpenAILike("groq"),
    "llama_index.llms.openrouter": OpenAILike("openrouter"),
    "llama_index.llms.together": OpenAILike("together"),
    "llama_index.llms.anthropic": Anthropic("anthropic"),
    "llama_index.llms.bedrock_converse": Provider("aws"),
    "llama_index.llms.google_genai": GoogleGenAI("google"),
    "llama_index.llms.mistralai": Provider("mistral"),
    "llama_index.llms.ollama": Ollama(),
    "leanloop.adapters.llama_index.scripted": Scripted(),
}
_OTHER = Provider(renames=False)


def provider_of(model: object) -> Provider:
    """The integration a model's class, or one it derives from, belongs to."""
    return _provider_of(cast("Hashable", type(model)))


@lru_cache(maxsize=256)
def _provider_of(kind: Hashable) -> Provider:
    for base in cast("type", kind).__mro__:
        package = ".".join(base.__module__.split(".")[:3])
        found = _PROVIDERS.get(base.__module__) or _PROVIDERS.get(package)
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
