"""The JSON Schema of a budget file, for editors."""

from __future__ import annotations

from typing import cast

from leanloop.budgets.budget import Budget

__all__ = ["budget_schema"]


def budget_schema() -> dict[str, object]:
    """The schema, in JSON Schema draft 2020-12, with a description of every key."""
    schema = cast("dict[str, object]", _for_editors(Budget.model_json_schema(mode="validation")))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "leanloop budget"}


def _for_editors(node: object) -> object:
    """Without null (a file leaves a key out where code says None) and with one paragraph of each description."""
    if isinstance(node, list):
        return [_for_editors(item) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    mapping = {key: _for_editors(value) for key, value in cast("dict[str, object]", node).items() if value is not None}
    if isinstance(description := mapping.get("description"), str):
        mapping["description"] = " ".join(description.partition("\n\n")[0].split())
    alternatives = mapping.get("anyOf")
    if isinstance(alternatives, list):
        kept = [item for item in cast("list[object]", alternatives) if item != {"type": "null"}]
        if len(kept) == 1 and isinstance(kept[0], dict):
            del mapping["anyOf"]
            return {**cast("dict[str, object]", kept[0]), **mapping}
        mapping["anyOf"] = kept
    return mapping
