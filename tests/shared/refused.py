"""What providers are known to answer with an error 400, read off a request's body: for tests of what is really sent.

The rules stand here a second time, apart from `leanloop.adapters.reasoning`, in the words in which the providers
complain: what is tested cannot be what it is tested by. Sources: the migration guides below
https://platform.claude.com/docs/en/models/, its pages on extended and adaptive thinking, the error messages in the
issues of OpenAI's clients (opencode 4451, openai-openapi 541, litellm 34569), https://ai.google.dev/gemini-api/docs/thinking,
https://api-docs.deepseek.com/guides/thinking_mode, https://docs.ollama.com/capabilities/thinking.
"""

# JSON is looked through:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["refused"]

Body = Mapping[str, Any]


def refused(provider: str, body: Body, model: str = "") -> list[str]:
    """Why the provider would refuse the body, in its words; empty where it would not.

    `provider` is openai, responses, anthropic, google, ollama or deepseek. Google's body does not name the model.
    """
    return list(_RULES[provider](body, model or str(body.get("model", ""))))


class _Claude(NamedTuple):
    name: str
    kinds: str
    levels: str
    unasked: bool


_CLAUDE = [
    _Claude(r"claude-3-7", "enabled disabled", "", False),
    _Claude(r"(opus|sonnet)-4-(0|1|20\d{6})|(sonnet|haiku)-4-5", "enabled disabled", "", False),
    _Claude(r"opus-4-5", "enabled disabled", "low medium high", False),
    _Claude(r"(opus|sonnet)-4-6", "enabled adaptive disabled", "low medium high max", False),
    _Claude(r"opus-4-[78]", "adaptive disabled", "low medium high xhigh max", False),
    _Claude(r"opus-5-5|fable-5|mythos-5", "adaptive", "low medium high xhigh max", True),
    _Claude(r"sonnet-5-5", "adaptive between_tools", "low medium high xhigh max", True),
    _Claude(r"haiku-5-5|(opus|sonnet)-5", "adaptive disabled", "low medium high xhigh max", True),
]


def _anthropic(body: Body, model: str) -> Iterator[str]:
    claude = next((one for one in _CLAUDE if re.search(one.name, model)), _Claude("", "", "", False))
    thinking = body.get("thinking") or {}
    kind, level = thinking.get("type"), (body.get("output_config") or {}).get("effort")
    if kind is not None and kind not in claude.kinds.split():
        yield f"thinking.type.{kind} is not supported for this model"
    if level is not None and level not in claude.levels.split():
        yield f"output_config.effort: {level} is not supported by this model"
    if claude.unasked and kind in ("disabled", "between_tools") and level in ("xhigh", "max"):
        yield "thinking can be off at effort high and below only"
    yield from _budget(thinking, body["max_tokens"])
    never = "adaptive" in claude.kinds and not re.search("-4-6", model)
    sampled = [name for name in ("temperature", "top_p", "top_k") if body.get(name) not in (None, 1)]
    if sampled and (never or kind in ("enabled", "adaptive")):
        yield f"{sampled} may not be set when thinking is enabled, or by this model at all"
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        if kind == "enabled":
            yield "Thinking may not be enabled when tool_choice forces tool use."
        if re.search(r"(opus|sonnet|haiku)-5-5|fable-5-1", model):
            yield "tool_choice forces tool use, which is not compatible with this model"
    yield from _blocks(body["messages"], kind not in (None, "disabled") or (kind is None and claude.unasked), kind)


def _budget(thinking: Body, cap: int) -> Iterator[str]:
    if thinking.get("type") == "enabled":
        if thinking.get("budget_tokens", 0) < 1_024:
            yield "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        if thinking.get("budget_tokens", 0) >= cap:
            yield "`max_tokens` must be greater than `thinking.budget_tokens`"
    elif "budget_tokens" in thinking:
        yield "thinking.budget_tokens: Extra inputs are not permitted"


def _blocks(messages: list[Any], on: bool, kind: str | None) -> Iterator[str]:
    parts = [
        (message["role"], message["content"] if isinstance(message["content"], list) else []) for message in messages
    ]
    for _, blocks in parts:
        if any(block.get("type") == "thinking" and not block.get("signature") for block in blocks):
            yield "Invalid `signature` in `thinking` block"
    turn = [blocks for role, blocks in _last_turn(parts) if role == "assistant"]
    thought = [[block for block in blocks if block.get("type") == "thinking"] for blocks in turn]
    if kind == "enabled" and turn and not thought[0]:
        yield "Expected `thinking` or `redacted_thinking`, but found `tool_use`."
    if not on and any(thought):
        yield "thinking was switched off in the middle of a turn"


def _last_turn(parts: list[tuple[str, list[Any]]]) -> list[tuple[str, list[Any]]]:
    """What follows the last message of a user that stands at no tool's result."""
    for place in range(len(parts) - 1, -1, -1):
        role, blocks = parts[place]
        before = parts[place - 1][1] if place and parts[place - 1][0] == "user" else []
        if role == "user" and not any(block.get("type") == "tool_result" for block in [*before, *blocks]):
            return parts[place + 1 :]
    return parts


_GPT: list[tuple[str, str]] = [
    (r"chat|^gpt-4|^gpt-3|^o1-mini", ""),
    (r"^o\d", "low medium high"),
    (r"^gpt-5-pro", "high"),
    (r"^gpt-5(-mini|-nano)?(-20\d\d.*)?$", "minimal low medium high"),
    (r"^gpt-5\.\d+-pro", "medium high xhigh"),
    (r"^gpt-5-codex|^gpt-5\.1-codex(-mini)?$", "low medium high"),
    (r"^gpt-5\.\d-codex", "low medium high xhigh"),
    (r"^gpt-5\.1", "none low medium high"),
    (r"^gpt-5\.[2-5]", "none low medium high xhigh"),
    (r"^gpt-6-astra|^gpt-6\.", "low medium high xhigh max"),
    (r"^gpt-5\.[6-9]|^gpt-6", "none low medium high xhigh max"),
]
_UNASKED = {r"^gpt-5\.[1-4]": "none"}


def _gpt(body: Body, model: str, effort: object, cap: str) -> Iterator[str]:
    levels = next((levels.split() for name, levels in _GPT if re.search(name, model)), [])
    if effort is not None and effort not in levels:
        yield f"Unsupported value: '{effort}' is not supported with the '{model}' model. Supported values are: {levels}"
    thinks = (effort or next((d for name, d in _UNASKED.items() if re.search(name, model)), "medium")) != "none"
    for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs"):
        if (
            levels
            and (thinks or not re.search(r"^gpt-5\.[1-4]", model))
            and (body.get(name) not in (None, 1) or body.get(name) is True)
        ):
            yield f"Unsupported parameter: '{name}' is not supported with this model."
    if levels and cap == "max_completion_tokens" and "max_tokens" in body:
        yield "Unsupported parameter: 'max_tokens' is not supported with this model."


def _openai(body: Body, model: str) -> Iterator[str]:
    effort = body.get("reasoning_effort")
    yield from _gpt(body, model, effort, "max_completion_tokens")
    if "max_tokens" in body and "max_completion_tokens" in body:
        yield "max_tokens and max_completion_tokens"
    if "reasoning" in body:
        yield "Unrecognized request argument supplied: reasoning"
    newest = re.search(r"^gpt-(5\.[5-9]|6)", model) and effort != "none"
    if body.get("tools") and (newest or (re.search(r"^gpt-5\.[2-4]", model) and effort not in (None, "none"))):
        yield f"Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions."


def _responses(body: Body, model: str) -> Iterator[str]:
    yield from _gpt(body, model, (body.get("reasoning") or {}).get("effort"), "max_output_tokens")
    if "reasoning_effort" in body:
        yield "Unsupported parameter: 'reasoning_effort'. In the Responses API it has moved to 'reasoning.effort'."


class _Gemini(NamedTuple):
    name: str
    levels: str
    least: int
    most: int


_GEMINI = [
    _Gemini(r"gemini-2\.5-pro", "", 128, 32_768),
    _Gemini(r"gemini-2\.5-flash-lite", "", 512, 24_576),
    _Gemini(r"gemini-2\.5-flash", "", 0, 24_576),
    _Gemini(r"gemini-3-pro", "low high", 0, 32_768),
    _Gemini(r"gemini-3[\d.]*-flash", "minimal low medium high", 0, 32_768),
    _Gemini(r"gemini-[34]", "low medium high", 0, 32_768),
]


def _google(body: Body, model: str) -> Iterator[str]:
    config = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
    budget = config.get("thinkingBudget", config.get("thinking_budget"))
    level = config.get("thinkingLevel", config.get("thinking_level"))
    gemini = next((one for one in _GEMINI if re.search(one.name, model)), None)
    if gemini is None:
        if config:
            yield "Thinking is not supported for this model"
        return
    if budget is not None and level is not None:
        yield "You can only set only one of thinking budget and thinking level."
    if level is not None and str(level).lower() not in gemini.levels.split():
        yield f"Thinking level {level} is not supported for this model."
    off = budget == 0 and "flash" in model
    if budget is not None and budget != -1 and not off and not gemini.least <= budget <= gemini.most:
        yield f"The thinking budget {budget} is invalid. Please choose a value from {gemini.least} to {gemini.most}."


def _ollama(body: Body, model: str) -> Iterator[str]:
    think = body.get("think")
    if think and not re.search(r"gpt-oss|qwen3|deepseek-(r1|v3\.1)", model):
        yield f'"{model}" does not support thinking'
    if isinstance(think, str) and (not model.startswith("gpt-oss") or think not in ("low", "medium", "high")):
        yield f'think value "{think}" is not supported for this model'


def _deepseek(body: Body, model: str) -> Iterator[str]:
    by_itself = "disabled" if model == "deepseek-chat" else "enabled"
    on = (body.get("thinking") or {}).get("type", by_itself) == "enabled"
    effort = body.get("reasoning_effort")
    if effort not in (None, "low", "medium", "high", "xhigh", "max"):
        yield f"reasoning_effort: unknown variant {effort}"
    calls = [message for message in body["messages"] if message.get("tool_calls")]
    if on and any("reasoning_content" not in message for message in calls):
        yield "The `reasoning_content` in the thinking mode must be passed back to the API."
    if on and body.get("tool_choice") not in (None, "auto", "none"):
        yield "Thinking mode does not support this tool_choice"


_RULES: Mapping[str, Callable[[Body, str], Iterator[str]]] = {
    "anthropic": _anthropic,
    "deepseek": _deepseek,
    "google": _google,
    "ollama": _ollama,
    "openai": _openai,
    "responses": _responses,
}
