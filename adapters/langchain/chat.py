"""Between the call of a chat model (its messages and call-time parameters) and the neutral model call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial, reduce
from operator import add
from typing import Any, NamedTuple, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCallChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from leanloop.adapters.langchain.added_tools import bound
from leanloop.adapters.langchain.cache_marks import takes_marks, with_marks
from leanloop.adapters.langchain.ending import finish_of, is_plain, logprob_of
from leanloop.adapters.langchain.foreign import without_foreign
from leanloop.adapters.langchain.messages import from_langchain, to_langchain
from leanloop.adapters.langchain.node import node_of_call
from leanloop.adapters.langchain.provider import (
    ABOUT_TOOLS,
    cap_settings,
    model_name,
    output_cap,
    provider_of,
    thinking_tokens,
    unbound,
)
from leanloop.adapters.langchain.replayed import replayed_message
from leanloop.adapters.langchain.settings import settings_of
from leanloop.adapters.langchain.several import answers_asked, cap_of_all, cap_of_each
from leanloop.adapters.langchain.substitutes import Substitutes, settings_for
from leanloop.adapters.langchain.thinking import apart, forces, is_rewritten, with_thinking
from leanloop.adapters.langchain.tools import spec_of
from leanloop.adapters.langchain.usage import usage_of
from leanloop.budgets.message import Message, ToolSpec
from leanloop.errors import ModelUnavailable
from leanloop.plugins.call import ModelCall, ModelReply

__all__ = ["ChatChunks", "ChatRequest", "Sent", "chat_reply", "chat_result"]


_OURS = frozenset({"model", "model_name", "run_manager", "stop"})
"""Call-time parameters that mean the same to every chat model, or that are not passed on."""


class Sent(NamedTuple):
    """A call as LangChain makes it: the chat model, the messages, the call-time parameters."""

    model: Any
    messages: list[BaseMessage]
    settings: dict[str, Any]


class ChatRequest:
    """One call of a chat model, its neutral form, which does not refer to it, and the way back."""

    def __init__(
        self,
        model: object,
        messages: Sequence[BaseMessage],
        settings: Mapping[str, Any],
        history: tuple[Message, ...],
        substitutes: Substitutes,
        *,
        session: str = "",
    ) -> None:
        self._model = model
        self._substitutes = substitutes
        self._messages = list(messages)
        self._settings = dict(settings)
        self._answers = answers_asked(model, settings)
        self._cap = cap_of_all(output_cap(model, settings), self._answers)
        offered: object = settings.get("tools")
        tools = tuple(spec_of(tool) for tool in cast("list[object]", offered)) if isinstance(offered, list) else ()
        thinking = thinking_tokens(model, settings)
        forced = bool(tools) and forces(settings.get("tool_choice"))
        name = model_name(model, settings)
        self.call = ModelCall(
            model=name,
            provider=provider_of(model).prices,
            messages=history,
            tools=tools,
            answer_tools=_forced(settings.get("tool_choice"), [tool.name for tool in tools]),
            max_output=self._cap,
            min_output=thinking + 1 if thinking else 0,
            force_tool=forced,
            abilities=partial(substitutes.abilities, model, self._settings, own=name, tools=bool(tools), forced=forced),
            session=session,
            settings=partial(_said, model, self._settings, tools),
            node=node_of_call(),
        )

    def to_langchain(self, call: ModelCall) -> Sent:
        """What to send for `call`.

        Raises:
            ModelUnavailable: the call names another model than the wrapped one, which cannot be had.
        """
        messages, model = self._messages, self._model
        settings = dict(self._settings if not call.apart else _without_tools(self._settings))
        if call.model != self.call.model:
            model = self._substitutes.of(model, call.model)
            if provider_of(model) is not provider_of(self._model) and settings.keys() - _OURS:
                bound = ", ".join(sorted(settings.keys() - _OURS))
                kind = type(self._model).__name__
                why = f"what is bound for {kind} ({bound}) means nothing to another provider; name a model of the same."
                raise ModelUnavailable(call.model, why)
            settings = settings_for(model, call.model, settings, cap_of_each(call.max_output, self._answers))
        elif call.max_output != self._cap:
            settings |= cap_settings(model, settings, cap_of_each(call.max_output, self._answers))
        call = without_foreign(apart(call, model, settings) if call.apart else call, unbound(model))
        if call.messages is not self.call.messages:
            messages = [to_langchain(message) for message in call.messages]
        model, settings = with_thinking(model, settings, call, rewritten=is_rewritten(call, self.call))
        self._offer_tools(call, model, settings)
        if call.cache_marks and takes_marks(model, settings):
            messages, tools = with_marks(messages, settings.get("tools") or (), call.cache_marks)
            settings |= {"tools": tools} if tools else {}
        return Sent(model, messages, settings)

    def _offer_tools(self, call: ModelCall, model: object, settings: dict[str, Any]) -> None:
        """The tools in the call's order, or forbidden."""
        if call.tools and call.tools is not self.call.tools:
            settings["tools"] = bound(settings.get("tools"), call.tools, model)
        if call.forbid_tools and call.tools and not call.answer_tools:
            no_tools = provider_of(model).no_tools
            if no_tools is None:
                settings.pop("tools", None)
                settings.pop("tool_choice", None)
            else:
                settings["tool_choice"] = no_tools


def _said(model: object, settings: Mapping[str, Any], tools: Sequence[ToolSpec]) -> Mapping[str, object]:
    """What else is sent that may change the answer."""
    given = {name: value for name, value in settings.items() if name != "tools"}
    return settings_of(model, (), given, tools)


def _without_tools(settings: Mapping[str, Any]) -> dict[str, Any]:
    """For a call that the caller did not ask for: in no form of his, unseen by those who watch the tokens arrive."""
    return {**{name: value for name, value in settings.items() if name not in ABOUT_TOOLS}, "run_manager": None}


class ChatChunks:
    """Chunks of a chat model's stream; `model` is its name."""

    def __init__(self, model: str) -> None:
        self._model = model

    def join(self, chunks: Sequence[ChatGenerationChunk]) -> ModelReply:
        """The whole reply."""
        message: BaseMessage = reduce(add, chunks).message if chunks else AIMessageChunk(content="")
        usage, finish, logprob = usage_of(message), finish_of(message), logprob_of(message)
        return ModelReply(from_langchain(message), usage, finish, is_plain(message), logprob=logprob, raw=message)

    def split(self, reply: ModelReply) -> Iterable[ChatGenerationChunk]:
        """One chunk with all of a reply that was never streamed."""
        message = _message(reply, self._model)
        calls = [
            ToolCallChunk(name=call.name, args=call.arguments, id=call.id, index=index, type="tool_call_chunk")
            for index, call in enumerate(reply.message.tool_calls)
        ]
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content=message.content,
                tool_call_chunks=calls,
                response_metadata=message.response_metadata,
                usage_metadata=message.usage_metadata,
                id=message.id,
            )
        )


def chat_reply(result: ChatResult) -> ModelReply:
    """The neutral reply of a result; its first generation is what counts."""
    message = result.generations[0].message if result.generations else AIMessage("")
    plain = len(result.generations) == 1 and is_plain(message)
    usage, finish, logprob = usage_of(message), finish_of(message), logprob_of(message)
    return ModelReply(from_langchain(message), usage, finish, plain, logprob=logprob, raw=result)


def chat_result(reply: ModelReply, model: str) -> ChatResult:
    """LangChain's own result where nothing was changed, else a new one."""
    if isinstance(reply.raw, ChatResult):
        return reply.raw
    return ChatResult(generations=[ChatGeneration(message=_message(reply, model))])


def _message(reply: ModelReply, model: str) -> AIMessage:
    """The message of a reply that no provider gave: of a hit, or of a plugin."""
    return cast("AIMessage", to_langchain(reply.message)) if reply.hit is None else replayed_message(reply, model)


def _forced(choice: object, offered: Sequence[str]) -> frozenset[str]:
    """The tools a `tool_choice` forces: what with_structured_output binds, so they carry the answer."""
    if isinstance(choice, Mapping):
        given = cast("Mapping[str, object]", choice)
        inner = given.get("function")
        name = cast("Mapping[str, object]", inner).get("name") if isinstance(inner, Mapping) else given.get("name")
        return frozenset({name} & set(offered)) if isinstance(name, str) else frozenset()
    if choice in ("any", "required") and len(offered) == 1:
        return frozenset(offered)
    return frozenset({choice}) if isinstance(choice, str) and choice in offered else frozenset()
