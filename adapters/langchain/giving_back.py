"""What a model has thought, given back to it where its integration forgets to.

ChatDeepSeek (langchain-deepseek 1.1) keeps `reasoning_content` in a message's `additional_kwargs` and sends the message
without it. In thinking mode DeepSeek's API answers that, after a tool call, with an error 400: "The `reasoning_content`
in the thinking mode must be passed back to the API." (https://api-docs.deepseek.com/guides/thinking_mode). It wants the
field in messages too that were written without thinking, by itself (Raven 297) or before thinking was switched on: then
an empty one, as other clients send it (openclaw 73417).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from leanloop.adapters.langchain.dialect import mapping
from leanloop.adapters.reasoning.deepseek import reasoning_of

__all__ = ["giving_back"]

_FORGETFUL = frozenset({"langchain_deepseek"})


def giving_back(kind: type[BaseChatModel]) -> type[BaseChatModel] | None:
    """A class below `kind` that gives back what was thought; None where `kind` does it, or never had it."""
    return _giving_back(cast("Hashable", kind))


@lru_cache(maxsize=256)
def _giving_back(kind: Hashable) -> type[BaseChatModel] | None:
    own = cast("type[BaseChatModel]", kind)
    if issubclass(own, _GivesBack) or not any(base.__module__.partition(".")[0] in _FORGETFUL for base in own.__mro__):
        return None
    return cast("type[BaseChatModel]", type(own.__name__, (_GivesBack, own), {"__module__": own.__module__}))


class _GivesBack:
    def _get_request_payload(self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        inner: Any = getattr(super(), "_get_request_payload")  # noqa: B009
        payload: dict[str, Any] = inner(input_, stop=stop, **kwargs)
        converted: Any = getattr(self, "_convert_input")  # noqa: B009
        _give_back(payload.get("messages"), converted(input_).to_messages(), "" if _thinks(payload) else None)
        return payload


def _thinks(payload: Mapping[str, object]) -> bool:
    switch = mapping(mapping(payload.get("extra_body")).get("thinking"))
    return reasoning_of(str(payload.get("model"))) is not None and switch.get("type") != "disabled"


def _give_back(sent: object, messages: Sequence[object], unthought: str | None) -> None:
    """Put it into the messages that are sent, one for each of LangChain's."""
    if not isinstance(sent, list) or len(cast("list[object]", sent)) != len(messages):
        return
    for body, message in zip(cast("list[object]", sent), messages, strict=True):
        if isinstance(message, AIMessage) and isinstance(body, dict):
            thought: object = message.additional_kwargs.get("reasoning_content") or unthought
            if isinstance(thought, str):
                cast("dict[str, object]", body).setdefault("reasoning_content", thought)
