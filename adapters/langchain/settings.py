"""All that a chat model is sent beside messages and tools and that may change its answer, by name.

It is looked at only where answers are cached, and of one model only once for as long as nothing in it changes.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from leanloop.adapters.plain_value import plain
from leanloop.budgets.message import ToolSpec
from leanloop.plugins.cache.canonical import NotCanonicalError, framed

__all__ = ["settings_of"]

_REMEMBERED = 64
"""Models, the latest used."""

_NOT_SENT = frozenset({
    "async_client", "cache", "callbacks", "client", "custom_get_token_ids", "default_request_timeout",
    "disable_streaming", "http_async_client", "http_client", "include_response_headers", "max_retries", "metadata",
    "name", "profile", "rate_limiter", "request_timeout", "root_async_client", "root_client", "run_manager",
    "stream_chunk_timeout", "stream_usage", "streaming", "tags", "timeout", "verbose",
})  # fmt: skip
"""Fields that are about the way to the model and about those who watch, not about what is asked."""

_SAMPLING = frozenset({
    "base_url", "effort", "frequency_penalty", "logit_bias", "max_completion_tokens", "max_output_tokens", "max_tokens",
    "model", "model_kwargs", "model_name", "n", "num_predict", "presence_penalty", "reasoning", "reasoning_effort",
    "response_format", "seed", "stop", "temperature", "thinking", "top_k", "top_p",
})  # fmt: skip
"""What is looked at anew in every call of a model that does not tell its parameters. Other fields of one are taken as
they were when it was first met: some models count their calls in one."""


def settings_of(
    model: object,
    bound: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    tools: Sequence[ToolSpec] = (),
    form: object = None,
) -> Mapping[str, object]:
    """What is sent, without secrets.

    Args:
        model: a chat model, without its bindings.
        bound: the call-time parameters that are bound to it, the innermost first.
        settings: those of this call, without tools.
        tools: whose own fields beyond name, description and schema count too.
        form: the form of a structured answer.

    Raises:
        NotCanonicalError: it cannot be said what is sent.
    """
    try:
        own = _of_model(model)
        given = {name: value for one in (*bound, settings) for name, value in one.items() if name not in _NOT_SENT}
        return {
            "given": plain(given),
            "model": own,
            "tools": [more for tool in tools if (more := _beyond(tool))],
            "form": _form(form),
            "temperature": _temperature(given, own),
        }
    except NotCanonicalError:
        raise
    except Exception:  # noqa: BLE001 whatever a schema, a property or a recursion raises: the call is not cached
        raise NotCanonicalError from None


class _Known(NamedTuple):
    model: object
    watched: Mapping[str, object]
    at_first: Mapping[str, object]
    described: Mapping[str, object]


_known: OrderedDict[int, _Known] = OrderedDict()


def _of_model(model: object) -> Mapping[str, object]:
    known = _known.get(id(model))
    if known is not None and known.model is not model:
        known = None
    names = _watched(cast("Hashable", type(model)))
    watched = {name: value for name, value in vars(model).items() if name in names}
    if known is not None and known.watched == watched:
        return known.described
    at_first = _at_first(model, names) if known is None else known.at_first
    kind = type(model)
    described = {
        "class": f"{kind.__module__}.{kind.__name__}",
        **at_first,
        **_fields(watched),
    }
    snapshot = {name: copy.deepcopy(value) if _changes(value) else value for name, value in watched.items()}
    # No lock, which a fork could leave taken for ever: each step is one of its own, and one too many forgotten is fine.
    _known[id(model)] = _Known(model, snapshot, at_first, described)
    while len(_known) > _REMEMBERED:
        _known.popitem(last=False)
    return described


def _changes(value: object) -> bool:
    """Whether it may be changed in place and be compared afterwards."""
    return isinstance(value, dict | list)


def _at_first(model: object, watched: frozenset[str]) -> Mapping[str, object]:
    """What a model says of itself beside the fields that are watched, or else the rest of them."""
    kind = cast("Hashable", type(model))
    if _tells(kind):
        return {}
    if "_identifying_params" in _overridden(kind):
        return {"identifying": plain(getattr(model, "_identifying_params"))}  # noqa: B009
    rest = {name: value for name, value in vars(model).items() if name not in watched and name not in _NOT_SENT}
    return {"fields": _fields(rest)}


def _fields(held: Mapping[str, object]) -> Mapping[str, object]:
    """Fields as plain values; of what is none (a client, a function without a name) there is the name of its class."""
    told: dict[str, object] = {}
    for name, value in held.items():
        field = cast("dict[str, object]", plain({name: value}))
        try:
            framed(field)
        except NotCanonicalError:
            if isinstance(value, Mapping | list | tuple):
                raise
            field = {name: _name(value)}
        told |= field
    return told


@lru_cache(maxsize=256)
def _watched(kind: Hashable) -> frozenset[str]:
    """The fields that are looked at anew in every call."""
    names: frozenset[str] = frozenset(getattr(kind, "model_fields", ()))
    return names - _NOT_SENT if _tells(kind) else names & _SAMPLING


@lru_cache(maxsize=256)
def _tells(kind: Hashable) -> bool:
    """Whether the fields of a class are its parameters: that of an integration, or one that LangChain can store."""
    module = cast("type", kind).__module__
    if module.startswith("langchain_") and not module.startswith("langchain_core."):
        return True
    serializable: Any = getattr(kind, "is_lc_serializable", None)
    return serializable is not None and bool(serializable())


@lru_cache(maxsize=256)
def _overridden(kind: Hashable) -> frozenset[str]:
    """What a class or one above it, below LangChain's own, defines."""
    bases = cast("type", kind).__mro__
    return frozenset(name for base in bases if base not in BaseChatModel.__mro__ for name in vars(base))


def _temperature(given: Mapping[str, object], own: Mapping[str, object]) -> object:
    for place in (given, given.get("options"), own, own.get("model_kwargs"), own.get("identifying")):
        if isinstance(place, Mapping):
            found = cast("Mapping[str, object]", place).get("temperature")
            if found is not None:
                return found
    return None


def _form(form: object) -> object:
    """The form of a structured answer: the schema that the provider holds it to, or that of tools, which are known."""
    spec: Any = getattr(form, "schema_spec", None)
    own = None if spec is None else [spec.name, spec.json_schema, spec.strict]
    return None if form is None else [type(form).__name__, plain(own)]


_SAID = frozenset({"type", "name", "description", "parameters", "input_schema", "args_schema", "cache_control"})


def _beyond(tool: ToolSpec) -> object:
    """The fields of a tool that its spec does not have: a provider's own parameters, `strict`, extras."""
    raw = tool.raw
    if isinstance(raw, BaseTool):
        more: Mapping[str, object] = raw.extras or {}
    elif isinstance(raw, Mapping):
        given = cast("Mapping[str, object]", raw)
        inner = given.get("function")
        more = {**given, **cast("Mapping[str, object]", inner)} if isinstance(inner, Mapping) else given
    else:
        return None
    rest = {name: value for name, value in more.items() if name not in _SAID and name != "function"}
    return [tool.name, plain(rest)] if rest else None


def _name(one: object) -> str:
    return f"{getattr(one, '__module__', '')}:{getattr(one, '__qualname__', type(one).__qualname__)}"
