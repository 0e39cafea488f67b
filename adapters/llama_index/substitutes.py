"""The LLM to call where a plugin wants another one than the user's, and how a call made for one is made with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, ToolCallBlock
from llama_index.core.llms import LLM
from llama_index.core.llms import utils as llm_utils
from llama_index.core.tools import BaseTool

from leanloop.adapters.llama_index.provider import CAPS, Provider
from leanloop.budgets.json_text import json_text
from leanloop.errors import ModelUnavailable, UsageError

__all__ = ["PREPARED", "Prepared", "Substitutes", "as_read_by", "translated"]

PREPARED = "leanloop_prepared"
"""Under this name the parameters of a call hold its `Prepared`; it is taken out before they are sent."""

_NEUTRAL = frozenset({*CAPS, "formatted"})
"""Parameters that mean the same to every class, or are said anew."""

Response = TypeVar("Response", ChatResponse, CompletionResponse)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What LlamaIndex wanted of a call with tools, before a class put it into its provider's words.

    Attributes:
        settings: whether a tool is required, and whether several may be called.
        written: the parameters by which the class said it.
    """

    tools: Sequence[BaseTool]
    settings: Mapping[str, Any]
    written: frozenset[str]

    @property
    def answer(self) -> str | None:
        """The tool that carries the answer, where it is the only one and required."""
        required = self.settings.get("tool_required") and len(self.tools) == 1
        return self.tools[0].metadata.get_name() if required else None


class Substitutes:
    """LLMs by the names that budgets give them.

    Raises:
        UsageError: one that was given is no LLM of LlamaIndex.
    """

    def __init__(self, given: Mapping[str, LLM] | None = None) -> None:
        self._given = dict(given or {})
        for name, llm in self._given.items():
            if not isinstance(cast("object", llm), LLM):
                raise UsageError(
                    f"models: {name!r} is a {type(llm).__name__}; give an LLM of LlamaIndex: OpenAI(model={name!r})."
                )

    def get(self, name: str) -> LLM | None:
        """The LLM that was given under that name."""
        return self._given.get(name)


def translated(
    name: str, own: object, other: LLM, messages: Any, *, kwargs: Mapping[str, Any], prepared: Prepared | None
) -> tuple[Any, dict[str, Any]]:
    """What is given to `other` for a call with `kwargs` made for `own`, which speaks to another kind of provider.

    Raises:
        ModelUnavailable: a parameter only makes sense to `own`, or `other` cannot call tools.
    """
    foreign = sorted(kwargs.keys() - _NEUTRAL - (prepared.written if prepared else frozenset()))
    if foreign:
        raise ModelUnavailable(
            name,
            f"{type(other).__name__} has no {', '.join(foreign)}, which the call to {type(own).__name__} "
            "has; leave that out, or name a model of that provider.",
        )
    neutral = {key: value for key, value in kwargs.items() if key in _NEUTRAL}
    if prepared is None:
        return messages, neutral
    prepare: Any = getattr(other, "_prepare_chat_with_tools_compat", None)
    if prepare is None:
        raise ModelUnavailable(name, f"{type(other).__name__} cannot call tools; name a model that can.")
    settings: dict[str, Any] = prepare(prepared.tools, chat_history=list(messages), **prepared.settings)
    settings.pop(PREPARED, None)
    return settings.pop("messages"), settings | neutral


def as_read_by(own: Provider, response: Response) -> Response:
    """A substitute's response with the arguments of tool calls in the form in which the user's class reads them."""
    message: ChatMessage | None = getattr(response, "message", None)
    if message is None or not any(isinstance(block, ToolCallBlock) for block in message.blocks):
        return response
    blocks = [_read(own, block) if isinstance(block, ToolCallBlock) else block for block in message.blocks]
    return response.model_copy(update={"message": message.model_copy(update={"blocks": blocks})})


def _read(own: Provider, block: ToolCallBlock) -> ToolCallBlock:
    given = block.tool_kwargs
    if isinstance(given, str) is own.text_arguments:
        return block
    if not isinstance(given, str):
        return block.model_copy(update={"tool_kwargs": json_text(given)})
    parse: Any = getattr(llm_utils, "parse_partial_json")  # noqa: B009 (a dict of anything to type checkers)
    try:
        arguments = cast("dict[str, Any]", parse(given))  # a chunk of a stream may end anywhere
    except ValueError:
        arguments = {}
    return block.model_copy(update={"tool_kwargs": arguments})
