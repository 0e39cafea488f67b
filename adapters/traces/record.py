"""What one line of a trace file must hold, as pydantic models of OpenAI's chat messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

__all__ = ["AboutRecord", "CallRecord", "MessageRecord", "PartRecord", "RunRecord"]

_IGNORES_THE_REST = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def _name_or_none(value: object) -> object:
    """An id as text; an empty one names nothing."""
    if value == "":
        return None
    return str(value) if isinstance(value, int) else value


def _as_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps({} if value is None else value, ensure_ascii=False)


def _word_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


_Id = Annotated[str | None, BeforeValidator(_name_or_none)]


class CallRecord(BaseModel):
    """A tool call: flat (``name``, ``arguments``), or OpenAI's own with both inside ``function``.

    ``arguments`` is text, JSON or not; an object is written out, none at all is ``{}``.
    """

    model_config = _IGNORES_THE_REST

    name: Annotated[str, Field(min_length=1)]
    arguments: Annotated[JsonValue, AfterValidator(_as_text)] = "{}"
    id: _Id = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        given = cast("Mapping[str, object]", data)
        inner = given.get("function")
        if not isinstance(inner, Mapping):
            return given
        return {**cast("Mapping[str, object]", inner), "id": given.get("id")}


class PartRecord(BaseModel):
    """One part of a message: a text, or an image of which only ``detail`` and a data URL are looked at."""

    model_config = _IGNORES_THE_REST

    type: Literal["text", "input_text", "output_text", "refusal", "image_url", "input_image"]
    text: str = ""
    refusal: str = ""
    image_url: JsonValue = None
    detail: str = "auto"


class MessageRecord(BaseModel):
    """One message. An assistant's may have no content; a tool's may say that it is an error."""

    model_config = _IGNORES_THE_REST

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | tuple[PartRecord, ...] | None = None
    tool_calls: tuple[CallRecord, ...] | None = None
    tool_call_id: _Id = None
    name: str | None = None
    is_error: bool = False
    status: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> MessageRecord:
        if self.content is None and self.role != "assistant":
            raise ValueError(f"a {self.role} message needs content")
        return self


_Word = Annotated[str | None, BeforeValidator(_word_or_none)]


class AboutRecord(BaseModel):
    """What a run was worth, how it ended, and whose calls it made."""

    model_config = _IGNORES_THE_REST

    reward: float | None = None
    max_reward: float | None = None
    exit_status: _Word = None
    model: _Word = None


class RunRecord(AboutRecord):
    """One run. What is said about it stands beside the messages, or under ``meta``, which goes before."""

    id: _Id = None
    meta: AboutRecord | None = None
    messages: Annotated[tuple[MessageRecord, ...], Field(min_length=1)]

    def about(self) -> Iterator[AboutRecord]:
        """Where it may stand, in the order it is looked for."""
        if self.meta is not None:
            yield self.meta
        yield self
