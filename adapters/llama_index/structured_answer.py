"""What the answer to a call made here will be read as, where it is read by a schema, and whether it can be."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from pydantic import BaseModel

from leanloop.budgets.message import Message

__all__ = ["fits", "read_as", "reading_as"]

_read_as: ContextVar[type | None] = ContextVar("leanloop_llama_read_as", default=None)


def read_as() -> type | None:
    """The class a structured answer is made from; None where the answer is taken as it is."""
    return _read_as.get()


@contextmanager
def reading_as(output_cls: type) -> Generator[None, None, None]:
    """Around the calls whose answer is read as `output_cls`."""
    token = _read_as.set(output_cls)
    try:
        yield
    finally:
        _read_as.reset(token)


def fits(message: Message, output_cls: type) -> bool:
    """Whether LlamaIndex will be able to read `message` as `output_cls`.

    One who asks again because it could not is not to be given the same again.
    """
    if not issubclass(output_cls, BaseModel):
        return True
    try:
        for text in [call.arguments for call in message.tool_calls] or [message.text]:
            output_cls.model_validate_json(text[text.index("{") : text.rindex("}") + 1])
    except Exception:  # noqa: BLE001 a validator of the user's may raise anything
        return False
    return True
