"""Reads events of LlamaIndex's instrumentation, each dumped (``event.model_dump()``) as one JSON object a line.

https://docs.llamaindex.ai/en/stable/module_guides/observability/instrumentation/. ``LLMChatEndEvent`` and
``LLMCompletionEndEvent`` are model calls; their start events, found by ``span_id``, give the model and the time. Tool
results stand in the next call's messages. Events carry no trace: those of one workflow run share the tag
``llamaindex.run_id``, and without it calls belong together where one goes on from the other. Any other event is passed
over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from leanloop.adapters.traces.chat_values import chat_messages, content_of, role_of
from leanloop.adapters.traces.fields import at, listed, seconds_of, tags_of, usage_of, word
from leanloop.adapters.traces.found import FoundCall
from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.records import Record
from leanloop.adapters.traces.trace import Trace
from leanloop.errors import TraceError
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["is_llama_index", "read_llama_index"]

_STARTS = ("LLMChatStartEvent", "LLMCompletionStartEvent")
_ENDS = ("LLMChatEndEvent", "LLMCompletionEndEvent")
_MOST_OPEN = 10_000
"""Starts whose end has not come; the oldest is forgotten with one more."""


def is_llama_index(value: object) -> bool:
    """Whether it is an event of the instrumentation."""
    return isinstance(at(value, "class_name"), str) and "span_id" in (value if is_object(value) else ())


def read_llama_index(
    records: Iterator[Record | TraceError], file: str, *, unsaid: bool = False
) -> Iterator[Trace | TraceError]:
    """The runs of agents in it; what cannot be read comes as the error that says why. Events always have texts."""
    gathering = Gathering()
    starts: OrderedDict[str, object] = OrderedDict()

    def take(event: object) -> Iterable[str]:
        if not is_llama_index(event):
            raise ValueError("class_name, span_id: it lacks one of them")
        _take(event, starts, gathering)
        return ()

    return gathering.runs(records, file, "is not an event of LlamaIndex", take)


def _take(event: object, starts: OrderedDict[str, object], gathering: Gathering) -> None:
    kind, span = at(event, "class_name"), str(at(event, "span_id"))
    if kind in _STARTS:
        starts[span] = {"began": seconds_of(at(event, "timestamp")), "model": _model(event)}
        if len(starts) > _MOST_OPEN:
            starts.popitem(last=False)
    elif kind in _ENDS:
        start = starts.pop(span, None)
        tags = at(event, "tags")
        run = word(at(tags, "llamaindex.run_id"))
        began, model = at(start, "began"), word(at(start, "model"))
        gathering.add(run, _call(event, began if isinstance(began, float) else None, model))
        gathering.describe(run, tags=tags_of(tags, "llamaindex."))


def _model(event: object) -> str | None:
    return word(at(event, "model_dict", "model"), at(event, "model_dict", "model_name"))


def _call(event: object, began: float | None, model: str | None) -> FoundCall:
    response = at(event, "response")
    if at(event, "class_name") == "LLMCompletionEndEvent":
        told: list[object] = [{"role": "user", "content": at(event, "prompt")}]
        said: object = {"role": "assistant", "content": at(response, "text")}
    else:
        told, said = [_message(one) for one in listed(at(event, "messages"))], _message(at(response, "message"))
    messages = chat_messages([*told, said])
    if messages[-1].role != "assistant":
        raise ValueError("response: it is no assistant's")
    usage = usage_of(
        at(response, "raw", "usage"), at(response, "raw", "usage_metadata"), at(response, "additional_kwargs")
    )
    ended = seconds_of(at(event, "timestamp"))
    return FoundCall(messages[:-1], messages[-1], model, usage, None, began, ended, id=word(at(event, "id_")))


def _message(value: object) -> object:
    """A ChatMessage in OpenAI's shape: tool calls are blocks, or in ``additional_kwargs`` as they were before."""
    blocks = at(value, "blocks")
    extra = at(value, "additional_kwargs")
    message: dict[str, object] = {"role": role_of(at(value, "role")), "content": at(value, "content")}
    calls: list[object] = []
    if is_list(blocks):
        parts = [{"type": "text", "text": at(block, "text")} for block in blocks if at(block, "block_type") == "text"]
        parts += [
            {"type": "image_url", "image_url": {"url": at(block, "url") or ""}}
            for block in blocks
            if at(block, "block_type") == "image"
        ]
        message["content"] = content_of(parts)
        calls = [
            {"id": at(block, "tool_call_id"), "name": at(block, "tool_name"), "arguments": at(block, "tool_kwargs")}
            for block in blocks
            if at(block, "block_type") == "tool_call"
        ]
    calls = calls or listed(at(extra, "tool_calls"))
    if calls:
        message["tool_calls"] = calls
    if message["role"] == "tool":
        message["tool_call_id"] = word(at(extra, "tool_call_id"))
        message["name"] = word(at(extra, "name"))
    return message
