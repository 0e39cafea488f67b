"""Structured answers of integrations whose `structured_predict` goes around `chat`, to the provider's client itself.

Nothing could count, cap or refuse such a call. So the same request is sent by `chat`, which is guarded, and what comes
back is parsed the same way. Where `structured_predict` uses `chat` by itself it is left alone, but for a mark: what it
asks for may be no more than text, and a landing in words would fail to parse.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from typing import Any, TypeVar, cast

from llama_index.core.program.streaming_utils import process_streaming_content_incremental
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from leanloop.adapters.llama_index.provider_google import json_answer
from leanloop.adapters.llama_index.providers import provider_of
from leanloop.adapters.llama_index.structured_answer import reading_as

__all__ = ["AnswersInChat", "AnswersInChatOnly", "AnswersParsed"]

Answer = TypeVar("Answer", bound=BaseModel)


class AnswersParsed:
    """Marks the calls of `structured_predict`, which LlamaIndex parses from text where an LLM calls no tools."""

    def structured_predict(self, *args: Any, **kwargs: Any) -> Any:
        """Marked."""
        inner: Any = getattr(super(), "structured_predict")  # noqa: B009
        with reading_as(_asked_for(args, kwargs)):
            return inner(*args, **kwargs)

    async def astructured_predict(self, *args: Any, **kwargs: Any) -> Any:
        """Marked."""
        inner: Any = getattr(super(), "astructured_predict")  # noqa: B009
        with reading_as(_asked_for(args, kwargs)):
            return await inner(*args, **kwargs)

    def stream_structured_predict(self, *args: Any, **kwargs: Any) -> Generator[Any, None, None]:
        """Marked."""
        inner: Any = getattr(super(), "stream_structured_predict")  # noqa: B009
        output_cls = _asked_for(args, kwargs)

        def marked() -> Generator[Any, None, None]:
            with closing(inner(*args, **kwargs)) as parts:
                while True:
                    with reading_as(output_cls):  # the model is asked when the first part is
                        part = next(parts, None)
                    if part is None:
                        return
                    yield part

        return marked()

    async def astream_structured_predict(self, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Marked."""
        inner: Any = getattr(super(), "astream_structured_predict")  # noqa: B009
        output_cls, source = _asked_for(args, kwargs), await inner(*args, **kwargs)

        async def marked() -> AsyncGenerator[Any, None]:
            async with aclosing(source) as parts:
                while True:
                    with reading_as(output_cls):
                        part = await anext(parts, None)
                    if part is None:
                        return
                    yield part

        return marked()


class AnswersInChat(AnswersParsed):
    """Sends what `structured_predict` and its kin ask for by the LLM's own `chat`."""

    def structured_predict(
        self, output_cls: type[Answer], prompt: PromptTemplate, llm_kwargs: dict[str, Any] | None = None, **args: Any
    ) -> Answer:
        """An answer that fits `output_cls`."""
        llm, how = _how(self, output_cls, llm_kwargs)
        if how is None:
            inner: Any = getattr(super(), "structured_predict")  # noqa: B009
            return cast("Answer", inner(output_cls, prompt, llm_kwargs, **args))
        with reading_as(output_cls):
            response = llm.chat(prompt.format_messages(**args), **how)
        return output_cls.model_validate_json(response.message.content or "")

    async def astructured_predict(
        self, output_cls: type[Answer], prompt: PromptTemplate, llm_kwargs: dict[str, Any] | None = None, **args: Any
    ) -> Answer:
        """`structured_predict`, awaited."""
        llm, how = _how(self, output_cls, llm_kwargs)
        if how is None:
            inner: Any = getattr(super(), "astructured_predict")  # noqa: B009
            return cast("Answer", await inner(output_cls, prompt, llm_kwargs, **args))
        with reading_as(output_cls):
            response = await llm.achat(prompt.format_messages(**args), **how)
        return output_cls.model_validate_json(response.message.content or "")

    def stream_structured_predict(
        self, output_cls: type[Answer], prompt: PromptTemplate, llm_kwargs: dict[str, Any] | None = None, **args: Any
    ) -> Generator[Any, None, None]:
        """The answer as far as it has come, again and again."""
        llm, how = _how(self, output_cls, llm_kwargs, stream=True)
        if how is None:
            inner: Any = getattr(super(), "stream_structured_predict")  # noqa: B009
            return cast("Generator[Any, None, None]", inner(output_cls, prompt, llm_kwargs, **args))
        with reading_as(output_cls):
            chunks = llm.stream_chat(prompt.format_messages(**args), **how)

        def partial() -> Generator[Any, None, None]:
            current: Any = None
            for chunk in chunks:
                current = process_streaming_content_incremental(chunk, output_cls, current)
                yield current

        return partial()

    async def astream_structured_predict(
        self, output_cls: type[Answer], prompt: PromptTemplate, llm_kwargs: dict[str, Any] | None = None, **args: Any
    ) -> AsyncGenerator[Any, None]:
        """`stream_structured_predict`, awaited."""
        llm, how = _how(self, output_cls, llm_kwargs, stream=True)
        if how is None:
            inner: Any = getattr(super(), "astream_structured_predict")  # noqa: B009
            return cast("AsyncGenerator[Any, None]", await inner(output_cls, prompt, llm_kwargs, **args))
        with reading_as(output_cls):
            chunks = await llm.astream_chat(prompt.format_messages(**args), **how)

        async def partial() -> AsyncGenerator[Any, None]:
            current: Any = None
            async for chunk in chunks:
                current = process_streaming_content_incremental(chunk, output_cls, current)
                yield current

        return partial()


class AnswersInChatOnly(AnswersInChat):
    """For GoogleGenAI, which has one way more around `chat`."""

    def structured_predict_without_function_calling(
        self, output_cls: type[Answer], prompt: PromptTemplate, llm_kwargs: dict[str, Any] | None = None, **args: Any
    ) -> Answer:
        """An answer that fits `output_cls`, whatever `pydantic_program_mode` says."""
        llm: Any = self
        with reading_as(output_cls):
            response = llm.chat(prompt.format_messages(**args), **_merged(json_answer(output_cls), llm_kwargs))
        return output_cls.model_validate_json(response.message.content or "")


def _asked_for(args: tuple[Any, ...], kwargs: dict[str, Any]) -> type:
    return cast("type", args[0] if args else kwargs["output_cls"])


def _how(
    llm: object, output_cls: type, llm_kwargs: dict[str, Any] | None, *, stream: bool = False
) -> tuple[Any, dict[str, Any] | None]:
    """The LLM, and the parameters of its `chat`; None where it has a way of its own that is guarded."""
    how = provider_of(llm).structured(llm, output_cls, stream=stream)
    return llm, None if how is None else _merged(how, llm_kwargs)


def _merged(how: dict[str, Any], llm_kwargs: dict[str, Any] | None) -> dict[str, Any]:
    given = dict(llm_kwargs or {})
    if "generation_config" in given and "generation_config" in how:
        given["generation_config"] = {**given["generation_config"], **how["generation_config"]}
    return {**how, **given}
