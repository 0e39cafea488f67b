"""GenAI events that are log records: what calls were told and answered, apart from the spans of these calls.

Either all of a call in one record, ``gen_ai.client.inference.operation.details``, or, by the conventions up to 1.36, a
record a message: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-events/. Which call they are of says the
id of the span they were written in, which is the call's, or that of what the call is in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from leanloop.adapters.traces.found import FoundCall
from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.otel_about import agent_of, call_of, tags_in
from leanloop.adapters.traces.otel_messages import CHOICE, DETAILS, MESSAGES, messages_in
from leanloop.adapters.traces.otel_signals import Happening, Signal
from leanloop.plugins.shorten.json_read import is_object

__all__ = ["CALLS", "calls_of_pieces", "take_log"]

CALLS = ("chat", "text_completion", "generate_content")
"""By ``gen_ai.operation.name``, those that a model answers."""


class _Piece(NamedTuple):
    """A message of a call, and when it was told; as Unix time, 0 where that is not known."""

    at: float
    event: Happening


def take_log(log: Signal, gathering: Gathering) -> Iterator[str]:
    """Add what a log record tells of a call; says what of it cannot be taken."""
    body = {str(name): value for name, value in log.body.items()} if is_object(log.body) else {}
    fields = body | log.fields
    if log.name == DETAILS and fields.get("gen_ai.operation.name", CALLS[0]) in CALLS:
        yield from _whole(log, fields, gathering)
    elif log.name in MESSAGES:
        if log.trace is None or log.span is None:
            yield f"log record {log.name} is of no call: it names no trace or no span"
            return
        letters = len(str(body or log.fields))
        gathering.add_piece(log.trace, log.span, _Piece(log.ended or 0.0, Happening(log.name, fields)), letters)


def _whole(log: Signal, fields: dict[str, object], gathering: Gathering) -> Iterator[str]:
    why = None
    try:
        call = call_of(log, fields, messages_in(fields))
    except ValueError as error:
        call = call_of(log, fields)
        why = None if call.error else f"log record of span {log.span or '(none)'} is not a model call: {error}"
    if log.trace is None:
        if why is None:
            gathering.add(None, call)
        else:
            yield why
        return
    gathering.describe(log.trace, agent=agent_of(fields), tags=tags_in(fields, log.resource))
    if log.span is not None:
        gathering.add_told(log.trace, call, why)
    elif call.is_said:
        gathering.add(log.trace, call)
    else:
        gathering.add_unsaid(log.trace, call, why)


def calls_of_pieces(own: str, pieces: Sequence[object]) -> list[FoundCall]:
    """The calls that messages with this id tell of, each up to its answer; none where there is no answer.

    Of the instrumentation of LangChain by OpenLLMetry it is the id of what the call is in, which may be of several.
    """
    known = {_same(piece): piece for piece in pieces if isinstance(piece, _Piece)}
    told = sorted(known.values(), key=lambda piece: piece.at)
    parts: list[list[_Piece]] = []
    for place, piece in enumerate(told):
        if place == 0 or (told[place - 1].event.name == CHOICE and piece.event.name != CHOICE):
            parts.append([])
        parts[-1].append(piece)
    calls = (_call(own, part, number) for number, part in enumerate(parts))
    return [call for call in calls if call is not None]


def _same(piece: _Piece) -> object:
    """What only copies of it share, such as in two exports."""
    return (piece.at, json.dumps([piece.event.name, piece.event.fields], default=str)) if piece.at else id(piece)


def _call(own: str, pieces: Sequence[_Piece], number: int) -> FoundCall | None:
    try:
        messages = messages_in({}, [piece.event for piece in pieces])
    except ValueError:
        return None
    times = [piece.at for piece in pieces if piece.at]
    began, ended = (times[0], times[-1]) if times else (None, None)
    name = f"{own}/{number + 1}" if number else own
    return FoundCall(messages[:-1], messages[-1], began=began, ended=ended, id=name)
