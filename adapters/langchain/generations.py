"""What LangChain hands its caches, as text and back: generations of chat models and of text models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation

from leanloop.adapters.langchain.ending import finish_of, is_plain
from leanloop.adapters.langchain.messages import from_langchain
from leanloop.adapters.langchain.replayed import replayed_message
from leanloop.adapters.langchain.usage import usage_of
from leanloop.budgets.usage import Usage
from leanloop.plugins.cache.replay import kept_reply, replayed_reply
from leanloop.plugins.call import ModelReply, Tier

__all__ = ["kept_generations", "replayed_generations", "reply_of_generation"]


def reply_of_generation(generation: Generation) -> ModelReply:
    """The neutral reply in one generation."""
    info = generation.generation_info or {}
    said = generation.message if isinstance(generation, ChatGeneration) else AIMessage(generation.text)
    told = said.model_copy(update={"response_metadata": {**info, **said.response_metadata}})
    return ModelReply(from_langchain(said), usage_of(said), finish_of(told), is_plain(told))


def kept_generations(generations: Sequence[Generation]) -> str | None:
    """Them as text; None where one holds what is no JSON."""
    try:
        return json.dumps({"generations": [_kept(one) for one in generations]}, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None


def replayed_generations(text: str, tier: Tier) -> list[Generation] | None:
    """Them again: messages with fresh ids, fresh tool call ids and no usage; None where the text is no such thing."""
    try:
        fields: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    parts: object = cast("Mapping[str, object]", fields).get("generations") if isinstance(fields, dict) else None
    if not isinstance(parts, list) or not parts:
        return None
    made = [_replayed(part, tier) for part in cast("list[object]", parts)]
    found = [one for one in made if one is not None]
    return found if len(found) == len(made) else None


def _kept(generation: Generation) -> Mapping[str, object]:
    if not isinstance(generation, ChatGeneration):
        return {"text": generation.text, "info": generation.generation_info}
    said = generation.message
    metadata = cast("Mapping[str, object]", said.response_metadata)
    model = metadata.get("model_name") or metadata.get("model") or ""
    return {"chat": kept_reply(reply_of_generation(generation), usage_of(said) or Usage()), "model": str(model)}


def _replayed(part: object, tier: Tier) -> Generation | None:
    given = cast("Mapping[str, object]", part) if isinstance(part, dict) else dict[str, object]()
    text, info, chat, model = map(given.get, ("text", "info", "chat", "model"))
    if isinstance(text, str) and (info is None or isinstance(info, dict)):
        return Generation(text=text, generation_info=cast("dict[str, Any] | None", info))
    known = replayed_reply(chat) if isinstance(chat, str) else None
    if known is None or not isinstance(model, str):
        return None
    return ChatGeneration(message=replayed_message(replace(known.reply, hit=tier), model))
