"""Settings of a framework's model as plain values, for the key its answers are cached under; nothing secret among them.

Two servers, deployments or thinking budgets must not share answers, so all that is said is kept. A key, a password or
a token changes no answer and is left out by its type or its name: not even a digest of it is to leave the process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType
from typing import cast
from uuid import UUID

from pydantic import AnyUrl, BaseModel, SecretBytes, SecretStr

from leanloop.plugins.cache.canonical import NotCanonicalError

__all__ = ["plain"]

_SECRET = re.compile(
    r"api_?key|secret|passw(?:or)?d|credential|authorization|cookie|bearer|(?:access|private|account|subscription)_?key"
    r"|(?:^|_)(?:access|auth|session|refresh|ad|id|security|api|hf|hub|csrf|xsrf)_?token(?:$|_provider)|^(?:token|auth)$"
)
_USER = re.compile(r"(?<=://)[^/@\s]{1,500}@")
_LEFT_OUT = object()


def plain(value: object) -> object:
    """`value` in text, numbers, lists and mappings.

    What it cannot read it gives back as it is; `leanloop.plugins.cache.canonical.framed` refuses that.

    Raises:
        NotCanonicalError: it contains itself, or is a class of which pydantic can tell no schema.
    """
    try:
        told = _plain(value)
    except (RuntimeError, ValueError, TypeError, AttributeError):  # of pydantic, of a recursion, of a user's objects
        raise NotCanonicalError from None
    return None if told is _LEFT_OUT else told


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int | float | bytes):
        return value
    if isinstance(value, str):
        return _USER.sub("", value) if "://" in value else value
    if isinstance(value, Mapping):
        return _told(cast("Mapping[object, object]", value))
    if isinstance(value, list | tuple):
        told = [_plain(one) for one in cast("Sequence[object]", value)]
        return [one for one in told if one is not _LEFT_OUT]
    if isinstance(value, type):
        if issubclass(value, BaseModel):
            return [value.__qualname__, value.model_json_schema()]
        return f"{value.__module__}:{value.__qualname__}"
    return _object(value)


def _object(value: object) -> object:
    if isinstance(value, SecretStr | SecretBytes):
        return _LEFT_OUT
    if isinstance(value, BaseModel):
        held = cast("Mapping[object, object]", {**vars(value), **(value.model_extra or {})})
        return [type(value).__qualname__, _told(held)]
    if is_dataclass(value):
        return [type(value).__qualname__, _told({field.name: getattr(value, field.name) for field in fields(value)})]
    if isinstance(value, date | time | timedelta | Decimal | PurePath | UUID | AnyUrl):
        return [type(value).__name__, _USER.sub("", str(value))]
    if isinstance(value, FunctionType | BuiltinFunctionType) and "<" not in value.__qualname__:
        return f"{value.__module__}:{value.__qualname__}"
    return value


def _told(values: Mapping[object, object]) -> dict[object, object]:
    told = {name: _plain(value) for name, value in values.items() if not _is_secret(name, value)}
    return {name: value for name, value in told.items() if value is not _LEFT_OUT}


def _is_secret(name: object, value: object) -> bool:
    """By its name; a mapping or a list is looked through instead: a schema may well have a property `password`.

    The schema of a property may be `true`, too; a number is the limit or the count of something.
    """
    if not isinstance(name, str) or isinstance(value, Mapping | list | tuple | bool | int | float):
        return False
    return _SECRET.search(name.lower().replace("-", "_")) is not None
