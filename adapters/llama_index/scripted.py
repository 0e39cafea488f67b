"""LLMs that follow a script: for demonstrations and for testing agents under a budget. They call nobody."""

# LlamaIndex's callback decorators are not typed:
# pyright: reportUnknownVariableType=false, reportUntypedFunctionDecorator=false
from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from llama_index.core.base.llms.generic_utils import (
    achat_to_completion_decorator,
    astream_chat_to_completion_decorator,
    chat_to_completion_decorator,
    stream_chat_to_completion_decorator,
)
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.llms import LLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import BaseTool
from pydantic import Field, PrivateAttr

from leanloop.adapters.llama_index.messages import from_llama
from leanloop.adapters.llama_index.tools import specs_of
from leanloop.budgets.degrade_step import Effort
from leanloop.budgets.tokens import counter_for

__all__ = ["Script", "ScriptedLLM", "ScriptedTextLLM"]

Said: TypeAlias = str | ChatMessage | ChatResponse
Script: TypeAlias = Callable[[list[ChatMessage], dict[str, Any]], Said]
Seen: TypeAlias = list[tuple[list[ChatMessage], dict[str, Any]]]

_turns = threading.Lock()
"""One at a time takes the next reply. Not an LLM's own, since locks can neither be copied nor pickled."""


class ScriptedTextLLM(LLM):
    """Answers in text, by `script`: a list of replies, given in turn, or a function of the messages and parameters.

    Usage is counted as the model named would bill it, unless a reply brings its own; a reply longer than
    ``max_tokens`` is cut there, as a provider does. `seen` holds every call's messages and parameters, with the
    ``max_tokens`` in force. `efforts` are the reasoning efforts it can be asked for, by the parameter
    ``reasoning_effort``; `steady` says that none may follow another in the midst of a tool loop.
    """

    script: Sequence[Said] | Script = Field(exclude=True)
    model: str = "gpt-4o-mini"
    max_tokens: int | None = None
    reports_usage: bool = True
    context_window: int = 128_000
    efforts: tuple[Effort, ...] = ()
    steady: bool = False
    _seen: Seen = PrivateAttr(default_factory=list[tuple[list[ChatMessage], dict[str, Any]]])

    @property
    def seen(self) -> Seen:
        """Messages and parameters of every call so far."""
        return self._seen

    @classmethod
    def class_name(cls) -> str:
        """LlamaIndex's name for the class."""
        return "ScriptedLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex asks of a model."""
        return LLMMetadata(
            context_window=self.context_window,
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=isinstance(self, FunctionCallingLLM),
            model_name=self.model,
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The next reply."""
        return self._next(messages, kwargs)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The next reply."""
        return self._next(messages, kwargs)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """The next reply, word by word."""

        def chunks() -> ChatResponseGen:
            yield from _words(self._next(messages, kwargs))

        return chunks()

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """The next reply, word by word."""

        async def chunks() -> ChatResponseAsyncGen:
            for chunk in _words(self._next(messages, kwargs)):
                yield chunk

        return chunks()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The next reply."""
        return chat_to_completion_decorator(self.chat)(prompt, **kwargs)

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The next reply."""
        return await achat_to_completion_decorator(self.achat)(prompt, **kwargs)

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """The next reply, word by word."""
        return stream_chat_to_completion_decorator(self.stream_chat)(prompt, **kwargs)

    @llm_completion_callback()
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        """The next reply, word by word."""
        return await astream_chat_to_completion_decorator(self.astream_chat)(prompt, **kwargs)

    def _next(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        cap = kwargs.get("max_tokens") or self.max_tokens
        if cap is not None:
            kwargs = {**kwargs, "max_tokens": cap}
        with _turns:
            turn = len(self._seen)
            self._seen.append((list(messages), kwargs))
        if callable(self.script):
            said = self.script(list(messages), kwargs)
        else:
            said = self.script[min(turn, len(self.script) - 1)]
        if isinstance(said, ChatResponse):
            return said
        if isinstance(said, str):
            said = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=said)])
        return self._billed(said, messages, kwargs)

    def _billed(self, said: ChatMessage, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        counter = counter_for(self.model)
        cap: int | None = kwargs.get("max_tokens")
        output = counter.reply(from_llama(said))
        if cap is not None and output > cap and not _calls(said):
            said = ChatMessage(role=said.role, blocks=[TextBlock(text=(said.content or "")[: 3 * cap])])
            output = cap
        if not self.reports_usage:
            return ChatResponse(message=said)
        prompt = counter.prompt([from_llama(message) for message in messages], specs_of(kwargs.get("tools")))
        usage = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
        return ChatResponse(message=said, raw={"model": self.model, "usage": usage})


class ScriptedLLM(ScriptedTextLLM, FunctionCallingLLM):
    """`ScriptedTextLLM` that calls tools: a reply may hold ToolCallBlocks."""

    def _prepare_chat_with_tools(  # noqa: PLR0917  (as LlamaIndex has it)
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Tools as OpenAI would be sent them."""
        asked = ChatMessage(role=MessageRole.USER, content=user_msg) if isinstance(user_msg, str) else user_msg
        offered = [tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools]
        choice = tool_choice or ("required" if tool_required else "auto")
        settings: dict[str, Any] = {"tools": offered, "tool_choice": choice} if offered else {}
        return {"messages": [*(chat_history or []), *([asked] if asked else [])], **settings, **kwargs}

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """The tool calls of a reply."""
        calls = _calls(response.message)
        if not calls and error_on_no_tool_call:
            raise ValueError(f"Expected at least one tool call, but got {len(calls)} tool calls.")
        return [
            ToolSelection(
                tool_id=call.tool_call_id or call.tool_name,
                tool_name=call.tool_name,
                tool_kwargs=call.tool_kwargs if isinstance(call.tool_kwargs, dict) else {},
            )
            for call in calls
        ]


def _calls(message: ChatMessage) -> list[ToolCallBlock]:
    return [block for block in message.blocks if isinstance(block, ToolCallBlock)]


def _words(said: ChatResponse) -> ChatResponseGen:
    """A reply as a stream: the text word by word, each chunk with all of it so far; then tool calls and usage."""
    words = (said.message.content or "").split(" ")
    for index in range(len(words)):
        delta = words[index] if index == len(words) - 1 else f"{words[index]} "
        text = " ".join(words[: index + 1])
        yield ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=text)]), delta=delta)
    yield said.model_copy(update={"delta": ""})
