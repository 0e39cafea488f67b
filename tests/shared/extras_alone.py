"""Installs each extra alone, in an environment of its own, and uses its part: make test-extras.

Not a test of pytest: it needs a package index, and a few minutes. It runs with any Python that is supported,
with nothing installed: python3.13 tests/shared/extras_alone.py [EXTRA ...]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

__all__ = ["USES"]

ROOT = Path(__file__).parents[2]

USES = {
    "langchain": "from leanloop.adapters.langchain import LeanLoop; LeanLoop()",
    "llama-index": "from leanloop.adapters.llama_index import LeanLoop; LeanLoop()",
    "redis": "import leanloop.budgets.redis_store, leanloop.plugins.cache.redis_cache, leanloop.plugins.results.redis",
    "local-embeddings": "from leanloop.plugins.cache import local_embedder; import wordllama",
    "otel": "from leanloop.adapters.otel import OtelSink; OtelSink()",
    "report": "import leanloop.adapters.report, leanloop.adapters.report.page, duckdb, jinja2, pygal",
    "docs": "import material, mkdocs, mkdocstrings",
}
"""What each extra is for, in a line of Python. The others (all, test, dev) are sums, or for tests."""


def alone(extra: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        done = subprocess.run([*pip, "--editable", f"{ROOT}[{extra}]"], check=False)
        return done.returncode == 0 and subprocess.run([python, "-P", "-c", USES[extra]], check=False).returncode == 0


def main() -> int:
    failed = 0
    for extra in sys.argv[1:] or USES:
        works = alone(extra)
        failed += not works
        sys.stdout.write(
            f"python {sys.version_info.major}.{sys.version_info.minor}, {extra}: {'ok' if works else 'FAILED'}\n"
        )
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
