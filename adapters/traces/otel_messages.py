"""The messages of a model call in the attributes and events of its span, in the shape of OpenAI's.

Four ways are in use, and tried in this order:

- ``gen_ai.input.messages``, ``gen_ai.output.messages`` and ``gen_ai.system_instructions``, structured or as JSON text,
  on the span or on its event ``gen_ai.client.inference.operation.details``:
  https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
- ``llm.input_messages.N.message.*`` of OpenInference (Arize, Phoenix, LlamaIndex), a completion's in ``llm.prompts``
  and ``llm.choices``: https://arize-ai.github.io/openinference/spec/attributes/semantic-conventions.html
- ``gen_ai.prompt.N.*`` and ``gen_ai.completion.N.*`` of OpenLLMetry (Traceloop):
  https://www.traceloop.com/docs/openllmetry/contributing/semantic-conventions
- the events of the conventions up to 1.36 (``gen_ai.user.message`` ... ``gen_ai.choice``), of a span or as log records,
  whose body stands in their attributes: https://github.com/open-telemetry/semantic-conventions/blob/v1.36.0/docs/gen-ai/gen-ai-events.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from leanloop.adapters.traces.chat_values import as_openai, chat_messages, content_of
from leanloop.adapters.traces.fields import at, listed, structured, word
from leanloop.adapters.traces.otel_signals import Happening
from leanloop.adapters.traces.otel_values import unflattened
from leanloop.budgets.message import Message
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["CHOICE", "DETAILS", "MESSAGES", "conversation", "messages_in"]

DETAILS = "gen_ai.client.inference.operation.details"
_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_SILENT = (
    "it holds no texts; have your instrumentation record prompts and answers, or name the file of its log records "
    "as well"
)
CHOICE = "gen_ai.choice"
MESSAGES = (*_EVENTS, CHOICE)
"""Names of events that are of one message each."""


def messages_in(fields: Mapping[str, object], events: Sequence[Happening] = ()) -> tuple[Message, ...]:
    """What was told to the model, and its reply last.

    Raises:
        ValueError: there is none, or what is there is no conversation.
    """
    values = conversation({**fields}, events)
    if not values:
        raise ValueError(_SILENT)
    messages = chat_messages(values)
    if not any(message.text or message.tool_calls or message.images for message in messages):
        raise ValueError(_SILENT)
    if messages[-1].role != "assistant":
        raise ValueError("it has no reply")
    return messages


def conversation(fields: dict[str, object], events: Sequence[Happening] = ()) -> list[object]:
    """The same in the shape of OpenAI's messages; empty where there are no texts."""
    for event in events:
        if event.name == DETAILS:
            fields = {**event.fields, **fields}
    ways = (_structured(fields), _openinference(fields), _openllmetry(fields), _of_events(events))
    for way in ways:
        if found := list(way):
            return found
    return []


def _structured(fields: dict[str, object]) -> Iterator[object]:
    system = structured(fields.get("gen_ai.system_instructions"))
    told = listed(structured(fields.get("gen_ai.input.messages")))
    answers = listed(structured(fields.get("gen_ai.output.messages")))
    if not answers:
        return
    if system:
        yield {"role": "system", "content": _text(listed(system)) if is_list(system) else system}
    for message in (*told, answers[0]):
        parts = listed(at(message, "parts"))
        for part in parts:
            if at(part, "type") == "tool_call_response":
                response = at(part, "response")
                yield {
                    "role": "tool",
                    "tool_call_id": at(part, "id"),
                    "name": word(at(part, "name")),
                    "content": _written(at(part, "result") if response is None else response),
                }
        calls = [
            {"id": at(part, "id"), "name": at(part, "name"), "arguments": at(part, "arguments")}
            for part in parts
            if at(part, "type") == "tool_call"
        ]
        text = _text(parts)
        if text or calls or not any(at(part, "type") == "tool_call_response" for part in parts):
            role = "assistant" if message is answers[0] else at(message, "role")
            yield {"role": role, "content": text} | ({"tool_calls": calls} if calls else {})


def _openinference(fields: dict[str, object]) -> Iterator[object]:
    answers = listed(structured(unflattened(fields, "llm.output_messages")))
    if answers:
        for one in (*listed(structured(unflattened(fields, "llm.input_messages"))), answers[0]):
            yield from as_openai(_openinference_message(_inside(one, "message")), answer=one is answers[0])
        return
    prompts, choices = (listed(unflattened(fields, name)) for name in ("llm.prompts", "llm.choices"))
    answer = word(at(choices, 0, "completion", "text"), fields.get("output.value"))
    prompt = word(at(prompts, 0, "prompt", "text"), at(prompts, 0))
    if prompt is not None and answer is not None:
        yield from ({"role": "user", "content": prompt}, {"role": "assistant", "content": answer})


def _openinference_message(message: dict[str, object]) -> dict[str, object]:
    content: object = message.get("content")
    contents = [_inside(part, "message_content") for part in listed(message.get("contents"))]
    if contents and not content:
        content = [
            {"type": "image_url", "image_url": {"url": at(_inside(part.get("image"), "image"), "url") or ""}}
            if part.get("type") == "image"
            else part
            for part in contents
        ]
    calls = [_inside(call, "tool_call") for call in listed(message.get("tool_calls"))]
    name = message.get("function_call_name")  # of the time before tool calls
    if name and not calls:
        calls = [{"function": {"name": name, "arguments": message.get("function_call_arguments_json")}}]
    functions = [_inside(call, "function") | {"id": call.get("id")} for call in calls]
    return message | {"content": content, "tool_calls": functions}


def _inside(value: object, name: str) -> dict[str, object]:
    """An object that stands inside a name, or whose keys begin with it where only the list was unflattened."""
    if not is_object(value):
        return {}
    inner = value.get(name)
    if is_object(inner):
        return {str(key): one for key, one in inner.items()}
    begun = {str(key): one for key, one in value.items() if str(key).startswith(f"{name}.")}
    found = unflattened(begun, name)
    return {str(key): one for key, one in found.items()} if is_object(found) else {}


def _openllmetry(fields: dict[str, object]) -> Iterator[object]:
    answers = structured(unflattened(fields, "gen_ai.completion"))
    for one in (*listed(structured(unflattened(fields, "gen_ai.prompt"))), *listed(answers)[:1]):
        if not listed(answers) or not is_object(one):
            return
        content, calls = structured(at(one, "content")), structured(at(one, "tool_calls"))
        message = {str(key): value for key, value in one.items()}
        message["content"] = content if is_list(content) else at(one, "content")
        message["tool_calls"] = calls
        yield from as_openai(message, answer=one is at(answers, 0))


def _of_events(events: Sequence[Happening]) -> Iterator[object]:
    for event in events:
        body = structured(event.fields.get("gen_ai.event.content"))
        given: dict[str, object] = {str(key): one for key, one in body.items()} if is_object(body) else event.fields
        if event.name == CHOICE:
            if given.get("index") in (None, 0, "0"):
                inner = structured(given.get("message"))
                yield _event(
                    "assistant", given | {str(key): one for key, one in inner.items()} if is_object(inner) else given
                )
        elif event.name in _EVENTS:
            yield _event(_EVENTS[event.name], given)


def _event(role: str, given: Mapping[str, object]) -> object:
    content, calls = given.get("content"), listed(structured(given.get("tool_calls")))
    parts = content_of(content) if is_list(content) else None
    message: dict[str, object] = {"role": role, "content": parts or ("" if content is None else _written(content))}
    if role == "tool":
        message["tool_call_id"] = given.get("id")
    if calls:
        message["tool_calls"] = calls
    return message


def _text(parts: list[object]) -> str:
    texts = (at(part, "content") for part in parts if at(part, "type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
