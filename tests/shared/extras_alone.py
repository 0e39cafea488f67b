"""Installs the wheel with each extra alone, in an environment of its own, and uses its part: make test-extras.

Not a test of pytest: it needs a package index, and a few minutes. The wheel is built from a clone, so it is what is
committed. It runs with any Python that is supported, with nothing installed:
python3.13 tests/shared/extras_alone.py [EXTRA ...]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

__all__ = ["USES"]

ROOT = Path(__file__).parents[2]

USES = {
    "langchain": "from leanloop.adapters.langchain import LeanLoop; LeanLoop()",
    "llama-index": "from leanloop.adapters.llama_index import LeanLoop; LeanLoop()",
    "redis": "import leanloop.budgets.redis_store, leanloop.plugins.cache.redis_cache, leanloop.plugins.results.redis, "
    "leanloop.plugins.outcomes.redis_outcomes",
    "local-embeddings": "from leanloop.plugins.cache import local_embedder; import wordllama",
    "otel": "from leanloop.adapters.otel import OtelSink; OtelSink()",
    "report": "import leanloop.adapters.report, leanloop.adapters.report.page, duckdb, jinja2, pygal",
    "docs": "import material, mkdocs, mkdocstrings",
}
"""What each extra is for, in a line of Python. The others (all, test, dev) are sums, or for tests."""

COMMANDS = {"langchain": "demo"}
"""Where more than `leanloop --help` is there to be seen."""


def environment(folder: str) -> Path:
    venv.create(folder, with_pip=True)
    return Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")


def pip(programs: Path, *arguments: str) -> bool:
    command: list[str | Path] = [programs / "python", "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet"]
    return subprocess.run(command, check=False).returncode == 0


def wheel_in(folder: str) -> Path:
    """Build the wheel of what is committed.

    Raises:
        SystemExit: it cannot be built.
    """
    subprocess.run(["git", "clone", "--quiet", ROOT, f"{folder}/clone"], check=True)
    if not pip(environment(f"{folder}/venv"), "wheel", "--no-deps", "--wheel-dir", folder, f"{folder}/clone"):
        raise SystemExit("no wheel was built")
    [wheel] = Path(folder).glob("leanloop-*.whl")
    return wheel


def alone(extra: str, wheel: Path) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        programs = environment(folder)
        uses: list[str | Path] = [programs / "python", "-P", "-c", USES[extra]]
        shows: list[str | Path] = [programs / "leanloop", COMMANDS.get(extra, "--help")]
        return pip(programs, "install", f"{wheel}[{extra}]") and all(
            subprocess.run(command, stdout=subprocess.DEVNULL, cwd=folder, check=False).returncode == 0
            for command in (uses, shows)
        )


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        wheel = wheel_in(folder)
        for extra in sys.argv[1:] or USES:
            begun = time.perf_counter()
            works = alone(extra, wheel)
            failed += not works
            python = f"{sys.version_info.major}.{sys.version_info.minor}"
            seconds = time.perf_counter() - begun
            sys.stdout.write(f"python {python}, {extra}: {'ok' if works else 'FAILED'}, {seconds:.0f} s\n")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
