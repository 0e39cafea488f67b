"""Google's class. Read in llama-index-llms-google-genai 0.11.

What its `_generation_config` holds, the parameter `generation_config` of a call is laid over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage, MessageRole, ThinkingBlock, ToolCallBlock
from llama_index.core.types import PydanticProgramMode

from leanloop.adapters.llama_index.provider import Provider, count
from leanloop.adapters.llama_index.sent import Sent, mapping
from leanloop.adapters.llama_index.thinking import Wanted, begun_turn
from leanloop.adapters.reasoning.google import reasoning_of
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.adapters.reasoning.spent import effort_of_tokens

__all__ = ["GoogleGenAI", "json_answer"]


_NO_SIGNATURE = b"skip_thought_signature_validator"


class GoogleGenAI(Provider):
    """Gemini; `structured_predict` goes around `chat` to `models.generate_content`."""

    def output_cap(self, llm: object, kwargs: Mapping[str, object]) -> int | None:
        """`max_output_tokens` of the call, else of the model; the maximum the class looks up is no choice."""
        for config in (kwargs.get("generation_config"), getattr(llm, "_generation_config", None)):
            cap = mapping(config).get("max_output_tokens")
            if count(cap):
                return cast("int", cap)
        return None

    def cap(self, sent: Sent, cap: int) -> None:
        """By the call's configuration."""
        _configure(sent, "max_output_tokens", cap)

    def forbid_tools(self, sent: Sent) -> None:
        """By the mode of function calling, so that the cached prefix stays."""
        sent.kwargs["tool_config"] = {"function_calling_config": {"mode": "NONE"}}

    def reasoning(self, sent: Sent, *, tools: bool = False) -> Reasoning | None:
        """By the model's name."""
        return reasoning_of(str(sent.get("model") or ""))

    def says(self, sent: Sent, known: Reasoning) -> object:
        """By the level, else the budget, of the call or of the model."""
        thinking = _thinking(sent)
        level = thinking.get("thinking_level")
        if level:
            return str(getattr(level, "value", level)).lower()
        return effort_of_tokens(known.budgets, thinking.get("thinking_budget"))

    def think(self, sent: Sent, wanted: Wanted) -> None:
        """By a level (Gemini 3 and later) or a budget (2.5), each without the other."""
        known = self.reasoning(sent)
        if known is None:
            return
        asked = wanted.asked(known, self.says(sent, known))
        if asked is None:
            return
        about = ("thinking_budget", "thinking_level")
        kept = {name: value for name, value in _thinking(sent).items() if value is not None and name not in about}
        how = {about[0]: known.budgets[asked]} if known.form == "budget" else {about[1]: asked.upper()}
        _configure(sent, "thinking_config", {**kept, **how})

    def with_thoughts(self, sent: Sent, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        """Without what another provider's model thought: the class would send it as a thought of Gemini's."""
        return [_without_foreign(message) for message in messages]

    def signed(self, sent: Sent, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        """With a sign that stands for none where another model has called a tool in the turn that is going on.

        Gemini 3 and later answer a call without its `thought_signature` with an error 400, and take this in its place
        (https://ai.google.dev/gemini-api/docs/thought-signatures).
        """
        name = str(sent.get("model") or "").rpartition("/")[2]
        if not name.startswith("gemini-") or name.startswith(("gemini-1", "gemini-2")):
            return messages
        begun = begun_turn(messages)
        return [*messages[:begun], *map(_signed, messages[begun:])]

    def must_call(self, kwargs: Mapping[str, object]) -> bool:
        """By the mode of function calling."""
        calling: object = getattr(kwargs.get("tool_config"), "function_calling_config", None)
        return getattr(getattr(calling, "mode", None), "value", None) == "ANY"

    def held_apart(self, llm: object) -> Mapping[str, object]:
        """The configuration that parameters of a call are laid over, and what it asks for besides."""
        return mapping(getattr(llm, "_generation_config", None))

    def forced(self, kwargs: Mapping[str, object], offered: list[str]) -> frozenset[str]:
        """The tool that the mode ANY leaves as the only one."""
        calling: object = getattr(kwargs.get("tool_config"), "function_calling_config", None)
        mode: object = getattr(getattr(calling, "mode", None), "value", None)
        names: object = getattr(calling, "allowed_function_names", None)
        allowed = cast("list[str]", names) if isinstance(names, list) else offered
        return frozenset(allowed) & frozenset(offered) if mode == "ANY" and len(allowed) == 1 else frozenset()

    def structured(self, llm: object, output_cls: type, *, stream: bool) -> dict[str, Any] | None:
        """The same configuration, sent by `chat`; None where the user chose tools."""
        if getattr(llm, "pydantic_program_mode", None) != PydanticProgramMode.DEFAULT:
            return None
        return json_answer(output_cls)


def json_answer(output_cls: type) -> dict[str, Any]:
    """The parameters of a `chat` that answers in JSON by a schema."""
    return {"generation_config": {"response_mime_type": "application/json", "response_schema": output_cls}}


def _configure(sent: Sent, name: str, value: object) -> None:
    given = sent.kwargs.get("generation_config")
    sent.kwargs["generation_config"] = {**mapping(given), name: value}


def _thinking(sent: Sent) -> Mapping[str, object]:
    own = mapping(sent.get("_generation_config")).get("thinking_config")
    return mapping(mapping(sent.kwargs.get("generation_config")).get("thinking_config") or own)


def _without_foreign(message: ChatMessage) -> ChatMessage:
    # The class keeps of each of Gemini's own thoughts all that its part held, `thought` among it.
    ours = [
        block
        for block in message.blocks
        if not isinstance(block, ThinkingBlock) or "thought" in block.additional_information
    ]
    return message if len(ours) == len(message.blocks) else message.model_copy(update={"blocks": ours})


def _signed(message: ChatMessage) -> ChatMessage:
    """A message whose first call of a tool is signed; that of a parallel one is not."""
    first = next((n for n, block in enumerate(message.blocks) if isinstance(block, ToolCallBlock)), None)
    extras = cast("dict[str, object]", message.additional_kwargs)
    given = extras.get("thought_signatures")
    signatures = list(cast("list[object]", given)) if isinstance(given, list) else []
    if first is None or any(signatures):
        return message
    signatures += [None] * (first + 1 - len(signatures))
    signatures[first] = _NO_SIGNATURE
    signs = {**extras, "thought_signatures": signatures}
    return message.model_copy(update={"role": MessageRole.MODEL, "additional_kwargs": signs})
