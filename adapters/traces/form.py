"""The formats of recorded runs that are read."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["TraceFormat"]


class TraceFormat(StrEnum):
    """A format of recorded runs."""

    OPENAI = "openai"
    LANGSMITH = "langsmith"
    OTEL = "otel"
    LLAMA_INDEX = "llama-index"
