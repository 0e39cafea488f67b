"""Whether a value is what a JSON Schema asks for, where both may be hostile.

A `$ref` to another document is never fetched, expressions are bounded in time, and a schema that would keep the check
busy (references that double with each level, `uniqueItems` over a long list of objects) is given up on.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema import validators as drafts
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from leanloop.plugins.cascade.bounded_regex import CannotTellError, matches
from leanloop.plugins.cascade.json_read import canonical

__all__ = ["problem"]

Rule = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]

_MOST_STEPS = 20_000
_MOST_SECONDS = 0.5
_MOST_NODES = 5_000
_DEEPEST = 64
_REMEMBERED = 256

_REMOTE = cast("Any", Registry())  # pyright: ignore[reportUnknownArgumentType]
"""Knows no document, and fetches none."""

_extend = cast("Any", drafts.extend)  # pyright: ignore[reportUnknownMemberType]

_left: ContextVar[list[float]] = ContextVar("leanloop_schema_steps")
"""Of the check under way: the steps that are left, and when it must have ended."""


def problem(schema: Mapping[str, object] | bool, value: object) -> str | None:
    """What is wrong with a value, without any of it; None where it is as the schema asks.

    Raises:
        CannotTellError: the schema is none, refers to another document, or takes too long to check.
    """
    token = _left.set([_MOST_STEPS, time.monotonic() + _MOST_SECONDS])
    try:
        errors: Iterator[ValidationError] = _checker(schema).iter_errors(value)
        error = next(iter(errors), None)
    except CannotTellError:
        raise
    except Unresolvable:
        raise CannotTellError("its schema refers to what is not in it") from None
    except RecursionError:
        raise CannotTellError("its schema goes in circles") from None
    except Exception as error:  # noqa: BLE001  (jsonschema raises what a malformed keyword makes Python raise)
        raise CannotTellError(f"its schema cannot be read ({type(error).__name__})") from None
    finally:
        _left.reset(token)
    if error is None:
        return None
    place = ".".join(str(part)[:40] for part in list(error.absolute_path)[:8])
    return f"{place or 'it'} is not as {error.validator or 'the schema'} asks"


_checkers: OrderedDict[int, tuple[object, Any]] = OrderedDict()
"""Of the schemas last met. They cannot be hashed, so by their identity: an agent's tools are the same in each call."""


def _checker(schema: Mapping[str, object] | bool) -> Any:
    known = _checkers.get(id(schema))
    if known is None or known[0] is not schema:
        _look_through(schema)
        plain = (
            {name: rule for name, rule in schema.items() if name != "$schema"}
            if isinstance(schema, Mapping)
            else schema
        )
        known = _checkers[id(schema)] = (schema, _bounded(_draft(schema))(plain, registry=_REMOTE))
        while len(_checkers) > _REMEMBERED:
            _checkers.popitem(last=False)
    return known[1]


def _draft(schema: Mapping[str, object] | bool) -> Any:
    named = schema.get("$schema") if isinstance(schema, Mapping) else None
    if not isinstance(named, str):
        return Draft202012Validator
    return drafts.validator_for({"$schema": named}, default=Draft202012Validator)


def _look_through(schema: object) -> None:
    """Refuse what is too large to be checked, and parts that would be read by the rules of another draft."""
    waiting: list[tuple[object, int]] = [(schema, 0)]
    seen, patterns, unevaluated = 0, False, False
    while waiting:
        part, depth = waiting.pop()
        seen += 1
        if seen > _MOST_NODES or depth > _DEEPEST:
            raise CannotTellError("its schema is too large")
        if isinstance(part, Mapping):
            held = cast("Mapping[str, object]", part)
            if depth and isinstance(held.get("$schema"), str):
                raise CannotTellError("its schema holds one of another draft")
            patterns = patterns or "patternProperties" in held
            unevaluated = unevaluated or "unevaluatedProperties" in held
            waiting += [(one, depth + 1) for one in held.values()]
        elif isinstance(part, list | tuple):
            waiting += [(one, depth + 1) for one in cast("list[object]", part)]
    if patterns and unevaluated:  # jsonschema looks there with expressions that nothing bounds
        raise CannotTellError("its schema has both patternProperties and unevaluatedProperties")


@lru_cache(maxsize=16)
def _bounded(draft: Any) -> Any:
    """The draft with every rule counted, and its expressions bounded."""
    own: dict[str, Rule] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    known: Mapping[str, Rule] = draft.VALIDATORS
    rules = {name: _counted(own.get(name, rule)) for name, rule in known.items()}
    return _extend(draft, validators=rules)


def _counted(rule: Rule) -> Rule:
    def counted(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        _step()
        yield from rule(validator, wanted, value, schema) or ()

    return counted


def _step() -> None:
    left = _left.get()
    left[0] -= 1
    if left[0] < 0 or time.monotonic() > left[1]:
        raise CannotTellError("its schema takes too long to check")


def _pattern(validator: Any, pattern: Any, value: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(value, "string") and not matches(pattern, value, whole=False):
        yield ValidationError("does not match")


def _pattern_properties(validator: Any, patterns: Any, value: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(value, "object"):
        for pattern, schema in patterns.items():
            for name, held in value.items():
                _step()
                if matches(pattern, name, whole=False):
                    yield from validator.descend(held, schema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(value, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, held in value.items():
        _step()
        if name in known or any(matches(pattern, name, whole=False) for pattern in patterns):
            continue
        if wanted is False:
            yield ValidationError("is not expected")
        else:
            yield from validator.descend(held, wanted, path=name)


def _unique_items(validator: Any, wanted: Any, value: Any, _: Any) -> Iterator[ValidationError]:
    if wanted and validator.is_type(value, "array") and len(set(map(canonical, value))) < len(value):
        yield ValidationError("has equal items")
