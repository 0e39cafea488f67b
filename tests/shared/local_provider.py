"""A local provider for tests: OpenAI (chat completions and responses), Anthropic, Gemini, Ollama, DeepSeek."""

# JSON is put together:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, cast

__all__ = ["Provider", "local_provider"]

Said = str | dict[str, Any]

_NUMBERS = count()


class Provider(ThreadingHTTPServer):
    """Speaks as much of the providers' HTTP as the tests need: OpenAI (both), Anthropic, Gemini, Ollama.

    `reply` gives, for each payload, what the assistant says: text, or the name, id and args of a tool call, and what
    it `thought`. `payloads` is what was sent, `paths` where to,
    `betas` with which of Anthropic's.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.payloads: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.betas: list[str | None] = []
        self.reply: Callable[[dict[str, Any]], Said] = lambda _: "it is done"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def sent(self) -> dict[str, Any]:
        return self.payloads[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # one connection a request: clients that nobody closes leave no socket behind

    def do_GET(self) -> None:  # what GoogleGenAI asks of a model when it is made
        self._send("application/json", json.dumps({"name": "m", "inputTokenLimit": 9_999, "outputTokenLimit": 8_192}))

    def do_POST(self) -> None:
        provider = cast("Provider", self.server)
        payload = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        if path == "/api/show":
            provider.paths.append(path)
            self._send("application/json", json.dumps({"model_info": {"x.context_length": 8192}}))
            return
        provider.payloads.append(payload)
        provider.paths.append(path)
        provider.betas.append(self.headers.get("anthropic-beta"))
        said = provider.reply(payload)
        streams = bool(payload.get("stream")) or "streamGenerateContent" in path
        if path.endswith("/chat/completions"):
            self._answer(_openai(said, payload), streams)
        elif path.endswith("/responses"):
            self._answer(_responses(said), streams)
        elif path.endswith("/messages"):
            self._answer(_anthropic(said), streams)
        elif path == "/api/chat":
            self._send("application/x-ndjson", "\n".join(map(json.dumps, _ollama(said)[0 if streams else 1 :])))
        else:
            self._answer(_gemini(said), streams)

    def _answer(self, made: tuple[dict[str, Any], list[dict[str, Any]]], streams: bool) -> None:
        if not streams:
            self._send("application/json", json.dumps(made[0]))
            return
        named = ((f"event: {event['type']}\n" if "type" in event else "", json.dumps(event)) for event in made[1])
        self._send("text/event-stream", "".join(f"{name}data: {event}\n\n" for name, event in named))

    def _send(self, kind: str, body: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base)
        pass


def _openai(said: Said, payload: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    call: dict[str, Any] = {}
    if not isinstance(said, str):
        function = {"name": said["name"], "arguments": json.dumps(said["args"])}
        call = {"tool_calls": [{"id": said["id"], "type": "function", "function": function}]}
    whole = {"role": "assistant", "content": said if isinstance(said, str) else None, **call}
    if not isinstance(said, str) and "thought" in said:
        whole["reasoning_content"] = said["thought"]
    usage = {
        "prompt_tokens": 50,
        "completion_tokens": 10,
        "total_tokens": 60,
        "prompt_tokens_details": {"cached_tokens": 30},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    about = {"id": "chat", "created": 0, "model": payload["model"], "system_fingerprint": "fp"}
    one = {"object": "chat.completion", **about, "usage": usage}
    words = said.split(" ") if isinstance(said, str) else []
    sure = [_likely(word, number) for number, word in enumerate(words)] if payload.get("logprobs") else []
    one["choices"] = [{"index": 0, "message": whole, "finish_reason": "stop", "logprobs": {"content": sure or None}}]
    deltas = [{"content": word} for word in words] if isinstance(said, str) else [_indexed(call)]
    each = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    for choice, token in zip(each, sure, strict=False):
        choice["logprobs"] = {"content": [token]}
    first = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    many: list[dict[str, Any]] = [
        {"object": "chat.completion.chunk", **about, "choices": [choice]} for choice in (first, *each)
    ]
    if payload.get("stream_options", {}).get("include_usage"):
        many.append({"object": "chat.completion.chunk", **about, "choices": [], "usage": usage})
    return one, many


def _likely(word: str, number: int) -> dict[str, Any]:
    """A token and how likely it was: each less than the one before."""
    return {"token": word, "logprob": -0.1 * (number + 1), "bytes": None, "top_logprobs": []}


def _indexed(call: dict[str, Any]) -> dict[str, Any]:
    return {"tool_calls": [{**part, "index": index} for index, part in enumerate(call["tool_calls"])]}


def _responses(said: Said) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if isinstance(said, str):
        text = {"type": "output_text", "text": said, "annotations": []}
        item: dict[str, Any] = {"type": "message", "id": "m", "role": "assistant", "status": "completed"}
        item["content"] = [text]
    else:
        item = {"type": "function_call", "id": "f", "call_id": said["id"], "name": said["name"], "status": "completed"}
        item["arguments"] = json.dumps(said["args"])
    usage: dict[str, Any] = {"input_tokens": 50, "output_tokens": 10, "total_tokens": 60}
    usage |= {"input_tokens_details": {"cached_tokens": 30}, "output_tokens_details": {"reasoning_tokens": 4}}
    one: dict[str, Any] = {
        "id": f"resp_{next(_NUMBERS)}",  # LangChain takes two messages of one id for one
        "object": "response",
        "created_at": 0,
        "model": "gpt-4o-mini",
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }
    many: list[dict[str, Any]] = [
        {
            "type": "response.output_text.delta",
            "delta": word,
            "item_id": "m",
            "output_index": 0,
            "content_index": 0,
            "sequence_number": number,
            "logprobs": [],
        }
        for number, word in enumerate(said.split(" ") if isinstance(said, str) else [])
    ]
    return one, [*many, {"type": "response.completed", "response": one, "sequence_number": 9}]


def _anthropic(said: Said) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    block: dict[str, Any] = {"type": "text", "text": said}
    delta: dict[str, Any] = {"type": "text_delta", "text": said}
    if not isinstance(said, str):
        block = {"type": "tool_use", "id": said["id"], "name": said["name"], "input": said["args"]}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(said["args"])}
    usage = {"input_tokens": 20, "output_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 5}
    thought = "" if isinstance(said, str) else said.get("thought")
    before, shown = _thought(thought) if thought else ([], [])
    content = [*before, block]
    one: dict[str, Any] = {"id": "msg", "type": "message", "role": "assistant", "model": "claude", "content": content}
    one |= {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
    empty = {**block, "text": ""} if isinstance(said, str) else {**block, "input": {}}
    return one, [
        {"type": "message_start", "message": {**one, "content": [], "usage": {**usage, "output_tokens": 1}}},
        *shown,
        {"type": "content_block_start", "index": len(before), "content_block": empty},
        {"type": "content_block_delta", "index": len(before), "delta": delta},
        {"type": "content_block_stop", "index": len(before)},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]


def _thought(thought: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A block of thinking, and how it is streamed."""
    block = {"type": "thinking", "thinking": thought, "signature": "signed"}
    deltas = [{"type": "thinking_delta", "thinking": thought}, {"type": "signature_delta", "signature": "signed"}]
    return [block], [
        {"type": "content_block_start", "index": 0, "content_block": {**block, "thinking": "", "signature": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
    ]


def _gemini(said: Said) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    part: dict[str, Any] = {"text": said}
    if not isinstance(said, str):
        part = {"functionCall": {"name": said["name"], "args": said["args"]}}
        if "thought" in said:
            part["thoughtSignature"] = "c2lnbmVk"
    usage = {"promptTokenCount": 50, "candidatesTokenCount": 6, "thoughtsTokenCount": 4, "totalTokenCount": 60}
    usage |= {"cachedContentTokenCount": 30}
    one = {"candidates": [{"content": {"parts": [part], "role": "model"}, "finishReason": "STOP", "index": 0}]}
    return {**one, "usageMetadata": usage}, [{**one, "usageMetadata": usage}]


def _ollama(said: Said) -> list[dict[str, Any]]:
    message: dict[str, Any] = {"role": "assistant", "content": said if isinstance(said, str) else ""}
    if not isinstance(said, str):
        message["tool_calls"] = [{"function": {"name": said["name"], "arguments": said["args"]}}]
        message |= {"thinking": said["thought"]} if "thought" in said else {}
    about = {"model": "llama", "created_at": "2026-01-01T00:00:00Z"}
    last = {**about, "message": message, "done": True, "done_reason": "stop", "prompt_eval_count": 50, "eval_count": 10}
    return [{**about, "message": {"role": "assistant", "content": ""}, "done": False}, last]


@contextmanager
def local_provider() -> Generator[Provider]:
    """One that runs."""
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
