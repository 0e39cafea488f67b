"""The documentation site is built as make docs does, fetches nothing, and has all that is public."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leanloop.plugins.stack import Stack

ROOT = Path(__file__).parent.parent
REFERENCE = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "reference").glob("*.md"))
FETCHED = re.compile(r"<(?:script|img|iframe)[^>]+src=[\"'](?:https?:)?//|<link[^>]+rel=[\"']?stylesheet[^>]+//[a-z]")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("material", reason="the extra docs is not installed")
    pytest.importorskip("mkdocstrings", reason="the extra docs is not installed")
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(built)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return built


def test_the_site_is_built_without_a_warning_and_has_every_page(site: Path) -> None:
    pages = [page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")]

    assert [page for page in pages if not (site / page).exists()] == []
    assert not (site / "hooks.py").exists()


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    assert [page.name for page in site.rglob("*.html") if FETCHED.search(page.read_text(encoding="utf-8"))] == []
    styles = "".join(style.read_text(encoding="utf-8") for style in site.rglob("*.css"))
    assert not re.search(r"url\([\"']?(?:https?:)?//|@import", styles)


@pytest.mark.parametrize("module", ["leanloop", "leanloop.adapters.langchain", "leanloop.adapters.llama_index"])
def test_the_reference_has_every_public_name(module: str) -> None:
    public: list[str] = importlib.import_module(module).__all__

    named = REFERENCE.replace(".wrap.wrap\n", ".wrap\n").replace(".wrap_tool.wrap_tool\n", ".wrap_tool\n")
    assert [name for name in public if f"::: {module}.{name}\n" not in named] == []


def test_all_that_is_public_is_in_the_reference(site: Path) -> None:
    page = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8").partition("## What a version promises")[0]
    doors = re.findall(r"^- \*\*[\w.]+\*\*: (.+?)\n\n", page, flags=re.MULTILINE | re.DOTALL)
    shown = "".join(one.read_text(encoding="utf-8") for one in (site / "reference").glob("*.html"))

    there = {anchor.rpartition(".")[2] for anchor in re.findall(r'id="(leanloop[\w.]+)"', shown)}
    assert len(doors) >= 3
    assert {name for names in doors for name in re.findall(r"`(\w+)`", names)} - there == set()


def test_every_example_is_on_the_page_of_examples(site: Path) -> None:
    page = (site / "examples.html").read_text(encoding="utf-8")

    there = [example.stem.replace("_", "-") for example in (ROOT / "examples").glob("*.py")]
    assert [name for name in there if f'id="{name}"' not in page] == []


def test_the_order_that_is_drawn_is_that_of_the_stack() -> None:
    model, tool = re.findall(
        r"```text\n(.*?)```", (ROOT / "docs" / "stack.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    stack = Stack()

    drawn = [name for name in re.findall(r"^ *\|? +([A-Z]\w+)  ", model, flags=re.MULTILINE) if name != "Experiment"]
    assert drawn == [type(plugin).__name__ for plugin in stack.plugins]
    assert model.index("Experiment") < model.index(drawn[0]), "it is around all of them"
    around_tools = [type(plugin).__name__ for plugin in stack._tool]
    assert re.findall(r"^ +([A-Z]\w+)  ", tool, flags=re.MULTILINE) == around_tools
