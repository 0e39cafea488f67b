"""LangChain's chat models, each speaking to a local provider, and what they are to send for each effort."""

# Classes of several packages, called by name:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from langchain_core.tools import tool
from local_provider import Provider
from pydantic import BaseModel, SecretStr
from refused import refused
from thinking_parameters import SHOWN, adaptive, efforts, level, tokens

from leanloop import Budget, Limit, ModelCall, ModelFlow, ModelReply, Plugin
from leanloop.adapters.langchain import LeanLoop, wrap

__all__ = [
    "CLASSES", "DEEP", "EXACT", "OFF", "SHOWN", "SIGNED", "Answer", "Sends", "about", "accepted", "adaptive", "asked",
    "budget", "chat", "effort", "free", "level", "look_up", "reasoning", "tokens",
]  # fmt: skip

ROOM = 20_000
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "signed"}


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    return word


class Answer(BaseModel):
    """The answer."""

    text: str


class Sends(Plugin):
    """Changes each call as a test wants it."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
        reply: ModelReply = yield replace(call, **self.changes)
        return reply


CLASSES: dict[str, tuple[str, str, str]] = {  # the class, and what the provider is called in the list of refusals
    "openai": ("langchain_openai", "ChatOpenAI", "openai"),
    "azure": ("langchain_openai", "AzureChatOpenAI", "openai"),
    "responses": ("langchain_openai", "ChatOpenAI", "responses"),
    "anthropic": ("langchain_anthropic", "ChatAnthropic", "anthropic"),
    "google": ("langchain_google_genai", "ChatGoogleGenerativeAI", "google"),
    "deepseek": ("langchain_deepseek", "ChatDeepSeek", "deepseek"),
    "ollama": ("langchain_ollama", "ChatOllama", "ollama"),
    "qwen": ("langchain_qwq", "ChatQwen", ""),
    "groq": ("langchain_groq", "ChatGroq", ""),
    "xai": ("langchain_xai", "ChatXAI", ""),
    "fireworks": ("langchain_fireworks", "ChatFireworks", ""),
    "openrouter": ("langchain_openrouter", "ChatOpenRouter", ""),
}


def chat(kind: str, url: str, **settings: Any) -> Any:
    """One of the classes, speaking to the local provider; the test is skipped where it is not installed."""
    module, name, _ = CLASSES[kind]
    made: Any = getattr(pytest.importorskip(module), name)
    key = SecretStr("none")
    match kind:
        case "openai":
            return made(base_url=f"{url}/v1", api_key=key, max_retries=0, **settings)
        case "responses":
            return made(base_url=f"{url}/v1", api_key=key, max_retries=0, use_responses_api=True, **settings)
        case "azure":
            return made(azure_endpoint=url, api_version="2025-04-01-preview", api_key=key, max_retries=0, **settings)
        case "anthropic":
            return made(base_url=url, api_key=key, max_retries=0, **{"max_tokens": ROOM, **settings})
        case "google":
            return made(base_url=url, api_key=key, max_retries=1, **settings)
        case "ollama":
            return made(base_url=url, **settings)
        case "deepseek" | "qwen":
            return made(api_base=f"{url}/v1", api_key=key, max_retries=0, **settings)
        case "groq":
            return made(base_url=url, api_key=key, max_retries=0, **settings)
        case "xai":
            return made(xai_api_base=f"{url}/v1", api_key=key, max_retries=0, **settings)
        case _:
            return made(base_url=f"{url}/v1", api_key=key, max_retries=0, **settings)


def free() -> Budget:
    return Budget(agent="a", limits=(Limit(cycles=20),), unknown_model="free", results=None)


def asked(model: Any, wire: Provider, asks: Any = "?", *, given: Any = None, **changes: Any) -> dict[str, Any]:
    """The body of a call for which a plugin asks for so much thinking."""
    guarded = wrap(model, LeanLoop(free(), plugins=[Sends(**changes)]))
    guarded.invoke(asks, **(given or {}))
    return wire.sent


def about(body: dict[str, Any]) -> dict[str, Any]:
    """All that a body says of reasoning, and of sampling."""
    names: tuple[str, ...] = ("reasoning_effort", "reasoning", "thinking", "output_config", "think")
    names += ("chat_template_kwargs", "enable_thinking", "thinking_budget", "temperature", "top_p", "top_k", "logprobs")
    said = {name: body[name] for name in names if body.get(name) is not None}
    config = (body.get("generationConfig") or {}).get("thinkingConfig")
    return said | ({"thinkingConfig": config} if config else {})


def accepted(kind: str, body: dict[str, Any], model: str, path: str = "") -> bool:
    """Whether a body is none that the provider is known to refuse, at that path."""
    rules = "responses" if path.endswith("/responses") else CLASSES[kind][2]
    return not rules or refused(rules, body, model) == []


def effort(value: str) -> dict[str, Any]:
    return {"reasoning_effort": value}


def reasoning(value: str) -> dict[str, Any]:
    return {"reasoning": {"effort": value}}


def budget(tokens: int, **more: Any) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}, **more}


OFF = {"thinking": {"type": "disabled"}}
DEEP = {"thinking": {"type": "enabled"}}

EXACT: dict[tuple[str, str], dict[str, Any]] = {
    ("openai", "gpt-4o"): efforts(*[{}] * 7),
    ("openai", "gpt-5-chat-latest"): efforts(*[{}] * 7),
    ("openai", "o3"): efforts(*map(effort, ["low", "low", "low"]), {}, *map(effort, ["high", "high", "high"])),
    ("openai", "gpt-5"): efforts(
        *map(effort, ["minimal", "minimal", "low"]), {}, *map(effort, ["high", "high", "high"])
    ),
    ("openai", "gpt-5.1"): efforts({}, {}, *map(effort, ["low", "medium", "high", "high", "high"])),
    ("openai", "gpt-5.6"): efforts(*map(effort, ["none", "none", "low"]), {}, *map(effort, ["high", "xhigh", "max"])),
    ("openai", "gpt-6-astra"): efforts(*map(effort, ["low", "low", "low", "medium", "high", "xhigh", "max"])),
    ("openai", "Qwen/Qwen3-8B"): efforts(*[{"chat_template_kwargs": {"enable_thinking": False}}] * 2, *[{}] * 5),
    ("azure", "gpt-5"): efforts(*map(effort, ["minimal", "minimal", "low"]), {}, *map(effort, ["high"] * 3)),
    ("responses", "gpt-5"): efforts(
        *map(reasoning, ["minimal", "minimal", "low"]), {}, *map(reasoning, ["high", "high", "high"])
    ),
    ("responses", "gpt-5.6"): efforts(
        *map(reasoning, ["none", "none", "low"]), {}, *map(reasoning, ["high", "xhigh", "max"])
    ),
    ("anthropic", "claude-3-haiku-20240307"): efforts(*[{}] * 7),
    ("anthropic", "claude-haiku-4-5"): efforts(
        {}, {}, budget(1_024), budget(2_048), budget(4_096), budget(8_192), budget(16_384)
    ),
    ("anthropic", "claude-opus-4-5"): efforts(
        {},
        {},
        budget(1_024, output_config={"effort": "low"}),
        budget(2_048, output_config={"effort": "medium"}),
        *[budget(4_096, output_config={"effort": "high"})] * 3,
    ),
    ("anthropic", "claude-sonnet-4-6"): efforts(
        {}, {}, *(adaptive(one) for one in ["low", "medium", "high", "high", "max"])
    ),
    ("anthropic", "claude-opus-4-8"): efforts(
        {}, {}, *(adaptive(one, **SHOWN) for one in ["low", "medium", "high", "xhigh", "max"])
    ),
    ("anthropic", "claude-opus-5"): efforts(
        OFF,
        OFF,
        adaptive("low", **SHOWN),
        adaptive("medium", **SHOWN),
        {},
        *(adaptive(one, **SHOWN) for one in ["xhigh", "max"]),
    ),
    ("anthropic", "claude-opus-5-5"): efforts(
        *(adaptive("low", **SHOWN) for _ in range(3)), {}, *(adaptive(one, **SHOWN) for one in ["high", "xhigh", "max"])
    ),
    ("anthropic", "claude-sonnet-5-5"): efforts(
        *[{"thinking": {"type": "between_tools"}}] * 2,
        *(adaptive(one, **SHOWN) for one in ["low", "medium"]),
        {},
        *(adaptive(one, **SHOWN) for one in ["xhigh", "max"]),
    ),
    ("anthropic", "claude-fable-5"): efforts(
        *[adaptive("low", **SHOWN)] * 3,
        adaptive("medium", **SHOWN),
        {},
        *(adaptive(one, **SHOWN) for one in ["xhigh", "max"]),
    ),
    ("google", "gemini-2.0-flash"): efforts(*[{}] * 7),
    ("google", "gemini-2.5-flash"): efforts(*map(tokens, [0, 0, 1_024, 8_192, 24_576, 24_576, 24_576])),
    ("google", "gemini-2.5-flash-lite"): efforts({}, *map(tokens, [512, 1_024, 8_192, 24_576, 24_576, 24_576])),
    ("google", "gemini-2.5-pro"): efforts(*map(tokens, [128, 128, 1_024, 8_192, 24_576, 24_576, 24_576])),
    ("google", "gemini-3-flash-preview"): efforts(*map(level, ["MINIMAL", "MINIMAL", "LOW", "MEDIUM"]), {}, {}, {}),
    ("google", "gemini-3-pro-preview"): efforts(*map(level, ["LOW", "LOW", "LOW", "LOW"]), {}, {}, {}),
    ("deepseek", "deepseek-chat"): efforts(*[{}] * 7),
    ("deepseek", "deepseek-v4-flash"): efforts(
        OFF, OFF, {**DEEP, **effort("low")}, {**DEEP, **effort("low")}, {}, {}, {**DEEP, **effort("max")}
    ),
    ("ollama", "llama3"): efforts(*[{}] * 7),
    ("ollama", "qwen3:8b"): efforts({"think": False}, {"think": False}, *[{}] * 5),
    ("ollama", "gpt-oss:20b"): efforts(*[{"think": "low"}] * 3, {}, *[{"think": "high"}] * 3),
    ("qwen", "qwen3-32b"): efforts({"enable_thinking": False}, {"enable_thinking": False}, *[{}] * 5),
    ("groq", "openai/gpt-oss-20b"): efforts(*map(effort, ["low"] * 3), {}, *map(effort, ["high"] * 3)),
    ("groq", "qwen/qwen3-32b"): efforts(effort("none"), effort("none"), *[{}] * 5),
    ("groq", "llama-3.3-70b-versatile"): efforts(*[{}] * 7),
    ("xai", "grok-4.3"): efforts(effort("none"), effort("none"), {}, effort("medium"), *map(effort, ["high"] * 3)),
    ("xai", "grok-4.5"): efforts(*[{}] * 7),
    ("openrouter", "anthropic/claude-haiku-4.5"): efforts(
        {}, {}, *map(reasoning, ["low", "medium", "high", "xhigh", "max"])
    ),
    ("openrouter", "meta-llama/llama-3-8b"): efforts(*[{}] * 7),
}
