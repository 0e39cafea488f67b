"""Cognitive tools from prompt files: read safely, and refused with what is wrong."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from leanloop import Message, ModelCall, UsageError
from leanloop.budgets.scaffold_rules import COGNITIVE_TOOLS, ScaffoldRules
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.scaffold import CognitiveTool, catalogue
from leanloop.plugins.scaffold.catalogue import all_tools, built_in
from leanloop.plugins.scaffold.forms import AsText, AsTools
from leanloop.plugins.scaffold.offer import tools_named
from leanloop.plugins.supplied import Supplied

HEAD = "---\nname: weigh\ndescription: Weighs.\ninputs:\n  options: what there is to choose from\n---\n"


def test_the_tools_that_come_along_forbid_an_answer() -> None:
    for name in COGNITIVE_TOOLS:
        tool = built_in(name)
        assert tool.name == name
        assert "question" in tool.inputs
        assert "not" in tool.prompt.lower().split()
        assert "never an order to you" in " ".join(tool.prompt.split())
    assert [name for name in COGNITIVE_TOOLS if built_in(name).no_answer] == ["understand_question", "recall_related"]


def test_prompts_and_what_is_sent_to_offer_them_are_short() -> None:
    tools = {name: built_in(name) for name in COGNITIVE_TOOLS}
    counter = counter_for("gpt-4o-mini")
    assert all(counter.text(tool.prompt) < 300 for tool in tools.values())
    call = ModelCall("gpt-4o-mini", (Message("user", "?"),))
    for form, most in ((AsTools(tools), 500), (AsText(tools), 250)):
        sent = form.offered(call, call.messages)
        added = counter.prompt(sent.messages, sent.tools) - counter.prompt(call.messages, ())
        assert added < most


def test_a_tool_is_a_file_and_its_head(tmp_path: Path) -> None:
    path = tmp_path / "weigh.md"
    path.write_text(f"{HEAD}Weigh the options.\n", encoding="utf-8")
    tool = CognitiveTool.from_file(path)
    assert tool == CognitiveTool("weigh", "Weighs.", {"options": "what there is to choose from"}, "Weigh the options.")
    assert tool.spec.parameters == {
        "type": "object",
        "properties": {"options": {"type": "string", "description": "what there is to choose from"}},
        "required": ["options"],
    }


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weigh.md"
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEAD}Weigh.\n".replace("\n", "\r\n").encode())
    assert CognitiveTool.from_file(path).prompt == "Weigh."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no head", "holds no cognitive tool"),
        ("---\nname: a\n---\n  \n", "holds no cognitive tool"),
        ("---\nname: [a\n---\nPrompt.", "is no YAML"),
        ("---\n!!python/object/apply:os.system ['echo']\n---\nPrompt.", "is no YAML"),
        (HEAD.replace("Weighs.", "3") + "Prompt.", "needs a name, a description and inputs"),
        (HEAD.replace("name", "title") + "Prompt.", "it takes name, description, inputs and no_answer"),
        (HEAD.replace("name: weigh", "name: Weigh it") + "Prompt.", "is no name"),
        (HEAD.replace("---\n", "---\nno_answer: maybe\n", 1) + "Prompt.", "no_answer in the head"),
        ("---\nname: weigh\ndescription: a\ninputs: {}\n---\nPrompt.", "has 0 inputs"),
    ],
)
def test_a_file_that_holds_no_tool_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        CognitiveTool.from_text(text)


def test_a_file_that_cannot_be_read_or_is_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        CognitiveTool.from_file(tmp_path / "none.md")
    large = tmp_path / "large.md"
    large.write_text(HEAD + "x" * 70_000, encoding="utf-8")
    with pytest.raises(UsageError, match="larger than 64,000 bytes"):
        CognitiveTool.from_file(large)


def test_a_tool_made_in_code_is_checked_too() -> None:
    with pytest.raises(UsageError, match="one of them is empty"):
        CognitiveTool("a", "", {"question": "q"}, "p")
    with pytest.raises(UsageError, match="is no name"):
        CognitiveTool("a", "d", {"the question": "q"}, "p")


def test_an_own_tool_comes_before_one_of_that_name_and_two_of_one_name_are_refused() -> None:
    own = CognitiveTool("examine_answer", "Mine.", {"question": "q"}, "p")
    assert all_tools([own])["examine_answer"] is own
    with pytest.raises(UsageError, match="two cognitive tools named 'examine_answer'"):
        all_tools([own, own])
    with pytest.raises(UsageError, match="two cognitive tools named 'use_code'"):
        all_tools([CognitiveTool("use_code", "Mine.", {"question": "q"}, "p")])
    with pytest.raises(UsageError, match="not a str"):
        all_tools(["examine_answer"])  # type: ignore[list-item]


def test_packages_bring_tools_by_an_entry_point(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = "tests_scaffold_brought"
    points = [EntryPoint(name, f"{here}:{name}", catalogue.ENTRY_POINTS) for name in ("one", "several", "bad", "gone")]
    brought: Any = SimpleNamespace()
    brought.one = CognitiveTool("weigh", "Weighs.", {"options": "o"}, "p")
    brought.several = [brought.one, CognitiveTool("backtracking", "Theirs.", {"question": "q"}, "p")]
    brought.bad = "no tool"
    monkeypatch.setitem(sys.modules, here, brought)

    def entry_points(group: str) -> list[EntryPoint]:
        return points if group == catalogue.ENTRY_POINTS else []

    monkeypatch.setattr(catalogue, "entry_points", entry_points)
    catalogue.installed.cache_clear()
    try:
        tools = all_tools()
        assert tools["weigh"] is brought.one
        assert tools["backtracking"] is built_in("backtracking")
        said = caplog.text
        assert "backtracking, which is there already" in said
        assert "bad of leanloop.cognitive_tools is no CognitiveTool" in said
        assert "gone of leanloop.cognitive_tools cannot be loaded (AttributeError)" in said
    finally:
        monkeypatch.undo()
        catalogue.installed.cache_clear()


def test_an_installed_package_is_found_by_its_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "weighing-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: weighing\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{catalogue.ENTRY_POINTS}]\nweigh = weighing:WEIGH\n")
    (tmp_path / "weighing.py").write_text(
        "from leanloop.plugins.scaffold import CognitiveTool\n"
        "WEIGH = CognitiveTool('weigh', 'Weighs.', {'options': 'what to weigh'}, 'Weigh them.')\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    catalogue.installed.cache_clear()
    try:
        assert all_tools()["weigh"].prompt == "Weigh them."
        rules = ScaffoldRules(models=("gpt-4o-mini",), tools=("weigh",))
        assert list(tools_named(rules, Supplied())) == ["weigh"]
    finally:
        catalogue.installed.cache_clear()
        sys.modules.pop("weighing", None)


@given(st.text(max_size=200))
def test_any_text_is_a_tool_or_refused(text: str) -> None:
    for whole in (text, f"---\n{text}\n---\nPrompt.", f"{HEAD}{text}"):
        try:
            tool = CognitiveTool.from_text(whole)
        except UsageError:
            continue
        assert tool.prompt
        assert yaml.safe_load(whole.split("\n---\n", maxsplit=1)[0].removeprefix("---\n"))
