"""A copy of a chat model with other fields, made once for as long as the model stays as it is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableBinding

from leanloop.adapters.copied import copied

__all__ = ["in_place_of", "twin_of"]

_REMEMBERED = 64
"""Copies, the latest made."""


class _Made(NamedTuple):
    model: BaseChatModel
    held: Mapping[str, object]
    twin: BaseChatModel


_made: OrderedDict[tuple[int, str], _Made] = OrderedDict()


def twin_of(
    model: BaseChatModel, fields: Mapping[str, object], kind: type[BaseChatModel] | None = None
) -> BaseChatModel:
    """A copy with these fields, and of that class below the model's own; the model itself where it is so already.

    Fields that its class does not have are left out. A copy shares the model's connection; it is kept, so that what an
    integration makes at the first call (Anthropic's client) is not made for each.
    """
    known: Mapping[str, object] = type(model).model_fields
    other = {name: value for name, value in fields.items() if name in known and getattr(model, name) != value}
    if not other and (kind is None or isinstance(model, kind)):
        return model
    key, held = (id(model), repr((kind, sorted(other.items())))), vars(model)
    made = _made.get(key)
    if made is not None and made.model is model and _same(made.held, held):
        return made.twin
    twin = cast("BaseChatModel", copied(model, kind or type(model)))
    cast("dict[str, object]", vars(twin)).update(other)
    _made[key] = _Made(model, dict(held), twin)
    while len(_made) > _REMEMBERED:
        _made.popitem(last=False)
    return twin


def _same(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether they hold the very same objects."""
    return len(one) == len(other) and all(one.get(name) is value for name, value in other.items())


def in_place_of(own: object, twin: BaseChatModel, unwanted: Collection[str] = ()) -> Any:
    """`own` with the chat model in it replaced; what is bound to it stays, but what is `unwanted`."""
    if isinstance(own, BaseChatModel):
        return twin
    binding = cast("RunnableBinding[Any, Any]", own)
    kept = {name: value for name, value in binding.kwargs.items() if name not in unwanted}
    return binding.model_copy(update={"bound": in_place_of(binding.bound, twin, unwanted), "kwargs": kept})
