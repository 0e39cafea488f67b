"""The form an answer in words must have: a JSON schema, or a regular expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.cascade.bounded_regex import CannotTellError, matches
from leanloop.plugins.cascade.json_read import LONGEST, read_json, unfenced
from leanloop.plugins.cascade.schema_check import problem
from leanloop.plugins.cascade.verdict import PASSED, Verdict, failed, unknown

__all__ = ["answer_form"]


_NOTHING: Mapping[str, object] = {}


def answer_form(form: Mapping[str, object] | str | None, call: ModelCall, reply: ModelReply) -> Verdict:
    """Whether an answer has the form; a step that calls tools is none yet.

    Without a form of the file's the schema counts that the provider was told to keep to, where there is one. A regular
    expression must match all of it, blanks at its ends left out. JSON may stand in a code fence, which the parsers of
    both frameworks take off.
    """
    text = reply.message.text.strip()
    if reply.message.tool_calls:
        return PASSED
    form = form if form is not None else _told(call)
    if form is None:
        return PASSED
    try:
        if isinstance(form, str):
            if len(text) > LONGEST:
                return unknown("it is too long to be looked through")
            return PASSED if matches(form, text, whole=True) else failed("it does not have the form that is asked for")
        try:
            value = read_json(unfenced(text))
        except ValueError as error:
            return failed(f"it is no JSON ({str(error)[:60]})")
        wrong = problem(form, value)
    except CannotTellError as error:
        return unknown(str(error))
    return PASSED if wrong is None else failed(f"of its JSON, {wrong}")


def _told(call: ModelCall) -> Mapping[str, object] | None:
    """The schema in `response_format`, as OpenAI's API and its kin take it."""
    try:
        settings = call.settings() if call.settings is not None else _NOTHING
    except Exception:  # noqa: BLE001  (an adapter that cannot tell all that is sent)
        return None
    for place in ("given", "call"):
        held = settings.get(place)
        for name in ("response_format", "json_schema", "schema"):
            held = cast("Mapping[str, object]", held).get(name) if isinstance(held, Mapping) else None
        if isinstance(held, Mapping):
            return cast("Mapping[str, object]", held)
    return None
