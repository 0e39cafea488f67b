"""How to read a provider's own object, which the integrations of LlamaIndex leave in `raw`, whatever its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from pydantic import BaseModel

__all__ = ["Get", "reader_of"]

Get = Callable[[str], object]
"""What something holds under a name, None where it holds nothing."""

_NOTHING: Mapping[str, object] = {}


def reader_of(given: object) -> Get:
    """How to read what `given` holds. A pydantic model is slow to say that it lacks something, its fields are not."""
    if given is None:
        return _NOTHING.get
    if type(given) is dict or isinstance(given, Mapping):  # asking a class of typing costs ten times as much
        return cast("Mapping[str, object]", given).get
    if isinstance(given, BaseModel):
        fields = cast("dict[str, object]", given.__dict__)
        return {**fields, **given.model_extra}.get if given.model_extra else fields.get
    return lambda name: getattr(given, name, None)
