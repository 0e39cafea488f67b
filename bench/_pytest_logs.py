"""Output of real pytest runs: generated projects with a few failing tests among many that pass."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

AREAS = ("orders", "billing", "users", "search", "stock", "mail", "auth", "reports", "tax", "routes", "feeds", "jobs")
VERBS = ("adds", "drops", "merges", "keeps", "rounds", "sorts", "finds", "sends", "parses", "locks", "counts", "splits")
THINGS = ("price", "name", "token", "row", "date", "total", "key", "limit", "page", "label", "email", "weight")
OPTIONS: tuple[list[str], ...] = (
    *([], ["-q"], ["-v"], ["-v"], ["-vv"], ["--tb=short"], ["-v", "-l"], ["-x", "-v"], ["-v", "--color=yes"]),
    *(["-v", "--tb=short"], ["-v", "--tb=line"], ["-v", "--tb=native"], ["-v", "--durations=5"]),
    *(["-v", "-rA", "--tb=short"], ["-rf", "-v", "--no-header"]),
)
FAILING = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 8, 11, 16)

QUICK = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}

HELPERS = '''
import logging
log = logging.getLogger("{area}")

class {title}Error(Exception):
    """What goes wrong in {area}."""

def load_{area}(rows, key):
    log.info("loading %d rows by %s", len(rows), key)
    found = {{row["id"]: row for row in rows}}
    log.warning("key %s looked up in {area}", key)
    return found[key]

def total(rows):
    return sum(row["amount"] for row in rows) / len(rows)

def parse(text):
    head, _, tail = text.partition(":")
    if not tail:
        raise {title}Error(f"no value in {{text!r}}, expected NAME:VALUE")
    return head, int(tail)
'''

FAILURES = (
    "    assert total([{{'amount': {a}}}, {{'amount': {b}}}]) == {c}",
    "    row = load_{area}([{{'id': {a}}}, {{'id': {b}}}], {c})\n    assert row['id'] == {c}",
    "    assert parse('{thing}:{a}') == ('{thing}', {b})",
    "    print('checking {thing} {a}')\n    parse('{thing}{a}')",
    "    total([])",
    "    assert {{'{thing}': {a}, 'id': {b}, 'state': 'new'}} == {{'{thing}': {c}, 'id': {b}, 'state': 'sent'}}",
    "    assert [{a}, {b}, {c}, {a}] == [{a}, {c}, {b}]",
    "    parse('{thing}:x{a}')",
    "    assert '{thing} {a} of {area} was sent'.title() == '{thing} {b} Of {area} Was Sent'",
    "    raise RuntimeError('{area} service answered 50{d}: upstream {thing} timed out after {a} ms')",
    "    None.{thing}",
    "    import json\n    json.loads('{{\"{thing}\": {a},}}')",
    "    open('/nonexistent/{area}/{thing}{a}.json')",
)


def pytest_logs(many: int, seed: int) -> list[str]:
    """What `many` runs of pytest printed."""
    return [_log(random.Random(f"{seed} {number}"), number) for number in range(many)]


def _log(choice: random.Random, number: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write_project(root, choice, choice.choice((90, 160, 220, 320, 480, 1200 if number % 9 == 4 else 130)))
        run = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *choice.choice(OPTIONS), "."],
            cwd=root, capture_output=True, text=True, errors="replace", check=False, timeout=120,
            env={**QUICK, "PATH": "/usr/bin:/bin", "COLUMNS": "100"},
        )  # fmt: skip
    return run.stdout + run.stderr


def _write_project(root: Path, choice: random.Random, tests: int) -> None:
    areas = choice.sample(AREAS, choice.randint(4, 10))
    failing = set(choice.sample(range(tests), choice.choice(FAILING)))
    (root / "pytest.ini").write_text("[pytest]\n")
    bodies: dict[str, list[str]] = {area: [] for area in areas}
    for test in range(tests):
        area = areas[test * len(areas) // tests]
        thing, verb = choice.choice(THINGS), choice.choice(VERBS)
        names = {key: choice.randint(2, 9000) for key in "abc"}
        if test in failing:
            body = choice.choice(FAILURES).format(area=area, thing=thing, d=choice.randint(0, 4), **names)
        else:
            body = f"    assert parse('{thing}:{names['a']}') == ('{thing}', {names['a']})"
        bodies[area].append(f"def test_{verb}_the_{thing}_{test}():\n{body}\n")
    for area in areas:
        (root / f"{area}.py").write_text(HELPERS.format(area=area, title=area.title()))
        (root / f"test_{area}.py").write_text(f"from {area} import *\n\n" + "\n".join(bodies[area]))
    trouble = choice.random()
    if trouble < 0.15:
        (root / "test_broken.py").write_text("from orders_v2 import everything\n")
    elif trouble < 0.3:
        (root / "test_fixture.py").write_text(
            "import pytest\n@pytest.fixture\n"
            "def database():\n    raise ConnectionError('could not connect to 10.0.0.7:5432')\n"
            "def test_reads(database):\n    pass\ndef test_writes(database):\n    pass\n"
        )
