"""Real clients against a real server of which one model fails: the next answers, and the one that fails is spared."""

# The clients' own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportDeprecated=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from llama_index.core.agent.workflow import FunctionAgent
from pydantic import SecretStr

from leanloop import parse_budget
from leanloop.adapters import langchain, llama_index

BUDGET = parse_budget(
    "agent: a\nlimits: [{usd: 1, cycles: 9}]\nroutes: {cheap: gpt-4.1-nano, frontier: gpt-4.1}", environ={}
)


class Provider(ThreadingHTTPServer):
    """Speaks OpenAI's protocol; `down` are the statuses of models that fail."""

    def __init__(self) -> None:
        self.down: dict[str, int] = {}
        self.seen: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        provider = cast("Provider", self.server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model = body["model"]
        provider.seen.append(model)
        status = provider.down.get(model, 200)
        if status != 200:
            self._answer(status, b'{"error": {"message": "overloaded"}}', "application/json")
        elif body.get("stream"):
            parts = [{"role": "assistant", "content": "done"}, {}]
            chunks = [
                {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model,
                 "choices": [{"index": 0, "delta": part, "finish_reason": None if part else "stop"}]}
                for part in parts
            ]  # fmt: skip
            lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
            self._answer(200, lines.encode(), "text/event-stream")
        else:
            usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
            choice = {"index": 0, "message": {"role": "assistant", "content": "done"}, "finish_reason": "stop"}
            whole = {"id": "1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
            self._answer(200, json.dumps({**whole, "usage": usage}).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 its name in the base class
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def in_langchain(provider: Provider) -> tuple[str, dict[str, Any]]:
    model = ChatOpenAI(
        model="gpt-4o", base_url=provider.url, api_key=SecretStr("k"), max_retries=0, use_responses_api=False
    )
    agent: Any = create_agent(model, [], middleware=[langchain.LeanLoop(BUDGET, difficulty=lambda _: 0.0)])
    last = agent.invoke({"messages": [HumanMessage("go")]})["messages"][-1]
    return last.text, last.response_metadata["leanloop"]


def in_llama_index(provider: Provider) -> tuple[str, dict[str, Any]]:
    llm = pytest.importorskip("llama_index.llms.openai").OpenAI(
        model="gpt-4o", api_base=provider.url, api_key="k", max_retries=0
    )
    agent = llama_index.LeanLoop(BUDGET, difficulty=lambda _: 0.0).agent(FunctionAgent(llm=llm, tools=[]))

    async def ask() -> Any:
        return await agent.run(user_msg="go")

    result = asyncio.run(ask())
    return str(result), result["leanloop"]


@pytest.mark.parametrize("ask", [in_langchain, in_llama_index])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_next_tier_answers_and_the_model_that_failed_is_spared(provider: Provider, ask: Any, status: int) -> None:
    provider.down = {"gpt-4.1-nano": status}
    text, receipt = ask(provider)
    assert text == "done"
    assert provider.seen == ["gpt-4.1-nano", "gpt-4.1"]
    assert [(use["model"], use["calls"]) for use in receipt["models"]] == [("gpt-4.1", 1)]
    assert f"Routes went past gpt-4.1-nano: it answered with HTTP status {status}." in receipt["notes"]
    ask(provider)
    assert provider.seen == ["gpt-4.1-nano", "gpt-4.1", "gpt-4.1"]


@pytest.mark.parametrize("ask", [in_langchain, in_llama_index])
def test_a_server_that_is_gone_is_said_as_the_client_says_it(provider: Provider, ask: Any) -> None:
    provider.down = {"gpt-4.1-nano": 503, "gpt-4.1": 500}
    with pytest.raises(Exception, match="503"):
        ask(provider)
    assert provider.seen == ["gpt-4.1-nano", "gpt-4.1"]
