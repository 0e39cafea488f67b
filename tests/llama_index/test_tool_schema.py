"""The schema of a guarded tool's arguments: made once, and still the tool's own."""

# LlamaIndex's schemas are dicts of anything:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import pytest
from llama_index.core.tools import FunctionTool, ToolMetadata
from pydantic import BaseModel

from leanloop.adapters.llama_index import LeanLoop


class Query(BaseModel):
    """What is looked for."""

    words: list[str]


def look_up(words: list[str]) -> str:
    """Look something up."""
    return " ".join(words)


def tool() -> FunctionTool:
    return FunctionTool.from_defaults(look_up, fn_schema=Query)


def guarded(own: FunctionTool) -> ToolMetadata:
    return LeanLoop().tools([own])[0].metadata


def test_it_is_what_the_tool_itself_says_and_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    own = tool()
    expected = own.metadata.to_openai_tool()
    metadata = guarded(own)
    assert metadata.to_openai_tool() == expected
    monkeypatch.setattr(Query, "model_json_schema", None)
    assert metadata.to_openai_tool() == expected


def test_what_an_integration_writes_into_one_is_not_in_the_next() -> None:
    metadata = guarded(tool())
    written = metadata.get_parameters_dict()
    written["additionalProperties"] = False
    written["properties"]["words"]["items"]["type"] = "number"
    written["required"].append("more")
    assert metadata.get_parameters_dict() == tool().metadata.get_parameters_dict()


def test_a_schema_that_was_built_again_is_asked_for_again() -> None:
    metadata = guarded(tool())
    before = metadata.get_parameters_dict()
    Query.model_fields["words"].description = "Single words."
    Query.model_rebuild(force=True)
    try:
        assert metadata.get_parameters_dict() != before
    finally:
        Query.model_fields["words"].description = None
        Query.model_rebuild(force=True)
    assert metadata.get_parameters_dict() == before


def test_what_the_user_changes_of_the_tool_is_seen() -> None:
    own = tool()
    metadata = guarded(own)
    own.metadata.description = "Look elsewhere."
    assert metadata.description == "Look elsewhere."


def test_a_tool_without_a_schema_and_a_class_of_the_users_own_are_left_alone() -> None:
    class Own(ToolMetadata):
        pass

    plain = FunctionTool(look_up, metadata=ToolMetadata("about", name="plain", fn_schema=None))
    assert guarded(plain).get_parameters_dict() == plain.metadata.get_parameters_dict()
    mine = FunctionTool(look_up, metadata=Own("about", name="mine"))
    assert guarded(mine) is mine.metadata
