"""What the tests of the LangChain adapter share: both ways to run, and a local provider."""

# create_agent's own annotations lack type arguments, and a ledger is looked into:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps, loads
from typing import Any, cast

import deepagents
import langchain.agents
import pytest
from langchain_core.messages import AIMessage
from local_provider import Provider as Wire
from local_provider import local_provider


class Runner:
    """Calls the sync or the async form of whatever has both."""

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def __call__(self, runnable: Any, *args: Any, **kwargs: Any) -> Any:
        if self.mode == "sync":
            return runnable.invoke(*args, **kwargs)
        return asyncio.run(runnable.ainvoke(*args, **kwargs))

    def many(self, runnable: Any, inputs: list[Any], **kwargs: Any) -> Any:
        if self.mode == "sync":
            return runnable.batch(inputs, **kwargs)
        return asyncio.run(runnable.abatch(inputs, **kwargs))

    def stream(self, runnable: Any, *args: Any, most: int | None = None, **kwargs: Any) -> list[Any]:
        """What is streamed; closed early after `most`."""
        if self.mode == "sync":
            source = runnable.stream(*args, **kwargs)
            parts = [part for _, part in zip(range(most or 10**6), source, strict=False)]
            source.close()
            return parts

        async def collect() -> list[Any]:
            parts: list[Any] = []
            source = runnable.astream(*args, **kwargs)
            async for part in source:
                parts.append(part)
                if len(parts) == most:
                    break
            await source.aclose()
            return parts

        return asyncio.run(collect())


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Runner:
    return Runner(request.param)


@pytest.fixture
def create_agent() -> Any:
    """LangChain's own, without its annotations."""
    return langchain.agents.create_agent


@pytest.fixture
def create_deep_agent() -> Any:
    """That of deepagents."""
    return deepagents.create_deep_agent


@pytest.fixture
def ask() -> Callable[..., AIMessage]:
    """A model's message that asks for tools: `ask(("search", {"q": "a"}), ...)`; ids are unique."""
    made = iter(range(10**6))

    def asking(*calls: tuple[str, dict[str, Any]], text: str = "") -> AIMessage:
        return AIMessage(
            text,
            tool_calls=[{"name": n, "args": a, "id": f"call-{next(made)}", "type": "tool_call"} for n, a in calls],
        )

    return asking


class Provider(ThreadingHTTPServer):
    """Speaks as much of OpenAI's chat completions and Anthropic's messages as the tests need.

    `reply` gives, for each payload, the status and what the assistant says; `ends` is the reason for which it ends, if
    not of itself; `payloads` is what was sent.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.payloads: list[dict[str, Any]] = []
        self.reply: Callable[[dict[str, Any]], tuple[int, str | dict[str, Any]]] = lambda _: (200, "done")
        self.ends: str | None = None

    def always(self, status: int, said: str) -> None:
        self.reply = lambda _: (status, said)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # one connection a request: clients that nobody closes leave no socket behind

    def do_POST(self) -> None:
        provider = cast("Provider", self.server)
        payload = loads(self.rfile.read(int(self.headers["content-length"])))
        provider.payloads.append(payload)
        status, said = provider.reply(payload)
        if status != 200:
            answer: dict[str, Any] = {"error": {"message": str(said), "type": "error"}}
        else:
            anthropic = self.path.endswith("/messages")
            answer = _anthropic(said) if anthropic else _openai(said)
            if provider.ends is not None and anthropic:
                answer["stop_reason"] = provider.ends
            elif provider.ends is not None:
                answer["choices"][0]["finish_reason"] = provider.ends
        body = dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base)
        pass


def _openai(said: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(said, str):
        message: dict[str, Any] = {"role": "assistant", "content": said}
    else:
        function = {"name": said["name"], "arguments": dumps(said["args"])}
        call = {"id": said["id"], "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return {
        "id": "chat",
        "object": "chat.completion",
        "created": 0,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60},
    }


def _anthropic(said: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(said, str):
        block: dict[str, Any] = {"type": "text", "text": said}
    else:
        block = {"type": "tool_use", "id": said["id"], "name": said["name"], "input": said["args"]}
    return {
        "id": "msg",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [block],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 50, "output_tokens": 10},
    }


@pytest.fixture
def provider() -> Generator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def wire() -> Generator[Wire]:
    """A provider that speaks as each of them does, and keeps what it is sent."""
    with local_provider() as server:
        yield server
