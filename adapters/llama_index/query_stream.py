"""Answers of a query engine that stream: read within the query they are the end of, however they are read."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from typing import Any

from llama_index.core.base.response.schema import AsyncStreamingResponse, StreamingResponse

from leanloop.adapters.llama_index.findings import gathering
from leanloop.adapters.llama_index.query_landing import QueryEnd, last_words
from leanloop.errors import TaskStopped
from leanloop.plugins.steps import aperform, perform

__all__ = ["streamed"]


def streamed(response: StreamingResponse | AsyncStreamingResponse, end: QueryEnd, *, owns: bool) -> None:
    """Have `response` read within the query; when it was, or is closed, the query has ended.

    With `owns` its task ends with it. A stream that nobody begins to read ends when it is thrown away.
    """
    source: Any = response.response_gen
    if isinstance(response, AsyncStreamingResponse):
        shown: Any = _ashown(source, response, end, owns)
        response.response_gen = shown
    else:
        shown = _shown(source, response, end, owns)
        response.response_gen = shown
    if owns:
        weakref.finalize(shown, end.findings.task.close).atexit = False


def _shown(
    source: Generator[str, None, None], response: StreamingResponse, end: QueryEnd, owns: bool
) -> Generator[str, None, None]:
    findings = end.findings
    try:
        with closing(source):
            while True:
                try:
                    with gathering(findings):
                        chunk = next(source, None)
                except TaskStopped as stop:
                    if findings.task.budget.at_limit == "raise":
                        raise
                    yield str(perform(last_words(end, stop)))
                    return
                if chunk is None:
                    return
                yield chunk
    finally:
        if owns:
            findings.task.close()
        end.put_receipt(response)


async def _ashown(
    source: AsyncGenerator[str, None], response: AsyncStreamingResponse, end: QueryEnd, owns: bool
) -> AsyncGenerator[str, None]:
    findings = end.findings
    try:
        async with aclosing(source):
            while True:
                try:
                    with gathering(findings):
                        chunk = await anext(source, None)
                except TaskStopped as stop:
                    if findings.task.budget.at_limit == "raise":
                        raise
                    yield str(await aperform(last_words(end, stop)))
                    return
                if chunk is None:
                    return
                yield chunk
    finally:
        for stream in findings.streams:
            await stream.aclose()
        if owns:
            await findings.task.aclose()
        end.put_receipt(response)
