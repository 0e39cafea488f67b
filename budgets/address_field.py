"""An address in a budget file, as a field of a model."""

from __future__ import annotations

from collections.abc import Callable

from pydantic_core import PydanticCustomError

from leanloop.errors import UsageError

__all__ = ["readable"]


def readable(check: Callable[[str], None], forms: str) -> Callable[[object], str]:
    """A validator: a text that `check` does not raise UsageError for. `forms` says which addresses there are.

    The value stays out of every message: an address may carry a password.
    """

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise PydanticCustomError("store", "must be {forms}", {"forms": forms})
        try:
            check(value)
        except UsageError as error:
            raise PydanticCustomError("store", "cannot be used: {why}", {"why": str(error)}) from None
        return value

    return read
