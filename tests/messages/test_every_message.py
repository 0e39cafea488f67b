"""Every message in the code: one without a number, a name or a way out is found here, and so is a log line with text.

What it is to say is judged by people, in the three tables beside this file; this keeps the plainly lacking out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from leanloop import errors

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(path for folder in ("adapters", "budgets", "plugins") for path in (ROOT / folder).rglob("*.py"))

KINDS = frozenset(errors.__all__) - {"MissingExtra", "PriceUnknown"} | {"PydanticCustomError", "BadParameter"}
"""Those two make their whole message themselves."""

PLACE_OF_TEXT = {"PydanticCustomError": 1, "ModelUnavailable": 1}
"""Which argument the message is; else the first."""

HELPS = re.compile(
    r"[0-9{}=:;(]|such as|\b(?:name|give|write|add|say|set|put|keep|take|use|see|without)\b", re.IGNORECASE
)
"""What a message holds that says what to do, shows how it is written, or names what it is about."""

TEXT = re.compile(r"\b(?:prompt|answer_text|reply|content|arguments|password|secret|url|api_key)\b")
"""Names whose values have no place in a line of the log, nor in a message."""

LEVELS = frozenset({"debug", "info", "warning", "error", "critical", "exception", "log", "warn"})

NOT_HELPING: dict[str, str] = {
    "A limit per task has no window of the clock.": "says what a caller of window_at did; no user calls it",
    "Another limit refused this call.": "thrown into the plugins of a call that another refused, whose error is seen",
    "": "of a task that nothing stopped: it has no reason, and is not raised",
}
"""Messages without a way out, and why they need none."""

TRACEBACKS = {
    "plugins/alerts.py": "of the user's own hook",
    "plugins/cache/claim_renewal.py": "of a store of somebody else's",
    "plugins/leases.py": "of a store of somebody else's",
    "plugins/week_profiles.py": "of a store of somebody else's",
}
"""Where a traceback goes to the log: no prompt passes through these calls."""


class Said(NamedTuple):
    """A message, or a line of the log, and where it stands."""

    place: str
    text: str
    node: ast.Call


def raised() -> Iterator[Said]:
    """The messages of errors of ours, as far as they stand in the `raise`, or in a function that makes the error."""
    for path, call in calls():
        kind = ast.unparse(call.func).rpartition(".")[2]
        at = PLACE_OF_TEXT.get(kind, 0)
        if kind in KINDS and len(call.args) > at and isinstance(call.args[at], ast.Constant | ast.JoinedStr):
            yield Said(f"{path}:{call.lineno}", words(call.args[at]), call)


def logged() -> Iterator[Said]:
    """The lines of the log."""
    for path, call in calls():
        whole = ast.unparse(call.func)
        owner, _, level = whole.rpartition(".")
        if (owner == "_log" and level in LEVELS) or whole == "warn":
            text = call.args[1] if level == "log" else call.args[0]
            yield Said(f"{path}:{call.lineno}", words(text), call)


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from ((str(path.relative_to(ROOT)), node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def words(text: ast.expr) -> str:
    """A message with ``{}`` for what is filled in."""
    if isinstance(text, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in text.values)  # type: ignore[misc]
    return str(text.value) if isinstance(text, ast.Constant) else "{}"


RAISED, LOGGED = list(raised()), list(logged())


def test_there_are_messages_to_look_at() -> None:
    assert len(RAISED) > 200
    assert len(LOGGED) > 20


def test_no_message_of_an_error_is_without_a_number_a_name_or_a_way_out() -> None:
    lacking = [
        f"{one.place}: {one.text}" for one in RAISED if not HELPS.search(one.text) and one.text not in NOT_HELPING
    ]
    assert not lacking
    assert NOT_HELPING.keys() <= {one.text for one in RAISED}, "an exception that is needed no more"


def test_no_message_of_an_error_is_one_word() -> None:
    assert not [
        f"{one.place}: {one.text}"
        for one in RAISED
        if 0 < len(re.sub(r"[^a-z]+", " ", one.text.replace("{}", "a b c")).split()) < 3
    ]


@pytest.mark.parametrize("said", [*RAISED, *LOGGED], ids=lambda said: said.place)
def test_nothing_that_may_be_secret_or_said_by_a_user_is_filled_in(said: Said) -> None:
    for part in ast.walk(said.node):
        if isinstance(part, ast.FormattedValue):
            assert not TEXT.fullmatch(ast.unparse(part.value).rpartition(".")[2]), said.text
    for argument in said.node.args[1:]:
        assert not TEXT.fullmatch(ast.unparse(argument).rpartition(".")[2]), said.text


def test_a_line_of_the_log_is_a_constant_that_is_filled_in_by_logging() -> None:
    composed = [f"{one.place}: {one.text}" for one in LOGGED if "{}" in one.text and "plugins/log.py" not in one.place]
    assert not composed


def test_a_line_of_the_log_ends_as_a_sentence_or_with_what_a_store_said() -> None:
    assert not [f"{one.place}: {one.text}" for one in LOGGED if not re.search(r"(?:[.:%]|%s|\")$|\{\}$", one.text)]


def test_tracebacks_are_of_hooks_and_stores_of_other_people_alone() -> None:
    whole = {
        one.place.partition(":")[0]
        for one in LOGGED
        if ast.unparse(one.node.func).endswith(".exception")
        or any(word.arg == "exc_info" for word in one.node.keywords)
    }
    assert whole == set(TRACEBACKS)
