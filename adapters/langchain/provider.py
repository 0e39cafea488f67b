"""What each LangChain integration calls things: the model's name, its output cap, a forbidden tool, an effort.

Read in the sources of langchain-openai 1.7, langchain-anthropic 1.7, langchain-google-genai 4.4,
langchain-ollama 1.1 and langchain-aws 1.2, and, for the model's field, langchain-mistralai, -groq and -deepseek 1.1,
-xai 1.3, -fireworks 1.7, -together 0.4 and -openrouter 0.2; an integration that is not listed gets the most common
names.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import cast

from langchain_core.language_models import BaseChatModel

__all__ = [
    "ABOUT_TOOLS",
    "MODEL_SETTINGS",
    "Provider",
    "bindings",
    "cap_settings",
    "model_name",
    "output_cap",
    "packages_of",
    "provider_of",
    "thinking_tokens",
    "unbound",
]


ABOUT_TOOLS = frozenset(
    {"tools", "tool_choice", "parallel_tool_calls", "response_format", "ls_structured_output_format", "strict"}
)
"""Call-time parameters that say which tools there are and in what form to answer; a summary has none of them."""


@dataclass(frozen=True, slots=True)
class Provider:
    """How one integration is spoken to.

    Attributes:
        prices: the provider's id in genai-prices, None to look in all.
        max_output: the call-time parameter that caps output tokens.
        options: where that parameter stands in an `options` dict, which replaces the instance's own
            attributes: their names, to be sent along.
        no_tools: the `tool_choice` that forbids tools and keeps the cached prefix; None where the tools
            must be taken out instead.
        model_field: the field of which each call takes the model's name, so that a copy with another name there is
            sent to that model; None where a client, an address or an inner model is tied to it.
        effort: the call-time parameter for the reasoning effort.
    """

    prices: str | None = None
    max_output: str = "max_tokens"
    no_tools: object = None
    options: tuple[str, ...] = ()
    model_field: str | None = None
    effort: str | None = None


_OLLAMA = (
    "mirostat", "mirostat_eta", "mirostat_tau", "num_ctx", "num_gpu", "num_thread", "num_predict", "repeat_last_n",
    "repeat_penalty", "temperature", "seed", "stop", "tfs_z", "top_k", "top_p",
)  # fmt: skip
_PROVIDERS: Mapping[str, Provider] = {
    "langchain_openai": Provider("openai", no_tools="none", model_field="model_name", effort="reasoning_effort"),
    "langchain_anthropic": Provider(
        "anthropic", no_tools={"type": "none"}, model_field="model", effort="output_config"
    ),
    "langchain_google_genai": Provider(
        "google", "max_output_tokens", "none", model_field="model", effort="reasoning_effort"
    ),
    "langchain_google_vertexai": Provider("google", "max_output_tokens", "none"),
    "langchain_mistralai": Provider("mistral", no_tools="none", model_field="model"),
    "langchain_groq": Provider("groq", no_tools="none", model_field="model_name"),
    "langchain_deepseek": Provider("deepseek", no_tools="none", model_field="model_name"),
    "langchain_xai": Provider("x-ai", no_tools="none", model_field="model_name"),
    "langchain_fireworks": Provider("fireworks", no_tools="none", model_field="model_name"),
    "langchain_together": Provider("together", no_tools="none", model_field="model_name"),
    "langchain_openrouter": Provider("openrouter", no_tools="none", model_field="model_name"),
    "langchain_aws": Provider("aws"),
    "langchain_ollama": Provider(None, "num_predict", options=_OLLAMA, model_field="model", effort="reasoning"),
    "leanloop": Provider(model_field="model_name"),  # ScriptedModel
}
_OTHER = Provider()
MODEL_SETTINGS = ("model", "model_name")
"""Call-time parameters that name another model than the instance does."""

_CAPS = frozenset({"max_completion_tokens", "max_tokens", "max_output_tokens", "num_predict"})


def provider_of(model: object) -> Provider:
    """The integration a model's class, or one it derives from, belongs to."""
    return _provider_of(cast("Hashable", type(model)))


@lru_cache(maxsize=256)
def _provider_of(kind: Hashable) -> Provider:
    return next((found for package in packages_of(kind) if (found := _PROVIDERS.get(package)) is not None), _OTHER)


def packages_of(kind: Hashable) -> Iterator[str]:
    """The packages of a class and of those it derives from, the nearest first; without the classes that guard it."""
    for base in cast("type", kind).__mro__:
        package = base.__module__.partition(".")[0]
        if package != "leanloop" or base.__module__.endswith(".scripted"):
            yield package


def model_name(model: object, settings: Mapping[str, object] = MappingProxyType({})) -> str:
    """The name the provider bills by: that of the call, else the model's, else the integration's own type name."""
    for name in MODEL_SETTINGS:
        value = settings.get(name)
        if isinstance(value, str) and value:
            return value
    for attribute in ("model_name", "model", "model_id", "deployment_name"):
        value = getattr(model, attribute, None)
        if isinstance(value, str) and value:
            return value
    kind: object = getattr(model, "_llm_type", None)
    return kind if isinstance(kind, str) else type(model).__name__


def output_cap(model: object, settings: Mapping[str, object]) -> int | None:
    """The output cap a call carries, from its settings or its model; None where nobody chose one.

    A cap that equals the model's maximum is the integration's default (ChatAnthropic fills it in), not
    a choice: setting 64,000 tokens aside for each call would let no two calls run side by side.
    """
    if settings:
        nested: object = settings.get("options")
        inner = cast("Mapping[str, object]", nested) if isinstance(nested, dict) else dict[str, object]()
        for given in (settings, inner):
            for name in _CAPS & given.keys():
                value = given[name]
                if _is_count(value):
                    return cast("int", value)
    kind = cast("Hashable", type(model))
    caps = _cap_fields(kind)
    if not caps:
        return None
    profile: object = getattr(model, "profile", None) if "profile" in _fields(kind) else None
    largest = cast("Mapping[str, object]", profile).get("max_output_tokens") if isinstance(profile, Mapping) else None
    for name in caps:
        value = getattr(model, name, None)
        if _is_count(value) and value != largest:
            return cast("int", value)
    return None


def cap_settings(model: object, settings: Mapping[str, object], cap: int | None) -> dict[str, object]:
    """The call-time parameter that caps output: the name the call uses already, else the integration's own."""
    provider = provider_of(model)
    if provider.options:
        own = {name: getattr(model, name, None) for name in provider.options}
        nested: object = settings.get("options")
        base = cast("Mapping[str, object]", nested) if isinstance(nested, Mapping) else own
        return {"options": {**{k: v for k, v in base.items() if v is not None}, provider.max_output: cap}}
    name = next((name for name in _CAPS if name in settings), provider.max_output)
    return {name: cap}


def thinking_tokens(model: object, settings: Mapping[str, object]) -> int:
    """Anthropic's `thinking.budget_tokens`, which the output cap must exceed (else the API answers 400)."""
    own: object = getattr(model, "thinking", None) if "thinking" in _fields(cast("Hashable", type(model))) else None
    for thinking in (settings.get("thinking"), own):
        if thinking is not None and isinstance(thinking, Mapping):  # of None, an abstract class takes its time to say
            budget = cast("Mapping[str, object]", thinking).get("budget_tokens")
            if _is_count(budget):
                return cast("int", budget)
    return 0


def unbound(model: object) -> BaseChatModel | None:
    """The chat model inside bindings and other single wrappers, None where there is none."""
    for _ in range(8):
        if _is_chat_model(cast("Hashable", type(model))):
            return cast("BaseChatModel", model)
        model = getattr(model, "bound", None)
    return None


def bindings(model: object) -> list[Mapping[str, object]]:
    """The call-time parameters that are bound to a chat model, the innermost first."""
    found: list[Mapping[str, object]] = []
    for _ in range(8):
        if _is_chat_model(cast("Hashable", type(model))):
            break
        given: object = getattr(model, "kwargs", None)
        if isinstance(given, Mapping):
            found.insert(0, cast("Mapping[str, object]", given))
        model = getattr(model, "bound", None)
    return found


@lru_cache(maxsize=256)
def _is_chat_model(kind: Hashable) -> bool:
    """Remembered, as pydantic takes microseconds to say what is an instance of one of its classes."""
    return issubclass(cast("type", kind), BaseChatModel)


@lru_cache(maxsize=256)
def _fields(kind: Hashable) -> frozenset[str]:
    """The fields of a pydantic class: asking an instance for one it lacks is slow, and this is asked per call."""
    return frozenset(getattr(kind, "model_fields", ()))


@lru_cache(maxsize=256)
def _cap_fields(kind: Hashable) -> frozenset[str]:
    """Those of its fields that cap the output."""
    return _fields(kind) & _CAPS


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
