"""Reads recorded runs: OpenAI-style messages, one JSON object a line (JSON Lines, https://jsonlines.org).

    {"id": "run-1", "reward": 1.0, "model": "gpt-4o", "messages": [{"role": "user", "content": "..."}, ...]}

Rules, besides what `leanloop.adapters.traces.record` says of each field:

- Empty lines are passed over, and a byte order mark before the first.
- NaN and Infinity are not JSON. A line is at most 64 MiB, so that no line can fill the memory.
- A tool result names its call by ``tool_call_id``; without one it answers the oldest unanswered call of the
  assistant message before it. One that answers no call makes the line no run.
- A call without an answer is kept as it is: the run was cut off there.
"""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from pydantic import ValidationError
from pydantic_core import from_json

from leanloop.adapters.traces.record import MessageRecord, PartRecord, RunRecord
from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.budgets.images import size_of
from leanloop.budgets.message import Image, Message, Role, ToolRequest
from leanloop.errors import TraceError
from leanloop.plugins.trial.wrong_line import in_words

__all__ = ["LONGEST_LINE", "first_problem", "messages_of", "parse_trace", "read_traces", "traces_in"]

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes."""

_BOM = b"\xef\xbb\xbf"
_HEADER = 64 * 1024
_SHOWN = 200


def read_traces(stream: IO[bytes], file: str, *, longest: int = LONGEST_LINE) -> Iterator[Trace | TraceError]:
    """The runs of an open file, one at a time; a line that is not a run comes as the error that says why.

    Errors come as values, so that one bad line does not end the reading; `file` is the name they carry.
    """
    for number, read in enumerate(iter(lambda: stream.readline(longest + 1), b""), start=1):
        if len(read) > longest:
            _skip_rest(stream, read)
            yield TraceError(f"is longer than {longest:,} bytes", file=file, line=number)
            continue
        line = read.removeprefix(_BOM) if number == 1 else read
        if not line.strip():
            continue
        try:
            yield parse_trace(line, file, number)
        except TraceError as error:
            yield error


def traces_in(path: Path) -> Iterator[Trace]:
    """The runs of one file, where every line must be one.

    Raises:
        TraceError: at the first line that is none.
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        for run in read_traces(stream, str(path)):
            if isinstance(run, TraceError):
                raise run
            yield run


def parse_trace(line: bytes, file: str, number: int) -> Trace:
    """The run in one line.

    Raises:
        TraceError: it is none; the message says where in the line and why.
    """
    try:
        line.decode("utf-8")
        record = RunRecord.model_validate(from_json(line, allow_inf_nan=False))
        messages = tuple(messages_of(record.messages))
    except UnicodeDecodeError as error:
        raise TraceError(f"is not UTF-8 (byte {error.start + 1:,} of the line)", file=file, line=number) from None
    except ValidationError as error:
        raise TraceError(f"is not a recorded run: {first_problem(error)}", file=file, line=number) from None
    except ValueError as error:
        raise TraceError(f"is not a recorded run: {error}", file=file, line=number) from None
    about = list(record.about())
    rewards = (worth for one in about for worth in (one.reward, one.max_reward) if worth is not None)
    ended = (one.exit_status for one in about if one.exit_status is not None)
    model = next((one.model for one in about if one.model), None)
    replies = [place for place, message in enumerate(messages) if message.role == "assistant"]
    return Trace(
        record.id or f"line {number}",
        messages,
        next(rewards, None),
        next(ended, None),
        tuple(RecordedCall(place, model) for place in replies) if model else (),
    )


def _skip_rest(stream: IO[bytes], part: bytes) -> None:
    while part and not part.endswith(b"\n"):
        part = stream.readline(1 << 20)


def first_problem(error: ValidationError) -> str:
    """What is wrong first, and where; never what stands there."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # The loc names keys and places; what stands there is not shown, it may be anybody's secret.
    place = ".".join(str(part) for part in first["loc"] if part not in ("str", "tuple[PartRecord, ...]"))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place[:_SHOWN] or 'the line'} {in_words(first)}{more}"


def messages_of(records: Sequence[MessageRecord]) -> Iterator[Message]:
    """The messages in records of them.

    Raises:
        ValueError: a tool message answers no call, two calls have one id, or a message that is no reply calls tools.
    """
    names = itertools.count(1)
    open_calls: dict[str, ToolRequest] = {}
    for place, record in enumerate(records):
        text, images = _content(record.content)
        if record.role == "tool":
            request = _answered(record, open_calls, place)
            failed = record.is_error or record.status == "error"
            yield Message("tool", text, (), request.id, record.name, failed, images)
            continue
        calls = tuple(
            ToolRequest(call.id or f"call_{next(names)}", call.name, str(call.arguments))
            for call in record.tool_calls or ()
        )
        if record.role == "assistant":
            open_calls = {call.id: call for call in calls}
            if len(open_calls) < len(calls):
                raise ValueError(f"messages.{place}: two of its tool calls have the same id")
        elif calls:
            raise ValueError(f"messages.{place}: only an assistant message may call tools, not one of {record.role}")
        role: Role = "system" if record.role == "developer" else record.role
        yield Message(role, text, calls, None, record.name, False, images)


def _answered(record: MessageRecord, open_calls: dict[str, ToolRequest], place: int) -> ToolRequest:
    """The call a tool message answers, which is answered then."""
    name = record.tool_call_id or next(iter(open_calls), None)
    request = open_calls.pop(name, None) if name is not None else None
    if request is None:
        raise ValueError(f"messages.{place}: a tool message that answers no call of the assistant message before it")
    return request


def _content(content: str | Sequence[PartRecord] | None) -> tuple[str, tuple[Image, ...]]:
    if content is None or isinstance(content, str):
        return content or "", ()
    texts = [part.refusal if part.type == "refusal" else part.text for part in content if not _is_image(part)]
    return "\n".join(texts), tuple(_image(part) for part in content if _is_image(part))


def _is_image(part: PartRecord) -> bool:
    return part.type in ("image_url", "input_image")


def _image(part: PartRecord) -> Image:
    """The image with its size, where a data URL shows it; an address is never opened."""
    given = part.image_url
    url, detail = (given.get("url"), given.get("detail")) if isinstance(given, Mapping) else (given, part.detail)
    header, _, data = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
    size = None
    if header.startswith("data:"):
        try:
            size = size_of(base64.b64decode(data[:_HEADER], validate=True))
        except (binascii.Error, ValueError):
            size = None
    width, height = size or (None, None)
    return Image(width, height, detail if isinstance(detail, str) else "auto")
