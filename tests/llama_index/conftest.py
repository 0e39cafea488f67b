"""What the tests of the LlamaIndex adapter share: a local provider."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from local_provider import Provider, local_provider


@pytest.fixture
def provider() -> Generator[Provider]:
    with local_provider() as server:
        yield server


@pytest.fixture
def llm(provider: Provider) -> Callable[..., Any]:
    """The LLMs of LlamaIndex's own integrations, by name, speaking to the local provider."""

    def made(name: str, **settings: Any) -> Any:
        return _KINDS[name](provider.url, **settings)

    return made


def _open_ai(url: str, **settings: Any) -> Any:
    kind = pytest.importorskip("llama_index.llms.openai").OpenAI
    return kind(**{"model": "gpt-4o-mini", "api_key": "k", "api_base": f"{url}/v1", "max_retries": 0, **settings})


def _open_ai_responses(url: str, **settings: Any) -> Any:
    kind = pytest.importorskip("llama_index.llms.openai").OpenAIResponses
    base = {"model": "gpt-4o-mini", "api_key": "k", "api_base": f"{url}/v1", "max_retries": 0}
    return kind(**{**base, **settings})


def _anthropic_llm(url: str, **settings: Any) -> Any:
    kind = pytest.importorskip("llama_index.llms.anthropic").Anthropic
    return kind(**{"model": "claude-haiku-4-5", "api_key": "k", "base_url": url, "max_retries": 0, **settings})


def _google(url: str, **settings: Any) -> Any:
    kind = pytest.importorskip("llama_index.llms.google_genai").GoogleGenAI
    options = pytest.importorskip("google.genai.types").HttpOptions(base_url=url)
    base = {"model": "gemini-2.5-flash", "api_key": "k", "http_options": options, "max_retries": 1}
    return kind(**{**base, **settings})


def _ollama_llm(url: str, **settings: Any) -> Any:
    kind = pytest.importorskip("llama_index.llms.ollama").Ollama
    return kind(**{"model": "llama3", "base_url": url, **settings})


def _open_ai_like(url: str, **settings: Any) -> Any:
    kind = pytest.importorskip("llama_index.llms.openai_like").OpenAILike
    base = {"model": "Qwen/Qwen3-32B", "api_key": "k", "api_base": f"{url}/v1", "max_retries": 0}
    return kind(**{**base, "is_chat_model": True, "is_function_calling_model": True, **settings})


def _deepseek(url: str, **settings: Any) -> Any:
    kind = pytest.importorskip("llama_index.llms.deepseek").DeepSeek
    base = {"model": "deepseek-v4-flash", "api_key": "k", "api_base": f"{url}/v1", "max_retries": 0}
    return kind(**{**base, "is_function_calling_model": True, "context_window": 9_999, **settings})


_KINDS: dict[str, Callable[..., Any]] = {
    "openai": _open_ai,
    "responses": _open_ai_responses,
    "anthropic": _anthropic_llm,
    "google": _google,
    "ollama": _ollama_llm,
    "openai_like": _open_ai_like,
    "deepseek": _deepseek,
}
