"""The arrows adapters -> plugins -> budgets, kept by import-linter: that it sees the code, and that it bites."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("adapters", "budgets", "plugins", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contract_is_kept(tree: Path) -> None:
    done = lint(tree)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("folder", "line", "culprit"),
    [
        ("budgets", "import leanloop.plugins", "leanloop.plugins"),
        ("budgets", "from leanloop.adapters import cli", "leanloop.adapters.cli"),
        ("budgets", "import redis", "redis"),
        ("plugins", "import leanloop.adapters.cli", "leanloop.adapters.cli"),
        ("plugins", "from langchain_core.messages import AIMessage", "langchain_core"),
        ("plugins", "import llama_index.core", "llama_index"),
    ],
)
def test_an_import_against_the_arrows_is_found(tree: Path, folder: str, line: str, culprit: str) -> None:
    (tree / folder / "breach.py").write_text(line + "\n")

    done = lint(tree)

    assert done.returncode == 1
    assert f"leanloop.{folder}.breach -> {culprit} (l.1)" in done.stdout
