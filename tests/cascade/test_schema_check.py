"""JSON Schemas, however hostile, are checked within bounds, and nothing is fetched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.cascade.bounded_regex import CannotTellError, matches
from leanloop.plugins.cascade.json_read import canonical, read_json, unfenced
from leanloop.plugins.cascade.schema_check import problem

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
KEYWORDS = st.sampled_from([
    "type", "properties", "required", "items", "pattern", "$ref", "allOf", "enum", "minimum", "uniqueItems", "not",
    "patternProperties", "additionalProperties", "unevaluatedProperties", "$schema", "$id", "$defs", "format",
])  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "value", "wrong"),
    [
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": 1}, None),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": "1"}, "a is not as type asks"),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": True}, "a is not as type asks"),
        ({"required": ["a"]}, {}, "it is not as required asks"),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, "it is not as additionalProperties asks"),
        ({"additionalProperties": {"type": "string"}}, {"b": 1}, "b is not as type asks"),
        ({"patternProperties": {"^x": {"type": "string"}}}, {"x1": 1}, "x1 is not as type asks"),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"x1": 1}, None),
        ({"pattern": "^a+$"}, "aab", "it is not as pattern asks"),
        ({"pattern": "^a+$"}, 5, None),
        ({"patternProperties": {"^x": False}, "additionalProperties": False}, 5, None),
        ({"uniqueItems": True}, [1, True, {"a": 1}, {"a": 2}], None),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], "it is not as uniqueItems asks"),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 3, "exclusiveMinimum": True}, 3, "minimum"),
        ({"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}}, [1, "2"], "1 is not as type asks"),
        ({"$schema": 5, "type": "string"}, "a", None),
        (False, 1, "it is not as the schema asks"),
        (True, 1, None),
    ],
)
def test_a_value_is_held_against_its_schema(schema: dict[str, object], value: object, wrong: str | None) -> None:
    found = problem(schema, value)
    assert found == wrong if wrong is None else found is not None and wrong in found


def doubling(levels: int) -> dict[str, object]:
    parts: dict[str, object] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**parts, f"d{levels}": {"type": "object"}}, "$ref": "#/$defs/d0"}


def nested(levels: int) -> dict[str, object]:
    schema: dict[str, object] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "value", "why"),
    [
        ({"$ref": "https://example.com/schema.json"}, {}, "refers to what is not in it"),
        ({"$ref": "file:///etc/passwd"}, {}, "refers to what is not in it"),
        ({"$ref": "#"}, {}, "goes in circles"),
        (doubling(40), {}, "takes too long"),
        ({"pattern": "^(a|a)*$"}, "a" * 60 + "b", "took longer"),
        ({"patternProperties": {"^(a|a)*$": {}}}, {"a" * 60 + "b": 1}, "took longer"),
        ({"pattern": "("}, "a", "cannot be read"),
        ({"type": "nonsense"}, {}, "cannot be read"),
        ({"properties": 5}, {"a": 1}, "cannot be read"),
        ({"allOf": [{"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "^(a|a)*$"}]}, "a", "draft"),
        ({"patternProperties": {"a": {}}, "unevaluatedProperties": False}, {}, "has both"),
        (nested(100), [], "too large"),
        ({"enum": list(range(10_000))}, 1, "too large"),
    ],
)
def test_a_hostile_schema_is_given_up_on(schema: dict[str, object], value: object, why: str) -> None:
    with pytest.raises(CannotTellError, match=why):
        problem(schema, value)


def test_a_reference_to_the_root_stays_with_the_bounded_rules() -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "items": {"$ref": "#"}, "pattern": "^(a|a)*$"}
    with pytest.raises(CannotTellError, match="took longer"):
        problem(schema, ["a" * 60 + "b"])


@given(st.dictionaries(KEYWORDS, JSON, max_size=5), JSON)
def test_whatever_is_given_there_is_a_verdict_or_none_can_be_given(schema: dict[str, object], value: object) -> None:
    try:
        found = problem(schema, value)
    except CannotTellError:
        return
    assert found is None or found.endswith("asks")


def test_an_expression_that_cannot_be_read_or_ends_is_told() -> None:
    assert matches(r"\d+", "12", whole=True)
    assert not matches(r"\d+", "a12", whole=True)
    assert matches(r"\d+", "a12", whole=False)
    with pytest.raises(CannotTellError, match="cannot be read"):
        matches("[", "a", whole=True)


@given(JSON)
def test_one_spelling_is_the_same_value(value: object) -> None:
    assert canonical(read_json(canonical(value))) == canonical(value)


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[Infinity]", '{"a": 1, "a": 2}', "[" * 100_000, "1" * 5_000, "[" + "1," * 150_000 + "1]"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_json(text)


def test_a_value_that_nests_too_deep_has_no_spelling() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="too deep"):
        canonical(deep)
    while deep:  # unnested by hand: taking it down at once goes as deep
        deep = deep[0]  # type: ignore[assignment]


def test_a_fence_is_taken_off_where_it_is_around_all() -> None:
    assert unfenced('```json\n{"a": 1}\n```') == '{"a": 1}'
    assert unfenced("see ```\nx\n```") == "see ```\nx\n```"
