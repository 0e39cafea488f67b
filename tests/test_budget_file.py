"""Budget files: what they mean, and what is said about those that mean nothing."""

from __future__ import annotations

import os
import re
import sys
from decimal import Context, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from leanloop.budgets.budget import Budget, Landing, Loop
from leanloop.budgets.degrade_step import DegradeStep
from leanloop.budgets.document import label
from leanloop.budgets.file import Format, load_budget, parse_budget
from leanloop.budgets.file_yaml import plain_scalar
from leanloop.budgets.limit import Limit, Window
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.errors import BudgetFileError, MissingExtra, UsageError
from leanloop.plugins.task import Task

EXAMPLES = sorted((Path(__file__).parent.parent / "examples" / "budgets").glob("*.yaml"))

SUPPORT = """\
agent: support
limits:
  - {per: task, usd: 0.50, tokens: 200_000, cycles: 12, seconds: 300, tool_calls: {search: 8}}
  - {per: day, scope: user, usd: 20}
at_limit: raise
landing: {tokens: 1_000}
loop: {repeats: 4, window: 9, allow: [wait_for_job]}
prices: {my-local-model: {input: 0, output: 0.25}}
notify: [0.9, 0.5]
max_output: 4_000
"""

SUPPORT_TOML = """\
agent = "support"
at_limit = "raise"
notify = [0.9, 0.5]
max_output = 4_000
landing = {tokens = 1_000}
loop = {repeats = 4, window = 9, allow = ["wait_for_job"]}

[[limits]]
per = "task"
usd = 0.50
tokens = 200_000
cycles = 12
seconds = 300
tool_calls = {search = 8}

[[limits]]  # per user
per = "day"
scope = "user"
usd = 20

[prices.my-local-model]
input = 0
output = 0.25
"""

MEANT = Budget(
    agent="support",
    limits=(
        Limit(usd=Decimal("0.50"), tokens=200_000, cycles=12, seconds=Decimal(300), tool_calls={"search": 8}),
        Limit(per="day", scope="user", usd=Decimal(20)),
    ),
    at_limit="raise",
    landing=Landing(tokens=1_000),
    loop=Loop(repeats=4, window=9, allow=("wait_for_job",)),
    prices={"my-local-model": ModelPriceEntry(input=Decimal(0), output=Decimal("0.25"))},
    notify=(0.5, 0.9),
    max_output=4_000,
)


def parse(text: str, kind: Format = "yaml") -> Budget:
    return parse_budget(text, format=kind, environ={})


def refusal(text: str, kind: Format = "yaml") -> str:
    with pytest.raises(BudgetFileError) as caught:
        parse(text, kind)
    return str(caught.value)


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


# What a file means


@pytest.mark.parametrize(("text", "kind"), [(SUPPORT, "yaml"), (SUPPORT_TOML, "toml")])
def test_yaml_and_toml_mean_the_same(text: str, kind: Format) -> None:
    budget = parse(text, kind)
    assert budget == MEANT
    assert str(budget.limits[0].usd) == "0.50"


def test_every_key_but_the_agent_has_a_default() -> None:
    budget = parse("agent: a")
    assert budget == Budget(agent="a")
    assert budget.limits == (Limit(cycles=25),)
    assert (budget.at_limit, budget.landing.tokens, budget.notify) == ("land", 2_000, (0.7, 0.9))
    assert (budget.store, budget.on_store_error, budget.unknown_model) == ("memory", "refuse", "refuse")
    assert budget.loop == Loop(repeats=3, window=8, allow=())
    assert budget.max_output is None


def test_the_loop_guard_can_be_switched_off_and_on() -> None:
    assert parse("agent: a\nloop: off").loop is None
    assert parse("agent: a\nloop: on").loop == Loop()


def test_no_limits_and_no_notices_can_be_asked_for() -> None:
    budget = parse("agent: a\nlimits: []\nnotify: []")
    assert (budget.limits, budget.notify) == ((), ())


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("0.50", "0.50"),
        ("1_000.5", "1000.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1.0e-3", "0.001"),
        ("+2", "2"),
        ("-0", "0"),
    ],
)
def test_numbers_are_read_as_decimals(written: str, amount: str) -> None:
    assert parse(f"agent: a\nlimits: [{{usd: {written}}}]").limits[0].usd == Decimal(amount)


def test_words_that_only_look_like_numbers_are_names() -> None:
    assert parse("agent: 1.2.3").agent == "1.2.3"
    assert parse("agent: 2026-11-22").agent == "2026-11-22"
    assert parse('agent: "017"').agent == "017"
    assert parse(f"agent: {'a' * 64}").agent == "a" * 64


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_load(path: Path) -> None:
    assert load_budget(path, environ={}).agent == path.stem


def test_a_file_is_read_by_its_ending(tmp_path: Path) -> None:
    assert load_budget(write(tmp_path, "a.yml", SUPPORT.encode()), environ={}) == MEANT
    assert load_budget(str(write(tmp_path, "a.TOML", SUPPORT_TOML.encode())), environ={}) == MEANT


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load_budget(write(tmp_path, "a.yaml", b"\xef\xbb\xbfagent: a"), environ={}).agent == "a"


def test_the_process_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANLOOP__AT_LIMIT", "raise")
    assert load_budget(write(tmp_path, "a.yaml", b"agent: a")).at_limit == "raise"


# What is said about a file that is wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("agent: a\nlimts: []", "<budget>:2: unknown key 'limts'; did you mean 'limits'?"),
        ("agent: a\nAT_LIMIT: land", "<budget>:2: unknown key 'AT_LIMIT'; did you mean 'at_limit'?"),
        ("agent: a\nlanding:\n  tokns: 5", "<budget>:3: unknown key 'tokns' in landing; did you mean 'tokens'?"),
        ("agent: a\nloop: {alow: []}", "<budget>:2: unknown key 'alow' in loop; did you mean 'allow'?"),
        (
            "agent: a\nlimits:\n- usd: 1\n- usdd: 1\n  usd: 1",
            "<budget>:4: unknown key 'usdd' in limits item 2; did you mean 'usd'?",
        ),
        (
            "agent: a\nprices:\n  m:\n    input: 1\n    output: 2\n    cashed_input: 3",
            "<budget>:6: unknown key 'cashed_input' in prices.m; did you mean 'cached_input'?",
        ),
        ("agent: a\nlanding: {zzz: 5}", "<budget>:2: unknown key 'zzz' in landing; there are: tokens"),
        (
            f"agent: a\nlanding: {{{'t' * 70}: 5}}",
            f"<budget>:2: unknown key '{'t' * 40}'... in landing; there are: tokens",
        ),
        ("agent: a\n<<: {at_limit: land}", "<budget>:2: unknown key '<<'; there are: agent, limits, at_limit"),
        ("at_limit: land", "<budget>: the key 'agent' is missing"),
        ("agent: a\nprices: {m: {input: 1}}", "<budget>:2: the key 'output' is missing"),
        ("agent:", "<budget>:1: 'agent' has no value; give it one or take it out"),
        ("agent: a\nlimits: [{usd: ~}]", "<budget>:2: 'usd' in limits item 1 has no value; give it one or take it out"),
        ("agent: a\nlimits: [null]", "<budget>:2: 'limits' item 1 has no value; give it one or take it out"),
        ("agent: 5", "<budget>:1: 'agent' must be a name, not 5; put it in quotes if it is one"),
        ("agent: a/b", "<budget>:1: 'agent' must be 1 to 64 letters, digits, '-', '_' or '.'"),
        ("agent: a\nlimits: 5", "<budget>:2: 'limits' must be a list, not 5"),
        ("agent: a\nlimits: [5]", "<budget>:2: 'limits' item 1 must be a mapping of keys (per, rolling, "),
        ("agent: a\nprices: []", "<budget>:2: 'prices' must be a mapping of keys, not a list"),
        ("agent: a\nat_limit: lend", "<budget>:2: 'at_limit' must be 'land' or 'raise', not 'lend'"),
        ("agent: a\nlimits:\n- usd: -5", "<budget>:3: 'usd' in limits item 1 must be 0 or more, not -5"),
        (
            "agent: a\nlimits: [{tool_calls: {search: -1}}]",
            "<budget>:2: 'search' in limits item 1.tool_calls must be 0 or more, not -1",
        ),
        ("agent: a\nlimits: [{tokens: 1.0}]", "<budget>:2: 'tokens' in limits item 1 must be a whole number, not 1.0"),
        ("agent: a\nlimits: [{usd: .nan}]", "<budget>:2: 'usd' in limits item 1: '.nan' is not a plain decimal number"),
        (
            "agent: a\nlimits: [{usd: -.inf}]",
            "<budget>:2: 'usd' in limits item 1: '-.inf' is not a plain decimal number",
        ),
        (
            "agent: a\nlimits: [{tokens: 0100}]",
            "<budget>:2: 'tokens' in limits item 1: '0100' is not a plain decimal number",
        ),
        (
            "agent: a\nlimits: [{seconds: 5:00}]",
            "<budget>:2: 'seconds' in limits item 1: '5:00' is not a plain decimal number",
        ),
        (
            "agent: a\nlimits: [{tokens: 0x10}]",
            "<budget>:2: 'tokens' in limits item 1: '0x10' is not a plain decimal number",
        ),
        (f"agent: a\nmax_output: {'9' * 9000}", f"<budget>:2: 'max_output': '{'9' * 40}'... is not a plain"),
        ("agent: a\nmax_output: 0", "<budget>:2: 'max_output' must be 1 or more, not 0"),
        ("agent: a\nlimits: [{}]", "<budget>:2: 'limits' item 1 limits nothing; name an amount: tokens"),
        ("agent: a\nnotify: [1.0]", "<budget>:2: 'notify' item 1 must be a share from 0.001 to 0.999"),
        ("agent: a\nwarn: [100%]", "<budget>:2: 'warn' item 1 must be a share from 0.001 to 0.999, such as 0.7 or 70%"),
        ("agent: a\nwarn: [70%%]", "<budget>:2: 'warn' item 1 must be a number, not '70%%'"),
        ("agent: a\ndegrade: {at: 80%}", "<budget>:2: 'degrade' changes nothing; name a model (to) or an effort"),
        ("agent: a\ndegrade: {to: a, att: 5%}", "<budget>:2: unknown key 'att' in degrade; did you mean 'at'?"),
        (
            "agent: a\ndegrade: {effort: less}",
            "<budget>:2: 'effort' in degrade must be 'none', 'minimal', 'low', 'medium', 'high'",
        ),
        ("agent: a\ndegrade: off", "<budget>:2: 'degrade' must be a list, not false"),
        (
            "agent: a\ndegrade:\n- {to: a}\n- {at: 0.8, to: b}",
            "<budget>:4: 'degrade' item 2 begins at 0.8, not above 0.8 of the one before it",
        ),
        ("agent: a\nnotify: [yes]", "<budget>:2: 'notify' item 1 must be a number, not true"),
        ("agent: a\nloop: {repeats: 1}", "<budget>:2: 'repeats' in loop must be 2 or more, not 1"),
        ("agent: a\nloop: {repeats: 9}", "<budget>:2: 'loop' has a window of 8 steps, too few for 9 repeats"),
        ("agent: a\nnotify: [5, .7]", "<budget>:2: 'notify' item 1 must be a share from 0.001 to 0.999"),
        (
            "agent: a\nloop: {repeats: x, window: 8}",
            "<budget>:2: 'repeats' in loop must be a whole number, not 'x'; write digits alone, such as 200_000",
        ),
        (
            "agent: a\nlimits: [{usd: 1}, {cycles: 3}, {usd: 2}]",
            "<budget>:2: 'limits' item 3 names usd per task, as item 1 does for the same scope; keep one",
        ),
    ],
)
def test_a_problem_names_the_line_the_key_and_the_way_out(text: str, message: str) -> None:
    assert refusal(text).startswith(message)


@pytest.mark.parametrize(
    "address",
    [
        "memory",
        "sqlite:///leanloop.db?timeout=2",
        "rediss://user:hunter2@host:6380/0?prefix=a",
        "redis+sentinel://a,b/main",
        "redis+cluster://a:1,b:2",
    ],
)
def test_a_store_is_an_address(address: str) -> None:
    budget = parse(f"agent: a\nstore: {address}")
    assert budget.store == address
    assert "hunter2" not in repr(budget)


@pytest.mark.parametrize(
    ("store", "why"),
    [
        ("ftp://user:hunter2@host", "is memory, sqlite:///FILE or redis://HOST:PORT/NUMBER"),
        ("hunter2", "is memory, sqlite:///FILE or redis://HOST:PORT/NUMBER"),
        ("redis://user:hunter2@host:port/0", "percent-encoded"),
        ("redis+cluster://user:hunter2@host/1", "percent-encoded"),
        ("sqlite:///hunter2?timeout=hunter2", "a number of seconds"),
        ("[hunter2]", "must be memory, sqlite:///FILE or redis://"),
        ("5", "must be memory, sqlite:///FILE or redis://"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_showing_it(store: str, why: str) -> None:
    message = refusal(f"agent: a\nstore: {store}")
    assert message.startswith("<budget>:2: 'store' ")
    assert why in message
    assert "hunter2" not in message
    with pytest.raises(BudgetFileError) as caught:
        parse_budget("agent: a", environ={"LEANLOOP__STORE": store})
    assert str(caught.value).startswith("LEANLOOP__STORE: 'store' ")
    assert "hunter2" not in str(caught.value)


def test_a_store_in_redis_can_be_named_where_redis_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("leanloop.budgets.redis_store", "leanloop.budgets.redis_address"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio.connection", None)
    budget = parse("agent: a\nstore: redis://host:6379/0")
    with pytest.raises(MissingExtra, match=r"pip install 'leanloop\[redis\]'"):
        Task(budget)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Berlim", "did you mean 'Europe/Berlin'?"),
        ("europe/berlin", "did you mean 'Europe/Berlin'?"),
        ("berlin", "did you mean 'Europe/Berlin'?"),
        ("New York", "did you mean 'America/New_York'?"),
        ("localtime", "the names are those of the IANA database"),
        ("../../etc/passwd", "the names are those of the IANA database"),
        ("a" * 100, "the names are those of the IANA database"),
    ],
)
def test_an_unknown_time_zone_is_refused_with_the_nearest(zone: str, hint: str) -> None:
    message = refusal(f"agent: a\ntimezone: '{zone}'")
    assert message.startswith("<budget>:2: 'timezone' must be a time zone such as Europe/Berlin, not ")
    assert message.endswith(hint)


def test_a_time_zone_is_a_name() -> None:
    assert parse("agent: a\ntimezone: Europe/Berlin").timezone == "Europe/Berlin"
    assert refusal("agent: a\ntimezone: 2") == "<budget>:2: 'timezone' must be the name of a time zone, not 2"


def test_utc_needs_no_database_of_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.budgets.zone._zones", lambda: frozenset({"UTC"}))
    assert parse("agent: a\ntimezone: UTC").timezone == "UTC"
    assert refusal("agent: a\ntimezone: Europe/Berlin").endswith("this machine has no time zones: pip install tzdata")


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    with pytest.raises(BudgetFileError) as caught:
        parse("agent: a\nlimits:\n- usd: -1\n- tokens: '0x'\nat_limit: x\nlimts: 1")
    assert caught.value.line == 3
    assert str(caught.value).splitlines() == [
        "<budget>:3: 'usd' in limits item 1 must be 0 or more, not -1",
        "<budget>:4: 'tokens' in limits item 2 must be a whole number, not '0x'; write digits alone, such as 200_000",
        "<budget>:5: 'at_limit' must be 'land' or 'raise', not 'x'",
        "<budget>:6: unknown key 'limts'; did you mean 'limits'?",
    ]


def test_a_flood_of_problems_is_cut() -> None:
    lines = refusal("agent: a\n" + "\n".join(f"key{n}: {n}" for n in range(100))).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 80 more"


def test_a_key_given_twice_is_refused_with_both_lines() -> None:
    assert refusal("agent: a\nat_limit: land\nat_limit: raise") == (
        "<budget>:3: the key 'at_limit' stands here and in line 2; keep one"
    )
    assert refusal("agent: a\nlanding:\n  tokens: 1\nlanding: {tokens: }") == (
        "<budget>:4: the key 'landing' stands here and in line 2; keep one"
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n...\n", "\n\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert refusal(text) == "<budget>: the file is empty; it needs at least the line agent: NAME"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- agent: a", "<budget>:1: the file must hold keys such as agent: NAME, not a list"),
        ("agent", "<budget>:1: the file must hold keys such as agent: NAME, not a single value"),
        ("agent: a\n---\nagent: b", "<budget>:2: a second document begins here; a budget file holds one agent"),
        (
            "agent: a\nlanding:\n\ttokens: 5",
            "<budget>:3: this is not YAML: found character '\\t' that cannot start any token (column 1); use spaces",
        ),
        (
            "agent: [a",
            "<budget>:1: this is not YAML: expected ',' or ']', but got '<stream end>' (column 10); close",
        ),
        ("agent: a\x07", "<budget>:1: the character '\\x07' may not stand in a YAML file"),
        ("agent: a\nlimits: \x00", "<budget>:2: the character '\\x00' may not stand in a YAML file"),
        ('agent: "\\UFFFFFFFF"', "<budget>: this is not YAML: a number in an escape or directive is too large"),
        ("agent: !!python/object/apply:os.system [ls]", "<budget>:1: tags (!) are not allowed; write the plain value"),
        ("!!map {agent: a}", "<budget>:1: tags (!) are not allowed; write the plain value"),
        ("agent: &a a", "<budget>:1: anchors (&) and aliases (*) are not allowed; write the value out"),
        ("agent: *a", "<budget>:1: anchors (&) and aliases (*) are not allowed; write the value out"),
        ("&a agent: a", "<budget>:1: anchors (&) and aliases (*) are not allowed; write the value out"),
        ("agent: a\n? [b]\n: c", "<budget>:2: a key must be a single word, not a list or a mapping"),
        ("agent: " + "[" * 100_000, "<budget>:1: nested more than 8 levels deep; no key of a budget file is"),
        ("agent: a\nnotify: [" + ".5," * 20_000, "<budget>:2: more than 10,000 values; a budget file is a few lines"),
        ("agent: a" + " " * 1_000_000, "<budget>: is larger than 1,000,000 characters; a budget file is a few lines"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_a_billion_laughs_are_refused_at_the_first_anchor() -> None:
    bomb = "a: &a [lol]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    assert refusal(bomb) == "<budget>:1: anchors (&) and aliases (*) are not allowed; write the value out"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", '<budget>: the file is empty; it needs at least the line agent = "NAME"'),
        ("agent = ", "<budget>: this is not TOML: Invalid value"),
        ('agent = "a"\n[landing]\n[landing]', "<budget>:3: this is not TOML: Cannot declare ('landing',) twice"),
        ("agent = " + "9" * 999, "<budget>:1: the line has 1,007 characters; at most 1,000 are read"),
        ("agent = 1e99999999999999999999", "<budget>: a number in the file is too large; write digits such as 200_000"),
        ("agent = [" + "\n[" * 100_000, "<budget>: the file is nested far too deep"),
        ('agent = "a"\nlimts = 1 # limits', "<budget>:2: unknown key 'limts'; did you mean 'limits'?"),
        ('agent = "a"\n# tokens\n[landing]\ntokens = -1', "<budget>:4: 'tokens' in landing must be 0 or more, not -1"),
        (
            'agent = "a"\n[[limits]]\nusd = 1\n[[limits]]\nusd = -1',
            "<budget>:5: 'usd' in limits item 2 must be 0 or more, not -1",
        ),
        ('agent = "a"\nlimits = [\n{usd = -1},\n]', "<budget>:3: 'usd' in limits item 1 must be 0 or more, not -1"),
        (
            'agent = "a"\nlimits = [\n{usd = 1},\n{usd = -1},\n]',
            "<budget>:2: 'usd' in limits item 2 must be 0 or more, not -1",
        ),
        ('agent = "a"\nnotify = [nan]', "<budget>:2: 'notify' item 1 must be a share from 0.001 to 0.999"),
        (
            'agent = "a"\nlimits = [{usd = -inf}]',
            "<budget>:2: 'usd' in limits item 1 must be a finite number, not -Infinity",
        ),
        ('agent = "a"\nmax_output = 1979-05-27', "<budget>:2: 'max_output' must be a whole number, not a date"),
        ('agent = "a"\n"\\u006cimts" = 1', "<budget>: unknown key 'limts'; did you mean 'limits'?"),
        ("at_limit = 'land'", "<budget>: the key 'agent' is missing"),
    ],
)
def test_problems_of_a_toml_file(text: str, message: str) -> None:
    assert refusal(text, "toml").startswith(message)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.json", b"{}", "a.json: a budget file ends in .yaml, .yml or .toml, not in '.json'"),
        ("a", b"", "a: a budget file ends in .yaml, .yml or .toml, and this name has no ending"),
        ("a.yaml", b"agent: a\n\xff", "a.yaml:2: is not UTF-8: byte 0xff at offset 9; save it as UTF-8"),
        ("a.yaml", b"#" * 1_000_001, "a.yaml: is larger than 1,000,000 bytes; a budget file is a few lines"),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(BudgetFileError) as caught:
        load_budget(write(tmp_path, name, data), environ={})
    assert str(caught.value) == f"{tmp_path}{os.sep}{message}"


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    for name, message in {
        "none.yaml": "there is no such file; see the folder the program runs in, or write one with leanloop init",
        "folder.yaml": "is a folder; name the file itself",
    }.items():
        with pytest.raises(BudgetFileError, match=message):
            load_budget(tmp_path / name, environ={})
    with pytest.raises(BudgetFileError, match="cannot be read: File name too long"):
        load_budget("a" * 5_000 + ".yaml", environ={})
    with pytest.raises(BudgetFileError, match="is not the name of a file"):
        load_budget("a\0.yaml", environ={})


def test_a_budget_made_in_code_is_checked_as_well() -> None:
    with pytest.raises(ValidationError):
        Budget.model_validate({"agent": "a", "routes": {}})
    with pytest.raises(ValidationError):
        Budget(agent="a", store="ftp://host")


# Any budget survives its file, any text is a budget or a BudgetFileError

labels = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(
    lambda text: text.isprintable() and text == text.strip()
)
counts = st.integers(0, 10**12)
prices = st.decimals(0, 1_000, places=4)


@st.composite
def limit_values(draw: st.DrawFn) -> dict[str, Any]:
    values: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {"tokens": counts},
            optional={
                "input_tokens": counts,
                "output_tokens": counts,
                "usd": st.decimals(0, 9_000_000, places=9),
                "model_calls": counts,
                "tool_calls": counts | st.dictionaries(labels, counts, min_size=1, max_size=3),
            },
        )
    )
    return values


windows: list[Window] = ["task", "minute", "hour", "day", "week", "month"]
budgets = st.builds(
    Budget,
    agent=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    limits=st.dictionaries(st.sampled_from(windows), limit_values(), max_size=3).map(
        lambda by_window: tuple(Limit.model_validate({"per": per, **values}) for per, values in by_window.items())
    ),
    at_limit=st.sampled_from(["land", "raise"]),
    landing=st.builds(Landing, tokens=counts),
    loop=st.none() | st.builds(Loop, repeats=st.integers(2, 8), allow=st.lists(labels, max_size=2).map(tuple)),
    prices=st.dictionaries(labels, st.builds(ModelPriceEntry, input=prices, output=prices), max_size=2),
    unknown_model=st.sampled_from(["refuse", "free", "most_expensive"]),
    max_output=st.none() | st.integers(1, 10**9),
    notify=st.lists(st.floats(0.001, 0.999), max_size=3).map(tuple),
    warn=st.lists(st.floats(0.001, 0.999), max_size=3).map(tuple),
    degrade=st.builds(DegradeStep, at=st.floats(0.001, 0.999), to=labels).map(lambda step: (step,)),
)


def test_a_share_may_be_written_in_percent_whatever_the_decimal_context() -> None:
    with localcontext(Context(prec=1)):
        budget = parse("agent: a\nwarn: [99.9%, 7%, 0.1%]\nnotify: ['62.5%']")
    assert (budget.warn, budget.notify) == ((0.001, 0.07, 0.999), (0.625,))


def test_one_step_of_degrading_may_stand_without_a_list() -> None:
    (step,) = parse("agent: a\ndegrade: {to: small}").degrade
    assert step == DegradeStep(at=0.8, to="small") == Budget.model_validate({"agent": "a", "degrade": step}).degrade[0]
    first, second = parse("agent: a\ndegrade: [{at: 50%, effort: low}, {at: 80%, to: small}]").degrade
    assert (first.effort, first.to, second.at, second.to) == ("low", None, 0.8, "small")


class Dumper(yaml.SafeDumper):
    """Writes decimals as they are."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def plain_decimal(_: Dumper, value: Decimal) -> yaml.Node:
    text = f"{value:f}"
    return yaml.ScalarNode("tag:yaml.org,2002:float" if "." in text else "tag:yaml.org,2002:int", text)


Dumper.add_representer(Decimal, plain_decimal)


@given(budgets)
def test_a_budget_survives_its_yaml_file(budget: Budget) -> None:
    values = {"loop": False, **budget.model_dump(exclude_none=True)}
    again = parse(yaml.dump(values, Dumper=Dumper, allow_unicode=True))
    assert again == budget
    assert [limit.amounts() for limit in again.limits] == [limit.amounts() for limit in budget.limits]


words = (
    """
agent:_a| limits:|-_|__|usd:_|-1|{|}|[|]|:_|&a_|*a|!t_|?_|'|"|---|...|%YAML_9.9|1e9|.nan|017|loop:_|#_|<<:_|=_
[[limits]]|a.b.c_=_|\"""|1979-05-27|inf|,|tokens:_5
""".replace("_", " ")
    .replace("\n", "|")
    .split("|")
)
fragments = st.lists(st.sampled_from([*words, "\n", "\n", "\t", "\\", "|", "_"]) | st.text(max_size=3)).map("".join)


scalars = st.text(alphabet="0123456789_.:+-exXbaIiNnFfTtRrUuEeOoYySsLl~", max_size=9) | st.sampled_from(
    ["yes", "Yes", "yES", "off", "OFF", "null", "~", "1.5e+3", "1.5e3", "0o17", "08", "0:30", ".NaN", "-.INF"]
)


@given(scalars)
@example("5" * 41)
@example("1:30")
@example(".inf")
def test_a_plain_scalar_is_of_the_kind_that_pyyaml_reads(text: str) -> None:
    resolver: Any = yaml.SafeLoader("")
    kind = resolver.resolve(yaml.ScalarNode, text, (True, False)).rpartition(":")[2]
    try:
        value = plain_scalar(text)
    except UsageError:
        assert kind in {"int", "float"}
    else:
        kinds: dict[type, str] = {int: "int", Decimal: "float", bool: "bool", type(None): "null"}
        assert kinds.get(type(value), "str") == (kind if kind in kinds.values() else "str")


def read(text: str, kind: Format) -> Budget | BudgetFileError:
    """Anything but these two is a failure."""
    try:
        return parse(text, kind)
    except BudgetFileError as error:
        return error


@given(st.text() | fragments, st.sampled_from(["yaml", "toml"]))
@example("%YAML " + "9" * 5_000 + ".1\n---\na: b", "yaml")
@example("a = " + "9" * 990, "toml")
@example("? a", "yaml")
def test_any_text_is_a_budget_or_a_budget_file_error(text: str, kind: Format) -> None:
    outcome = read(text, kind)
    if isinstance(outcome, Budget):
        assert outcome.agent in text
    else:
        assert str(outcome).startswith("<budget>")
        assert outcome.line is None or 1 <= outcome.line <= len(re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)) + 1


@given(st.binary() | fragments.map(lambda text: text.encode("utf-16")))
def test_any_bytes_are_a_budget_or_a_budget_file_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = write(tmp_path_factory.getbasetemp(), "any.yaml", data)
    with pytest.raises(BudgetFileError) as caught:  # an agent's name among random bytes would be a wonder
        load_budget(path, environ={})
    assert str(caught.value).startswith(str(path))


@given(st.text(alphabet="abc=.\"'[]{}\n #1,", max_size=200))
def test_a_line_found_in_a_toml_file_is_a_line_of_the_file(text: str) -> None:
    outcome = read(text, "toml")
    assert isinstance(outcome, BudgetFileError)
    assert outcome.line is None or 1 <= outcome.line <= text.count("\n") + 1


def test_a_label_says_where_a_value_is() -> None:
    assert label(("limits", 1)) == "'limits' item 2"
    assert label(("limits", 1, "usd")) == "'usd' in limits item 2"
    assert label(("limits", 1, "tool_calls", "search")) == "'search' in limits item 2.tool_calls"
    assert label(("cache", "tools", "two words", "ttl")) == "'ttl' in cache.tools.'two words'"
    assert label(("usd",)) == "'usd'"
    assert label(()) == "the file"
