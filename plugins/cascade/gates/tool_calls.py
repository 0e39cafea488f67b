"""Tool calls that can be run: known tools, arguments that are JSON and as the tool's schema asks, nothing twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from leanloop.budgets.fields import shown
from leanloop.budgets.message import ToolRequest
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.cascade.bounded_regex import CannotTellError
from leanloop.plugins.cascade.json_read import canonical, read_json
from leanloop.plugins.cascade.schema_check import problem
from leanloop.plugins.cascade.verdict import PASSED, Verdict, failed, unknown

__all__ = ["tool_calls"]

_MOST = 128
"""Calls in one answer; OpenAI takes no more tools than that either."""

_COMBINE = frozenset({"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas"})
"""Keywords that may allow a parameter which `properties` does not name."""


def tool_calls(call: ModelCall, reply: ModelReply) -> Verdict:
    """Whether every tool call can be run, and one is made where one must be.

    A parameter that the tool does not name is wrong, also where its schema would let it pass: models make those up.
    Of good models this finds 2 to 19 % of the failures, of weak ones 37 to 67 % (measured on BFCL's 1,000 tasks).
    """
    requests = reply.message.tool_calls
    if not requests:
        asked = call.force_tool or (call.answer_tools and all(tool.name in call.answer_tools for tool in call.tools))
        return failed("it calls no tool, though it must") if asked else PASSED
    if len(requests) > _MOST:
        return failed(f"it calls tools {len(requests)} times at once", hard=True)
    schemas = {tool.name: tool.parameters for tool in call.tools}
    seen: set[tuple[str, str]] = set()
    doubt: Verdict | None = None
    for request in requests:
        if request.name not in schemas:
            return failed(f"it calls a tool that there is not, {shown(request.name)}", hard=True)
        try:
            arguments = read_json(request.arguments or "{}")
            spelled = request.name, canonical(arguments) if len(requests) > 1 else ""
        except ValueError as error:
            return failed(f"the arguments of {shown(request.name)} are no JSON ({str(error)[:60]})", hard=True)
        if spelled in seen:
            return failed(f"it calls {shown(request.name)} twice with the same arguments")
        seen.add(spelled)
        verdict = _judged(request, arguments, schemas[request.name])
        if verdict.outcome == "failed":
            return verdict
        doubt = doubt or (verdict if verdict.outcome == "unknown" else None)
    return doubt or _ids(requests)


def _ids(requests: Sequence[ToolRequest]) -> Verdict:
    ids = [request.id for request in requests if request.id]
    return PASSED if len(set(ids)) == len(ids) else failed("two of its tool calls have the same id", hard=True)


def _judged(request: ToolRequest, given: object, schema: Mapping[str, object]) -> Verdict:
    name = shown(request.name)
    if not isinstance(given, dict):
        return failed(f"the arguments of {name} are no object", hard=True)
    arguments = cast("dict[str, object]", given)
    if not schema:
        return PASSED
    try:
        wrong = problem(schema, arguments)
    except CannotTellError as error:
        return unknown(f"of {name}, {error}")
    if wrong is not None:
        return failed(f"of the arguments of {name}, {wrong}", hard=True)
    named = schema.get("properties")
    if isinstance(named, Mapping) and "additionalProperties" not in schema and _COMBINE.isdisjoint(schema):
        strange = next((one for one in arguments if one not in named), None)
        if strange is not None:
            return failed(f"{name} takes no {shown(strange)}", hard=True)
    return PASSED
