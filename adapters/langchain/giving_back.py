"""What a model has thought, given back to it where its integration forgets to.

ChatDeepSeek (langchain-deepseek 1.1) keeps `reasoning_content` in a message's `additional_kwargs` and sends the message
without it. In thinking mode DeepSeek's API answers that, after a tool call, with an error 400: "The `reasoning_content`
in the thinking mode must be passed back to the API." (https://api-docs.deepseek.com/guides/thinking_mode).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

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
        _give_back(payload.get("messages"), converted(input_).to_messages())
        return payload


def _give_back(sent: object, messages: Sequence[object]) -> None:
    """Put it into the messages that are sent, one for each of LangChain's."""
    if not isinstance(sent, list) or len(cast("list[object]", sent)) != len(messages):
        return
    for body, message in zip(cast("list[object]", sent), messages, strict=True):
        thought = message.additional_kwargs.get("reasoning_content") if isinstance(message, AIMessage) else None
        if isinstance(body, dict) and isinstance(thought, str):
            cast("dict[str, object]", body).setdefault("reasoning_content", thought)
