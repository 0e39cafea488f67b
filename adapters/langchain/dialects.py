"""Which dialect of thinking each integration of LangChain speaks, and what a call of it is given."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import cast

from leanloop.adapters.langchain.dialect import Dialect, Settings
from leanloop.adapters.langchain.provider import bindings, packages_of
from leanloop.adapters.langchain.thinking_anthropic import Anthropic
from leanloop.adapters.langchain.thinking_google import Google
from leanloop.adapters.langchain.thinking_level import Leveled, OpenRouter, groq, of_profile
from leanloop.adapters.langchain.thinking_openai import OpenAI
from leanloop.adapters.langchain.thinking_switch import DeepSeek, Ollama, Qwen

__all__ = ["dialect_of", "given_to"]

_DIALECTS: Mapping[str, Dialect] = {
    "langchain_anthropic": Anthropic(),  # and what derives from it: ChatAnthropicBedrock
    "langchain_deepseek": DeepSeek(),
    "langchain_fireworks": Leveled(of_profile),
    "langchain_google_genai": Google(),
    "langchain_groq": Leveled(groq, on="default"),
    "langchain_ollama": Ollama(),
    "langchain_openai": OpenAI(),
    "langchain_openrouter": OpenRouter(),
    "langchain_qwq": Qwen(),
    "langchain_xai": Leveled(of_profile),
    "leanloop": Leveled(of_profile),  # ScriptedModel
}
"""By the package of a model's class, or of the nearest that it derives from. ChatMistralAI (langchain-mistralai 1.1)
passes on no such parameter, and ChatBedrockConverse (langchain-aws 1.9) reads its own only when it is made."""


def given_to(own: object, settings: Settings) -> Settings:
    """All call-time parameters, those that are bound below those of the call."""
    bound = bindings(own)
    return {name: value for one in (*bound, settings) for name, value in one.items()} if bound else settings


def dialect_of(kind: type) -> Dialect | None:
    """That of a model's class, or of what it derives from; None where it knows no effort."""
    return _by_class(cast("Hashable", kind))


@lru_cache(maxsize=256)
def _by_class(kind: Hashable) -> Dialect | None:
    return next((found for package in packages_of(kind) if (found := _DIALECTS.get(package)) is not None), None)
