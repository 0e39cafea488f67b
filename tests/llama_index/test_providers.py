"""What LlamaIndex's own integrations really send, and what of their answers is booked, against a local provider."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop

# google-genai's own, where its async client is first used
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

KINDS = ["openai", "responses", "anthropic", "google", "ollama"]
METHODS = [
    "chat", "achat", "stream_chat", "astream_chat", "complete", "acomplete", "stream_complete", "astream_complete",
]  # fmt: skip


def budget(**limits: Any) -> Budget:
    return Budget(agent="a", limits=(Limit(**limits),), unknown_model="free", max_output=700)


def call(llm: Any, method: str, **kwargs: Any) -> Any:
    """One call by `method`; of a stream, its last chunk."""
    given = "hello" if "complete" in method else [ChatMessage(content="hello")]
    made = getattr(llm, method)
    if not method.startswith("a"):
        answer = made(given, **kwargs)
        return list(answer)[-1] if "stream" in method else answer

    async def awaited() -> Any:
        answer = await made(given, **kwargs)
        return [chunk async for chunk in answer][-1] if "stream" in method else answer

    return asyncio.run(awaited())


def cap_of(sent: dict[str, Any]) -> int | None:
    inner = sent.get("generationConfig") or sent.get("options") or {}
    names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    return next((sent[n] for n in names if n in sent), inner.get("maxOutputTokens") or inner.get("num_predict"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_one_call_capped_and_booked_as_the_provider_reports_it(
    kind: str, method: str, llm: Callable[..., Any], provider: Any, store: Any
) -> None:
    given = llm(kind)
    loop = LeanLoop.from_budget(budget(tokens=5_000), store=store)
    with leanloop.task(loop.budget, store=store) as task:
        answer = call(loop.llm(given), method)
    assert "done" in str(answer)
    assert len(provider.payloads) == 1
    assert cap_of(provider.sent) == (512 if kind == "anthropic" else 700)  # the first has a cap of its own
    (use,) = task.receipt().models
    assert use.calls == 1
    assert not use.usage.estimated
    if kind == "anthropic":
        assert (use.usage.input, use.usage.output) == (55, 10)
        assert (use.usage.cached_input, use.usage.cache_write) == (30, 5)
    elif kind == "ollama":
        assert (use.usage.input, use.usage.output) == (50, 10)
    else:
        assert (use.usage.input, use.usage.output) == (50, 10)
        assert (use.usage.cached_input, use.usage.reasoning) == (30, 4)
    assert store.spent("tokens") == [use.usage.total]
