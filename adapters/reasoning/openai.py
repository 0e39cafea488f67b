"""OpenAI's models: which efforts each knows.

Levels and defaults: https://platform.openai.com/docs/guides/reasoning and the page of each model; the errors that tell
them: "Unsupported value: 'minimal' is not supported with the 'gpt-5.1' model" (opencode 4451), "Function tools with
reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions" (openai-openapi 541, litellm 34569).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from leanloop.adapters.reasoning.known import Reasoning, first_match, up_to

__all__ = ["reasoning_of"]

_NO_REASONING = re.compile(r"chat|image|audio|realtime|transcribe|tts|search|instruct|^o1-(mini|preview)")
_WITHOUT_NONE = up_to("low", "xhigh")

_TABLE = tuple(
    (re.compile(pattern), known)
    for pattern, known in (
        (r"^o\d", Reasoning(up_to("low", "high"), "medium", samples=())),
        (r"^gpt-5-pro", Reasoning(("high",), "high", samples=())),
        (r"^gpt-5-codex", Reasoning(up_to("low", "high"), "medium", samples=())),
        (r"^gpt-5(?![.\d])", Reasoning(up_to("minimal", "high"), "medium", samples=())),
        (r"^gpt-5\.\d+-pro", Reasoning(up_to("medium", "xhigh"), "medium", samples=())),
        (r"^gpt-5\.1-codex-max", Reasoning(_WITHOUT_NONE, "medium", samples=())),
        (r"^gpt-5\.1-codex", Reasoning(up_to("low", "high"), "medium", samples=())),
        (r"^gpt-5\.[23]-codex", Reasoning(_WITHOUT_NONE, "medium", samples=())),
        (r"^gpt-5\.1(?!\d)", Reasoning(up_to("none", "high", "minimal"), "none", samples=("none",))),
        (r"^gpt-5\.[2-4](?!\d)", Reasoning(up_to("none", "xhigh", "minimal"), "none", samples=("none",))),
        (r"^gpt-5\.5(?!\d)", Reasoning(up_to("none", "xhigh", "minimal"), "medium", samples=())),
        (r"^gpt-6-astra", Reasoning(up_to("low", "max"), in_prefix=True, samples=())),
        (
            r"^gpt-(5\.[6-9]|6)(?!\.?\d)",
            Reasoning(up_to("none", "max", "minimal"), "medium", in_prefix=True, samples=()),
        ),
        (r"^gpt-([6-9]|\d\d)", Reasoning(up_to("low", "high"), samples=())),  # what all before it knew
    )
)

_TOOLS_ONLY_WITHOUT = re.compile(r"^gpt-(5\.[2-9]|[6-9]|\d\d)")
"""Models that refuse function tools in chat completions at any effort but ``none``, their own default among them."""


@lru_cache(maxsize=512)
def reasoning_of(model: str, *, chat_tools: bool = False) -> Reasoning | None:
    """How a model reasons; None for one that does not, or is not known.

    `chat_tools` says that the call is to chat completions (not to responses) and offers function tools.
    """
    if _NO_REASONING.search(model):
        return None
    known = first_match(_TABLE, model)
    if known is None or not chat_tools or not _TOOLS_ONLY_WITHOUT.match(model):
        return known
    return replace(known, efforts=("none",)) if "none" in known.efforts else None
