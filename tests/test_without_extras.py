"""`pip install leanloop` alone: what works, and what says which extra is missing.

In a full environment the extras are hidden from a fresh interpreter; `make test-bare` runs the same
tests where they are really absent.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

EXTRAS = ("deepagents", "langchain", "langchain_core", "langgraph", "llama_index", "opentelemetry", "redis")
# None in sys.modules makes an import fail as if the package were absent (docs.python.org, "The import system").
HIDE = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r}));"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-P", "-c", HIDE + code], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", ["leanloop", "leanloop.budgets", "leanloop.plugins", "leanloop.adapters.cli.app"])
def test_the_neutral_parts_import_with_no_extra_installed(module: str) -> None:
    done = run(f"import {module}")

    assert done.returncode == 0, done.stderr


def test_every_module_of_plugins_and_budgets_imports_with_no_extra_installed() -> None:
    done = run(
        "import importlib, pkgutil, leanloop.plugins, leanloop.budgets\n"
        "for package in (leanloop.plugins, leanloop.budgets):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        try:\n"
        "            importlib.import_module(module.name); print(module.name)\n"
        "        except ImportError:\n"
        "            redis = ('results.redis', 'cache.redis_', 'outcomes.redis_')\n"
        "            ours = ('leanloop.budgets.redis_', *('leanloop.plugins.' + name for name in redis))\n"
        "            assert module.name.startswith(ours), module.name\n"
    )

    assert done.returncode == 0, done.stderr
    assert "leanloop.budgets.usage" in done.stdout.split()


def test_the_ledger_in_redis_names_the_exact_pip_line() -> None:
    done = run("import leanloop.budgets.redis_store")

    assert done.stderr.splitlines()[-1] == (
        "leanloop.errors.MissingExtra: redis is not installed. Install it with: pip install 'leanloop[redis]'"
    )


def test_an_adapter_without_its_framework_names_the_exact_pip_line() -> None:
    done = run("import leanloop.adapters.langchain")

    last_line = done.stderr.splitlines()[-1]
    assert last_line == (
        "leanloop.errors.MissingExtra: langchain is not installed. Install it with: pip install 'leanloop[langchain]'"
    )
