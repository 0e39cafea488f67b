"""What is said between an agent and a model, free of any framework.

Each object keeps the framework's own object in ``raw``, which takes no part in equality: what no
plugin changed goes back to the framework as the very same object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Changed", "Image", "Message", "Role", "ToolRequest", "ToolSpec"]

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Changed:
    """What stands in ``raw`` of a message or a tool result in which a plugin put another text.

    An adapter writes that text into a copy of the framework's own object, so that ids, names, status, artifacts and
    all that is no text stay: ``replace(message, text=shorter, raw=Changed(message.raw))``. Where the message says
    that it has no images and no other tokens, what is no text is left out as well.
    """

    raw: object

    @classmethod
    def of(cls, raw: object) -> Changed:
        """`raw`, marked once."""
        return raw if isinstance(raw, cls) else cls(raw)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a message. ``width`` and ``height`` in pixels, None where they cannot be read.

    ``detail`` is OpenAI's ``low``, ``high`` or ``auto``.
    """

    width: int | None = None
    height: int | None = None
    detail: str = "auto"


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool call the model asked for. ``arguments`` is the JSON text of the arguments."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the history.

    ``text`` is all text of the message joined; ``tool_call_id`` and ``is_error`` belong to role
    ``tool``; ``tool_calls`` to role ``assistant``. ``other_tokens`` is an adapter's estimate for parts
    that are neither text nor image (a PDF, a recording). ``attached`` gives the bytes of all that is not text, or a
    digest of them, asked for only where answers are cached; without it a message with such parts is not cached.
    ``marked`` says that the user has told the provider here to cache what it has read; ``thought`` that the model's own
    reasoning is in it, which some providers want back whole until the turn has ended.
    """

    role: Role
    text: str
    tool_calls: tuple[ToolRequest, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    is_error: bool = False
    images: tuple[Image, ...] = ()
    other_tokens: int = 0
    raw: object = field(default=None, compare=False, repr=False)
    attached: Callable[[], bytes] | None = field(default=None, compare=False, repr=False)
    marked: bool = field(default=False, compare=False)
    thought: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; ``parameters`` is its JSON Schema, ``marked`` as in a message."""

    name: str
    description: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])
    raw: object = field(default=None, compare=False, repr=False)
    marked: bool = field(default=False, compare=False)
