"""Between LangChain's ModelRequest and the neutral model call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from langchain.agents import factory
from langchain.agents.middleware.types import ModelRequest
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import SystemMessage
from langgraph.config import get_config
from langgraph.constants import TAG_NOSTREAM

from leanloop.adapters.langchain.added_tools import offered, unseen
from leanloop.adapters.langchain.cache_marks import takes_marks, with_marks
from leanloop.adapters.langchain.foreign import without_foreign
from leanloop.adapters.langchain.messages import Transcript, to_langchain
from leanloop.adapters.langchain.model_reply import Response
from leanloop.adapters.langchain.node import node_of_call
from leanloop.adapters.langchain.provider import (
    ABOUT_TOOLS,
    bindings,
    cap_settings,
    model_name,
    output_cap,
    provider_of,
    thinking_tokens,
    unbound,
)
from leanloop.adapters.langchain.replayed import in_form, replayed_message
from leanloop.adapters.langchain.settings import settings_of
from leanloop.adapters.langchain.several import answers_asked, cap_of_all, cap_of_each
from leanloop.adapters.langchain.substitutes import Substitutes, settings_for
from leanloop.adapters.langchain.thinking import apart, forces, is_rewritten, with_thinking
from leanloop.adapters.langchain.tools import ToolTable
from leanloop.budgets.message import ToolSpec
from leanloop.plugins.call import ModelCall, ModelReply

__all__ = ["Request"]


class Request:
    """One request of an agent, its neutral call, and the way back.

    Nothing in the call refers to it: in a ring, all that a call was made of would stay until garbage is collected.
    """

    __slots__ = ("_answers", "_cap", "_model", "_raw", "_substitutes", "_tools", "call")

    def __init__(
        self,
        raw: ModelRequest[Any],
        transcript: Transcript,
        table: ToolTable,
        substitutes: Substitutes,
        *,
        session: str = "",
    ) -> None:
        self._raw = raw
        self._substitutes = substitutes
        chat = unbound(raw.model)
        self._model: object = chat or raw.model
        model = self._model
        settings = raw.model_settings
        history = transcript.of(raw.messages)
        self._tools, specs = table.offered(cast("Sequence[object]", raw.tools))
        answers = table.answers(raw.response_format)
        tools = specs + answers  # without answers the same tuple in every call, by which its tokens are found
        thinking = thinking_tokens(model, settings)
        forced = _forces(raw, bool(answers))
        name = model_name(model, settings)
        self._answers = answers_asked(model, settings)
        self._cap = cap_of_all(output_cap(model, settings), self._answers)
        self.call = ModelCall(
            model=name,
            provider=provider_of(model).prices,
            messages=(transcript.system(raw.system_message), *history) if raw.system_message else history,
            tools=tools,
            answer_tools=frozenset([tool.name for tool in answers]) if answers else frozenset(),
            max_output=self._cap,
            min_output=thinking + 1 if thinking else 0,
            agent="agent",
            force_tool=forced,
            abilities=partial(
                substitutes.abilities, raw.model, raw.model_settings, own=name, tools=bool(tools), forced=forced
            ),
            session=session,
            structured=raw.response_format is not None,
            node=node_of_call(),
            settings=None if chat is None else partial(_settings, raw, chat, tools),
            raw=raw,
        )

    def replayed(self, reply: ModelReply) -> Response:
        """LangChain's response for an answer from the cache, the structured answer in it included."""
        raw = self._raw
        said = replayed_message(reply, self.call.model, _agent_name())
        return in_form(said, raw.response_format, native=raw.response_format is not None and _on_providers_side(raw))

    def to_langchain(self, call: ModelCall) -> ModelRequest[Any]:
        """The request to send for `call`: the very same object where nothing was changed.

        Raises:
            ModelUnavailable: the call names another model than the agent's, which cannot be had.
        """
        if call.apart:
            return self._summary(call)
        sent = self._step(call)
        if call.hold_stream and call.purpose == "step":
            return _changed(sent, {"model": unseen(sent.model)})
        return sent

    def _step(self, call: ModelCall) -> ModelRequest[Any]:
        """A call that is a step of the agent."""
        raw = self._raw
        changes: dict[str, Any] = {} if self._tools is raw.tools else {"tools": self._tools}
        settings = dict(raw.model_settings)
        model = self._model
        if call.model != self.call.model:
            changes["model"] = substitute = self._substitutes.of(raw.model, call.model)
            model = unbound(substitute)
            settings = settings_for(substitute, call.model, settings, cap_of_each(call.max_output, self._answers))
        elif call.max_output != self._cap:
            settings |= cap_settings(model, settings, cap_of_each(call.max_output, self._answers))
        call = without_foreign(call, model)
        if call.messages is not self.call.messages:
            messages = [to_langchain(message) for message in call.messages]
            system = messages[0] if messages and isinstance(messages[0], SystemMessage) else None
            changes["system_message"] = system
            changes["messages"] = messages[1:] if system else messages
        if call.tools and call.tools is not self.call.tools:
            changes["tools"] = offered(changes.get("tools", raw.tools), call.tools, model)
        own = changes.get("model", raw.model)
        thinking, settings = with_thinking(own, settings, call, rewritten=is_rewritten(call, self.call))
        if thinking is not own:
            changes["model"] = thinking
            model = unbound(thinking) or thinking
        if call.forbid_tools:
            changes |= _without_tools(_changed(raw, changes), model, settings)
        if call.cache_marks and takes_marks(model, settings):
            changes |= _marked(_changed(raw, changes), call.cache_marks)
        if settings != raw.model_settings:
            changes["model_settings"] = settings
        return _changed(raw, changes) if changes else raw

    def _summary(self, call: ModelCall) -> ModelRequest[Any]:
        """A call that is no step of the agent: without its tools, unseen by those who watch its tokens arrive."""
        raw = self._raw
        kept = {name: value for name, value in raw.model_settings.items() if name not in ABOUT_TOOLS}
        if call.model != self.call.model:
            model: Any = self._substitutes.of(raw.model, call.model)
            settings = settings_for(model, call.model, kept, cap_of_each(call.max_output, self._answers))
        else:
            most = cap_of_each(call.max_output, self._answers)
            model, settings = raw.model, kept | cap_settings(self._model, kept, most)
        call = without_foreign(apart(call, unbound(model), settings), unbound(model))
        model, settings = with_thinking(model, settings, call)
        system, *messages = map(to_langchain, call.messages)
        changes: dict[str, Any] = {"tools": [], "tool_choice": None, "response_format": None}
        changes |= {"system_message": system, "messages": messages, "model_settings": settings}
        return _changed(raw, {**changes, "model": model.with_config(tags=[TAG_NOSTREAM])})


def _settings(raw: ModelRequest[Any], model: object, tools: Sequence[ToolSpec]) -> Mapping[str, object]:
    """What else is sent that may change the answer."""
    given = {**raw.model_settings, "tool_choice": raw.tool_choice}
    return settings_of(model, bindings(raw.model), given, tools, raw.response_format)


def _forces(raw: ModelRequest[Any], answers: bool) -> bool:
    """Whether a tool must be called: create_agent forces one where the structured answer is a tool's."""
    if forces(raw.tool_choice) or forces(raw.model_settings.get("tool_choice")):
        return True
    return answers and not _on_providers_side(raw)


def _changed(raw: ModelRequest[Any], changes: dict[str, Any]) -> ModelRequest[Any]:
    """`raw.override(**changes)` at a tenth of its cost: every limited call gets its cap this way.

    `override` sets each field through a `__setattr__` that raises and silences a deprecation warning.
    """
    twin = object.__new__(type(raw))
    twin.__dict__.update(raw.__dict__, **changes)
    return twin


def _marked(raw: ModelRequest[Any], marks: Sequence[int]) -> dict[str, Any]:
    """The parts of the request in which there are breakpoints for the provider's cache."""
    system = [] if raw.system_message is None else [raw.system_message]
    messages, tools = with_marks([*system, *raw.messages], raw.tools, marks)
    head = {"system_message": messages[0]} if system else {}
    return {**head, "messages": messages[len(system) :], "tools": tools}


def _without_tools(raw: ModelRequest[Any], model: object, settings: dict[str, Any]) -> dict[str, Any]:
    """Forbid tools in the way that keeps the cached prefix, where the provider and create_agent allow one.

    With a structured answer made by a tool, create_agent forces "any" tool: then only that tool may be
    left. With a provider-side schema it passes on no tool_choice but what stands in the settings, and OpenAI
    refuses an empty list of tools: where none can be forbidden they stay, and calls are left unanswered.
    """
    no_tools = provider_of(model).no_tools
    if not raw.tools:
        return {}
    if raw.response_format is None:
        return {"tools": []} if no_tools is None else {"tool_choice": no_tools}
    if not _on_providers_side(raw):
        return {"tools": []}
    if no_tools is not None:
        settings["tool_choice"] = no_tools
    return {}


def _on_providers_side(raw: ModelRequest[Any]) -> bool:
    """Whether create_agent will have the provider hold the answer to its schema; it alone knows what it chooses."""
    chooses: Any = getattr(factory, "_supports_provider_strategy", None)
    form: object = raw.response_format
    if isinstance(form, ToolStrategy | ProviderStrategy):
        return isinstance(form, ProviderStrategy)
    return bool(chooses and chooses(raw.model, tools=raw.tools))


def _agent_name() -> str | None:
    """The `name` that create_agent was given, which it puts on what its model says."""
    try:
        name: object = (get_config().get("metadata") or {}).get("lc_agent_name")
    except RuntimeError:  # outside any graph
        return None
    return name if isinstance(name, str) else None
