"""Does what README's quick start and the ten-minute pages say, as they say it, in a fresh clone: make newcomer.

Not a test of pytest: it needs a package index. Prints the seconds of each step and fails where there is no receipt, or
where it took longer than three minutes from `git clone`. It runs with any Python that is supported, with nothing
installed: python3.13 tests/shared/newcomer.py [langchain|llama-index]
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

__all__ = ["PAGES", "RECEIPT", "quick_start"]

ROOT = Path(__file__).parents[2]
PAGES = {"langchain": ROOT / "docs/start-langchain.md", "llama-index": ROOT / "docs/start-llamaindex.md"}

RECEIPT = re.compile(r"\d+ model calls, [\d,]+ tokens, \$\d")
MOST_SECONDS = 180
NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
"""Nobody listens on port 9: what follows the installation may ask nothing of a network."""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def quick_start(way: str) -> list[str]:
    """The commands of the README; what differs for LlamaIndex stands behind `# or`."""
    lines = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "sh")[0].splitlines()
    commands: list[str] = []
    for line in lines:
        command, _, said = (part.strip() for part in line.partition("  #"))
        other = said.removeprefix("or ")
        if way == "llama-index" and other != said:
            command = f"{command.rpartition(' ')[0]} {other}"
        commands.append(command)
    return commands


def environment() -> dict[str, str]:
    """Without keys, and without packages that an earlier run has kept."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_TOKEN"))}
    kept.pop("VIRTUAL_ENV", None)
    return {**kept, "PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def timed(command: str, place: Path, variables: Mapping[str, str]) -> tuple[float, str]:
    """Seconds, and what it printed.

    Raises:
        SystemExit: it failed.
    """
    begun = time.perf_counter()
    done = subprocess.run(
        shlex.split(command), cwd=place, env=dict(variables), capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    sys.stdout.write(f"{seconds:7.1f} s  {command}\n")
    sys.stdout.flush()
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\nfailed: {command}")
    return seconds, done.stdout


def to_a_receipt(way: str, place: Path) -> float:
    """Follow the quick start below `place`; return the seconds from `git clone` to the receipt."""
    total, printed, variables = 0.0, "", environment()
    for command in quick_start(way):
        if command.startswith("cd "):
            place /= command.removeprefix("cd ")
            continue
        seconds, printed = timed(command.replace("REPOSITORY", shlex.quote(str(ROOT))), place, variables)
        total += seconds
        if " install " in command:
            variables |= NO_NETWORK
    if not RECEIPT.search(printed):
        raise SystemExit(f"no receipt: {printed}")
    sys.stdout.write(f"{total:7.1f} s  from git clone to a receipt: {printed.splitlines()[-1]}\n")
    return total


def through_the_page(way: str, place: Path, bin_folder: Path) -> None:
    """Save the page's budget file and Python in a project of its own, and run its commands, then the Python."""
    page = PAGES[way].read_text(encoding="utf-8")
    for text in blocks(page, "yaml"):
        file = place / text.splitlines()[0].removeprefix("# ")
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    (place / "agent.py").write_text("\n".join(blocks(page, "python")), encoding="utf-8")
    variables = environment() | NO_NETWORK
    for line in "".join(blocks(page, "console")).splitlines():
        timed(f"{bin_folder}/{line.removeprefix('$ ')}", place, variables)
    _, printed = timed(f"{bin_folder}/python agent.py", place, variables)
    sys.stdout.write("".join(f"           {line}\n" for line in printed.splitlines()))


def main() -> int:
    slow = False
    for way in sys.argv[1:] or PAGES:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            sys.stdout.write(f"{way}: the quick start of README.md\n")
            slow |= to_a_receipt(way, place) > MOST_SECONDS
            sys.stdout.write(f"{way}: {PAGES[way].relative_to(ROOT)}\n")
            through_the_page(way, place / "project", place / "leanloop/.venv/bin")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
