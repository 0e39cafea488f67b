"""All that an LLM is sent beside messages and tools and that may change its answer, by name.

It is looked at only where answers are cached, and anew in each call: LLMs are changed in place.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from leanloop.adapters.llama_index.provider import CAPS
from leanloop.adapters.llama_index.providers import provider_of
from leanloop.adapters.llama_index.sent import extras_of, mapping
from leanloop.adapters.plain_value import plain

__all__ = ["settings_of"]

_NOT_SENT = frozenset(
    {"callback_manager", "rate_limiter", "client", "async_client", "http_client", "async_http_client", "reuse_client"}
    | {"max_retries", "timeout", "request_timeout", "verbose", "output_parser", "query_wrapper_prompt", "num_workers"}
)
"""Fields that are about the way to the model, or about what LlamaIndex does before a call is made."""

_PROMPTS = ("messages_to_prompt", "completion_to_prompt")
"""Functions that write the prompt of a model which is sent text; LlamaIndex leaves them out of what it stores."""

_SAMPLING = frozenset(
    {"model", "model_name", "temperature", "top_p", "top_k", "seed", "stop", "n", "logit_bias", "additional_kwargs"}
    | {"frequency_penalty", "presence_penalty", "reasoning_effort", "thinking", "generate_kwargs", "model_kwargs"}
    | {*CAPS, *_PROMPTS}
)
"""Fields that are read anew in an LLM of a user's own class too."""

_TOOL_SAYS = frozenset(
    {"name", "description", "parameters", "input_schema", "function", "function_declarations", "cache_control"}
)
"""What of a tool stands in its spec, or is nothing to the model."""


def settings_of(llm: object, kwargs: Mapping[str, object], form: str) -> Mapping[str, object]:
    """What is sent by `llm` in a call with `kwargs`, without secrets; `form` tells a chat from a prompt.

    Raises:
        NotCanonicalError: it cannot be said what is sent.
    """
    apart = provider_of(llm).held_apart(llm)
    given = {name: value for name, value in kwargs.items() if name != "tools"}
    tools = kwargs.get("tools")
    return {
        "form": form,
        "class": f"{type(llm).__module__}:{type(llm).__qualname__}",
        "model": plain(_fields(llm)),
        "apart": plain(apart),
        "call": plain(given),
        "tools": [_beyond(tool) for tool in cast("Sequence[object]", tools)] if isinstance(tools, list | tuple) else (),
        "temperature": _temperature(llm, apart, given),
    }


def _fields(llm: object) -> Mapping[str, object]:
    """The fields of an integration as they are; of those that a user's own class adds, see `_at_first`."""
    names = _read_anew(llm)
    held = cast("Mapping[str, object]", vars(llm))
    return {**_at_first(llm), **{name: held[name] for name in names if name in held}}


def _read_anew(llm: object) -> tuple[str, ...]:
    return _own_fields(cast("Hashable", type(llm)), provider_of(llm).learns)


@lru_cache(maxsize=256)
def _own_fields(kind: Hashable, learns: frozenset[str]) -> tuple[str, ...]:
    of = cast("type[BaseModel]", kind)
    bases = (base for base in of.__mro__ if base.__module__.startswith("llama_index.llms."))
    known = cast("type[BaseModel]", next(bases, BaseModel)).model_fields.keys()
    names = (known - learns | _SAMPLING) & of.model_fields.keys()
    return tuple(sorted(name for name in names if name in _PROMPTS or _is_sent(name, of.model_fields[name])))


def _is_sent(name: str, field: FieldInfo) -> bool:
    return name not in _NOT_SENT and not field.exclude


_met: dict[int, tuple[weakref.ref[object], Mapping[str, object]]] = {}


def _at_first(llm: object) -> Mapping[str, object]:
    """The other fields as they were when the LLM was first met: some count their calls in one, or fill one in.

    Lists and objects are left out: they are what it has seen, and clients.
    """
    known = _met.get(id(llm))
    if known is not None and known[0]() is llm:
        return known[1]
    kind = cast("type[BaseModel]", type(llm))
    read = _read_anew(llm)
    names = [name for name, field in kind.model_fields.items() if name not in read and _is_sent(name, field)]
    told = {name: _at_once(getattr(llm, name)) for name in names}
    first = {name: value for name, value in told.items() if value is not None}
    number = id(llm)
    _met[number] = weakref.ref(llm, lambda _: _met.pop(number, None)), first
    return first


def _at_once(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    return value if isinstance(value, str | int | float | Enum | type) else None


def _beyond(tool: object) -> object:
    """What a tool is sent with beyond its spec: `strict`, the settings of a provider's own tool."""
    if isinstance(tool, Mapping):
        held = {**cast("Mapping[str, object]", tool), **mapping(cast("Mapping[str, object]", tool).get("function"))}
    elif isinstance(tool, BaseModel):  # Google's
        held = {name: value for name, value in vars(tool).items() if value is not None}
    else:
        return None
    return plain({name: value for name, value in held.items() if name not in _TOOL_SAYS})


def _temperature(llm: object, apart: Mapping[str, object], given: Mapping[str, object]) -> object:
    """The highest of those given, for which of them a class sends differs; None where none is."""
    places = (vars(llm), extras_of(llm), apart, given, mapping(given.get("generation_config")))
    found = [value for place in places if isinstance(value := place.get("temperature"), int | float)]
    return max(found) if found else None
