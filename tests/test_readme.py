"""The README is run: every Python block, every budget file, every command without a placeholder."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from newcomer import PAGES, RECEIPT, quick_start
from typer.testing import CliRunner

from leanloop import Budget, parse_budget
from leanloop.adapters.cli.app import app
from leanloop.adapters.langchain.scripted import ScriptedModel

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLACEHOLDER = re.compile(r"\b[A-Z]{4,}\b")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line.removeprefix("$ leanloop ") for block in blocks("console") for line in block.splitlines()]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the budget file of the first screen, as someone who follows the README has it."""
    name, text = re.search(r"\A# (\S+)\n", blocks("yaml")[0]), blocks("yaml")[0]
    assert name is not None
    file = tmp_path / name[1]
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def searches_once(messages: list[BaseMessage], settings: dict[str, object]) -> AIMessage:
    if settings.get("tools") and messages[-1].type == "human":
        return AIMessage("", tool_calls=[ToolCall(name="search", args={"topic": "returns"}, id="call_1")])
    return AIMessage("You have 30 days.")


def test_every_python_block_runs(
    reader: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def paid_service(name: str) -> BaseChatModel:
        return ScriptedModel(script=searches_once, model_name=name.partition(":")[2])

    monkeypatch.setattr("langchain.chat_models.init_chat_model", paid_service)
    namespace: dict[str, object] = {}
    printed: list[str] = []

    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), namespace)
        printed.append(capsys.readouterr().out)

    answer, receipt, *_, query = printed
    assert answer == "You have 30 days.\n"
    assert receipt.endswith("2 {'search': 1} None\n")
    assert query.startswith("You have 30 days. ")


def test_the_budget_file_of_the_first_screen_reads() -> None:
    assert [parse_budget(block, environ={}).agent for block in blocks("yaml")] == ["support"]


def test_the_list_of_keys_names_every_key_once() -> None:
    rows = [line.split(" | ")[0] for line in README.splitlines() if line.startswith("| `")]

    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(name for name in named if name in Budget.model_fields) == sorted(Budget.model_fields)


@pytest.mark.parametrize("command", [line for line in commands() if not PLACEHOLDER.search(line)])
def test_every_command_runs(reader: Path, command: str) -> None:
    done = CliRunner().invoke(app, shlex.split(command))

    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("way", PAGES)
def test_the_quick_start_leads_from_a_clone_to_a_receipt(
    way: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """make newcomer follows it in a fresh clone; here its parts are looked at."""
    monkeypatch.delenv("LEANLOOP_EXAMPLE_MODEL", raising=False)
    clone, enter, venv, install, example = quick_start(way)
    assert (clone.split()[:2], enter, venv) == (["git", "clone"], "cd leanloop", "python3 -m venv .venv")
    assert install == f".venv/bin/pip install '.[{way}]'"

    runpy.run_path(str(ROOT / example.removeprefix(".venv/bin/python ")), run_name="__main__")

    printed = capsys.readouterr().out
    assert RECEIPT.search(printed)
    assert way != "langchain" or all(f"    {line}\n" in README for line in printed.splitlines())


def test_every_command_there_is_is_named() -> None:
    there = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    there |= {str(group.name) for group in app.registered_groups}

    assert {"budget", "check", "demo", "schema"} <= there <= {line.split()[0] for line in commands()}


def test_every_linked_file_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("https://")]

    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []
    for file, place in (link.split("#") for link in links if "#" in link):
        headings = re.findall(r"^#+ (.+)$", (ROOT / (file or "README.md")).read_text(encoding="utf-8"), re.MULTILINE)
        assert place in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}, f"{file}#{place}"


def test_it_is_short_and_leaves_the_rest_to_the_pages() -> None:
    assert len(README.splitlines()) <= 260


def test_every_make_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    named = set(re.findall(r"\bmake ([a-z-]+)", README)) - {"and"}
    assert {"demo", "install", "test", "check"} <= named
    assert [target for target in named if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []
