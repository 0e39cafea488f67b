"""A chat model that follows a script: for demonstrations and for testing agents under a budget. It calls nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCallChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, PrivateAttr

from leanloop.adapters.langchain.messages import from_langchain
from leanloop.adapters.langchain.tools import spec_of
from leanloop.budgets.json_text import json_text
from leanloop.budgets.tokens import counter_for

__all__ = ["Script", "ScriptedModel"]

Script = Callable[[list[BaseMessage], dict[str, Any]], AIMessage]


class ScriptedModel(BaseChatModel):
    """Answers by `script`: a list of messages, given in turn, or a function of the messages and settings.

    Usage is counted as the model named would bill it, unless a message brings its own; a reply longer
    than ``max_tokens`` is cut there, as a provider does. `seen` holds every call's messages and settings.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    script: Sequence[AIMessage] | Script
    model_name: str = "gpt-4o-mini"
    max_tokens: int | None = None
    reports_usage: bool = True
    _seen: list[tuple[list[BaseMessage], dict[str, Any]]] = PrivateAttr(
        default_factory=list[tuple[list[BaseMessage], dict[str, Any]]]
    )
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def seen(self) -> list[tuple[list[BaseMessage], dict[str, Any]]]:
        """Messages and settings of every call so far."""
        return self._seen

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Tools as OpenAI would be sent them."""
        specs = [spec_of(tool) for tool in tools]
        offered = [
            {
                "type": "function",
                "function": {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)},
            }
            for spec in specs
        ]
        return self.bind(tools=offered, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = self._next(messages, kwargs)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        message = self._next(messages, kwargs)
        words = str(message.text).split(" ")
        for index, word in enumerate(words):
            text = word if index == len(words) - 1 else f"{word} "
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=text))
            if run_manager:
                run_manager.on_llm_new_token(text, chunk=chunk)
            yield chunk
        calls = [
            ToolCallChunk(
                name=call["name"], args=json_text(call["args"]), id=call["id"], index=index, type="tool_call_chunk"
            )
            for index, call in enumerate(message.tool_calls)
        ]
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", tool_call_chunks=calls, usage_metadata=message.usage_metadata)
        )

    def _next(self, messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        with self._lock:
            turn = len(self._seen)
            self._seen.append((list(messages), settings))
        if callable(self.script):
            said = self.script(list(messages), settings)
        else:
            said = self.script[min(turn, len(self.script) - 1)]
        return self._billed(said.model_copy(update={"id": None}), messages, settings)

    def _billed(self, said: AIMessage, messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        counter = counter_for(self.model_name)
        cap = settings.get("max_tokens") or self.max_tokens
        output = counter.reply(from_langchain(said))
        if cap is not None and output > cap and not said.tool_calls:
            said = said.model_copy(update={"content": str(said.text)[: 3 * cap]})
            output = cap
        if said.usage_metadata is not None or not self.reports_usage:
            return said
        prompt = counter.prompt(
            [from_langchain(message) for message in messages], [spec_of(tool) for tool in settings.get("tools") or ()]
        )
        usage = UsageMetadata(input_tokens=prompt, output_tokens=output, total_tokens=prompt + output)
        return said.model_copy(update={"usage_metadata": usage, "response_metadata": {"model_name": self.model_name}})
