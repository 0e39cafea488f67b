"""Between one call of an LLM (messages or a prompt, and its parameters) and the neutral model call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse

from leanloop.adapters.llama_index.added_tools import added_to
from leanloop.adapters.llama_index.form import CHAT, Form
from leanloop.adapters.llama_index.logprobs import likelihood_of
from leanloop.adapters.llama_index.provider import Provider
from leanloop.adapters.llama_index.provider_scripted import Scripted
from leanloop.adapters.llama_index.providers import model_name, provider_of
from leanloop.adapters.llama_index.sent import Sent
from leanloop.adapters.llama_index.settings import settings_of
from leanloop.adapters.llama_index.structured_answer import fits, read_as
from leanloop.adapters.llama_index.substitutes import Prepared, Substitutes, as_read_by, translated
from leanloop.adapters.llama_index.thinking import Wanted, say_unknown
from leanloop.adapters.llama_index.tools import answer_of, specs_of
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.errors import ModelUnavailable
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.task import Task
from leanloop.plugins.tool_order import in_order

__all__ = ["Outgoing", "Request"]

_ABOUT_TOOLS = frozenset(
    {"tools", "tool_choice", "tool_config", "tool_required", "allow_parallel_tool_calls", "parallel_tool_calls"}
    | {"response_format", "text_format", "format"}
)
"""Parameters that say which tools there are and in what form to answer; a call that a plugin makes for itself has none
of them."""

_OWN_WORDS = (Provider, Scripted)
"""Where classes may differ in how a call to them is written."""

Response = TypeVar("Response", ChatResponse, CompletionResponse)


class Outgoing(NamedTuple):
    """A call as it is made: the LLM, what its method is given, and who reads the response (None: the LLM itself)."""

    llm: object
    given: Any
    kwargs: dict[str, Any]
    reader: Provider | None = None

    def read(self, response: Response) -> Response:
        """The response as the user's class reads it."""
        return response if self.reader is None else as_read_by(self.reader, response)


class Request:
    """One call of an LLM, its neutral form, and the way back.

    Args:
        others: the LLMs that may take the place of `llm`.
        prepared: what was wanted of a call with tools.
        stream: the reply is to be streamed.

    Attributes:
        cached: whether answers may be kept, so that it matters how one ends and what is in it.
        weighed: whether answers may be rejected, so that it matters how likely the model holds one to be.
    """

    def __init__(
        self,
        llm: object,
        form: Form[Any, Any],
        given: object,
        kwargs: Mapping[str, Any],
        task: Task,
        *,
        others: Substitutes,
        prepared: Prepared | None = None,
        stream: bool = False,
    ) -> None:
        self._llm = llm
        self._form = form
        self._given = given
        self._provider = provider_of(llm)
        self._kwargs = kwargs
        self._others = others
        self._prepared = prepared
        self._stream = stream
        self.cached = task.budget.cache is not None
        self.weighed = task.budget.routes is not None
        self._read_as = read_as() if self.cached else None
        answer = prepared.answer if prepared else None
        tools, schema = specs_of(kwargs.get("tools")), answer_of(kwargs)
        forced = self._provider.forced(kwargs, [tool.name for tool in tools]) | frozenset({answer} if answer else ())
        thinking = self._provider.thinking_tokens(llm, kwargs)
        self._may_forbid = bool(tools) and not forced
        self._cap = self._provider.output_cap(llm, kwargs)
        must_call = self._provider.must_call(kwargs) or bool(answer)
        name, offered = model_name(llm), tools if schema is None else (*tools, schema)
        self.call = ModelCall(
            model=name,
            provider=self._provider.prices,
            messages=form.history(given, task),
            tools=offered,
            answer_tools=forced if schema is None else forced | {schema.name},
            force_tool=must_call,
            max_output=self._cap,
            min_output=thinking + 1 if thinking else 0,
            settings=lambda: settings_of(llm, kwargs, form.name),
            # Nothing in it refers to this request: in a ring, all that a call was made of would stay until garbage is
            # collected.
            abilities=partial(_abilities, llm, kwargs, others, own=name, tools=bool(offered), forced=must_call),
        )

    def reply(self, response: Any) -> ModelReply:
        """The neutral form of a response; one that the structured answer asked for cannot be read from is not kept."""
        reply: ModelReply = self._form.reply(response)
        if self.weighed:
            reply = replace(reply, logprob=likelihood_of(response).mean)
        if self._read_as is None or not reply.plain or fits(reply.message, self._read_as):
            return reply
        return replace(reply, plain=False)

    def shown(self, reply: ModelReply) -> Any:
        """A reply as the class of the LLM itself gives it."""
        response: Any = self._form.response(reply)
        return response if response is reply.raw else as_read_by(self._provider, response)

    def send(self, call: ModelCall) -> Outgoing:
        """How `call` is made: with a twin of the LLM where only an attribute can say it, or with a substitute.

        Raises:
            ModelUnavailable: the call names another model, of which no LLM was given, and the class cannot be sent to
                it; or the LLM that was given cannot make this call.
        """
        given = self._given if call.messages is self.call.messages else self._form.given(call.messages)
        kwargs, prepared = self._kwargs, self._prepared
        if call.apart:  # it is no part of what the caller asked for
            unwanted = _ABOUT_TOOLS | (prepared.written if prepared else _ABOUT_TOOLS)
            kwargs, prepared = {name: value for name, value in kwargs.items() if name not in unwanted}, None
        sent, provider, most = Sent(self._llm, dict(kwargs)), self._provider, call.max_output
        reader: Provider | None = None
        other = self._others.get(call.model) if call.model != self.call.model else None
        if other is not None:
            provider = provider_of(other)
            sent.llm = other
            if not self._speaks_as(other):
                reader = self._provider
                given, sent.kwargs = translated(call.model, self._llm, other, given, kwargs=kwargs, prepared=prepared)
            most = _fitting(provider, sent, call)
        elif call.model != self.call.model:
            provider.rename(sent, call.model)
        if most is not None and (other is not None or most != self._cap):
            provider.cap(sent, most)
        self._offer_tools(call, provider, sent)
        if call.thinking is not None or call.effort is not None:
            _think(call, provider, sent)
        if self._form is CHAT:
            given = _marked(call, provider, sent, cast("Sequence[ChatMessage]", given))
        if self._stream:
            fixed = sent.extras
            sent.kwargs = {**{k: v for k, v in provider.streaming.items() if k not in fixed}, **sent.kwargs}
        return Outgoing(sent.target(), given, sent.kwargs, reader)

    def _offer_tools(self, call: ModelCall, provider: Provider, sent: Sent) -> None:
        """The tools in the call's order, or forbidden."""
        if call.tools and call.tools is not self.call.tools:
            given = sent.kwargs.get("tools") or ()
            offered = added_to(in_order(given, call.tools), call.tools, sent.llm)
            sent.kwargs |= {"tools": offered} if offered else {}
        if call.forbid_tools and (self._may_forbid or not self.call.tools):
            provider.forbid_tools(sent)

    def _speaks_as(self, other: object) -> bool:
        """Whether the parameters of this call mean the same to another LLM."""
        own, kind = type(self._llm), type(self._provider)
        # By name: a guarded class has that of the class it guards.
        same = (own.__module__, own.__qualname__) == (type(other).__module__, type(other).__qualname__)
        return same or (type(provider_of(other)) is kind and kind not in _OWN_WORDS)


def _abilities(
    llm: object, kwargs: Mapping[str, Any], others: Substitutes, model: str, *, own: str, tools: bool, forced: bool
) -> Abilities:
    """What the model of that name can do in such a call: the LLM's `own`, another of it, or a substitute.

    Raises:
        ModelUnavailable: no LLM was given under that name, and the class cannot be sent to another model.
    """
    provider, sent = provider_of(llm), Sent(llm, dict(kwargs))
    other = others.get(model) if model != own else None
    if other is not None:
        provider, sent = provider_of(other), Sent(other, {})
    elif model != own:
        provider.rename(sent, model)
    known = provider.reasoning(sent, tools=tools) or Reasoning(())
    if forced:
        known = known.forced()
    context, can_call = provider.limits(sent)
    can = known.abilities(provider.prices, context=context, tools=can_call)
    said = provider.says(sent, known) if known.efforts else None
    default: Effort | None = next((effort for effort in EFFORTS if effort == said), None)
    return can if default is None else replace(can, default=default, reasons=default != "none")


def _think(call: ModelCall, provider: Provider, sent: Sent) -> None:
    """Ask for the reasoning that the call wants; that a model cannot be asked for less is said once."""
    tools, forced = bool(sent.kwargs.get("tools")), provider.must_call(sent.kwargs)
    if call.effort is not None and provider.reasoning(sent, tools=tools) is None:
        say_unknown(call.model, call.effort)
    provider.think(sent, Wanted(call.thinking, call.effort, call.messages, tools, forced))


def _marked(call: ModelCall, provider: Provider, sent: Sent, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
    """The messages as the provider takes them: without thoughts that it refuses, signed, with marks for its cache."""
    if any(message.thought for message in call.messages):
        messages = provider.with_thoughts(sent, messages)
    if call.messages and call.messages[-1].role == "tool":
        messages = provider.signed(sent, messages)
    return provider.mark(sent, messages, call.cache_marks) if call.cache_marks else messages


def _fitting(provider: Provider, sent: Sent, call: ModelCall) -> int | None:
    """The output cap of a call of a substitute: what was set aside for the call, or its own where that is less."""
    most, own = call.max_output, provider.output_cap(sent.llm, sent.kwargs)
    thinking = provider.thinking_tokens(sent.llm, sent.kwargs)
    if most is not None and thinking >= most:
        raise ModelUnavailable(
            call.model,
            f"its thinking budget of {thinking:,} tokens does not fit into {most:,} of output; raise "
            "max_output, or lower the thinking budget.",
        )
    return most if own is None or most is None else min(own, most)
