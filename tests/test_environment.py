"""Environment variables over a budget file."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.budget import Budget
from leanloop.budgets.environment import variables_for
from leanloop.budgets.file import parse_budget
from leanloop.errors import BudgetFileError

FILE = """\
agent: my-agent
limits:
- {per: day, scope: user, usd: 1}
- {per: day, tokens: 5}
- {per: day, usd: 20}
- {usd: 1, tool_calls: {mySearch: 8}}
prices: {gpt-4.1: {input: 1, output: 2}}
"""


def parse(text: str = FILE, **environ: str) -> Budget:
    return parse_budget(text, environ=environ)


def refusal(text: str = "agent: my-agent", **environ: str) -> str:
    with pytest.raises(BudgetFileError) as caught:
        parse(text, **environ)
    return str(caught.value)


def test_a_variable_overrides_a_key() -> None:
    assert parse(LEANLOOP__AT_LIMIT="raise").at_limit == "raise"
    assert parse(LEANLOOP__LANDING__TOKENS=" 5_00 ").landing.tokens == 500
    assert parse(LEANLOOP__MAX_OUTPUT="10").max_output == 10


def test_a_variable_for_one_agent_wins_over_one_for_all() -> None:
    environ = {"LEANLOOP_MY_AGENT__LANDING__TOKENS": "2", "LEANLOOP__LANDING__TOKENS": "1"}
    assert parse(**environ).landing.tokens == 2
    assert parse("agent: other", **environ).landing.tokens == 1


def test_variables_of_other_agents_and_programs_are_left_alone() -> None:
    environ = {"LEANLOOP_OTHER__AT_LIMIT": "x", "LEANLOOP_HOME": "x", "LEANLOOP": "x", "PATH": "x"}
    assert parse(**environ) == parse()


def test_a_limit_is_named_by_its_window_and_has_the_default_scope() -> None:
    limits = parse(LEANLOOP__LIMITS__DAY__USD="0.10", LEANLOOP__LIMITS__TASK__USD="0.20").limits
    assert [(limit.per, limit.scope, limit.usd) for limit in limits] == [
        ("day", "user", Decimal(1)),
        ("day", "agent", None),
        ("day", "agent", Decimal("0.10")),
        ("task", None, Decimal("0.20")),
    ]


def test_a_resource_that_no_limit_names_goes_to_the_first_of_its_window() -> None:
    assert parse(LEANLOOP__LIMITS__DAY__MODEL_CALLS="3").limits[1].amounts() == {"tokens": 5, "model_calls": 3}


def test_a_limit_is_made_where_there_is_none() -> None:
    limit = parse(LEANLOOP__LIMITS__HOUR__USD="0.10", LEANLOOP__LIMITS__HOUR__TOKENS="7").limits[-1]
    assert (limit.per, limit.scope, limit.amounts()) == ("hour", "agent", {"tokens": 7, "usd": 100_000_000})


def test_the_default_limits_stay_where_the_file_names_none() -> None:
    budget = parse("agent: a", LEANLOOP__LIMITS__TASK__USD="0.10", LEANLOOP__LIMITS__DAY__USD="3")
    assert [limit.amounts() for limit in budget.limits] == [{"usd": 100_000_000, "cycles": 25}, {"usd": 3_000_000_000}]


def test_names_are_found_however_they_are_written_in_the_file() -> None:
    budget = parse(LEANLOOP__LIMITS__TASK__TOOL_CALLS__MYSEARCH="3", LEANLOOP__PRICES__GPT_4_1__OUTPUT="9")
    assert budget.limits[-1].tool_calls == {"mySearch": 3}
    assert budget.prices["gpt-4.1"].output == 9


def test_one_tool_is_limited_beside_the_total() -> None:
    file = "agent: a\nlimits: [{tool_calls: 20}]"
    assert parse(file, LEANLOOP__LIMITS__TASK__TOOL_CALLS__SEARCH="3").limits[0].amounts() == {
        "tool_calls": 20,
        "tool_calls:search": 3,
    }


def test_the_loop_guard_is_switched_off_and_on() -> None:
    assert parse(LEANLOOP__LOOP="off").loop is None
    loop = parse("agent: a\nloop: off", LEANLOOP__LOOP__REPEATS="5").loop
    assert loop is not None
    assert loop.repeats == 5


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LEANLOOP__AT_LIMIT", "lend", "'at_limit' must be 'land' or 'raise', not 'lend'"),
        ("LEANLOOP__AT_LIMT", "hunter2", "unknown key 'at_limt'; did you mean 'at_limit'?"),
        ("LEANLOOP__LANDING__TOKNS", "017", "unknown key 'tokns' in landing; did you mean 'tokens'?"),
        ("LEANLOOP__LANDIN__TOKENS", "5", "unknown key 'landin'; did you mean 'landing'?"),
        ("LEANLOOP__LIMITS__TASK__USD", "-1", "'usd' in limits item 1 must be 0 or more, not -1"),
        (
            "LEANLOOP__LIMITS__TASK__USD",
            "nan",
            "'usd' in limits item 1 must be a number, not 'nan'; write digits alone, such as 0.50",
        ),
        (
            "LEANLOOP__LIMITS__TASK__USD",
            "017",
            "'usd' in limits item 1 must be a number, not '017'; write digits alone, such as 0.50",
        ),
        ("LEANLOOP__LIMITS__TASK__USD", "", "is set but empty; give it a value or unset it"),
        ("LEANLOOP__LIMITS__TASK__UDS", "1", "unknown key 'uds' in limits item 1; did you mean 'usd'?"),
        (
            "LEANLOOP__LIMITS__YEAR__USD",
            "1",
            "'per' in limits item 2 must be 'task', 'minute', 'hour', 'day', 'week' or 'month', not",
        ),
        ("LEANLOOP__LIMITS__TASK", "1", "names a limit but no amount in it; write LEANLOOP__LIMITS__TASK__USD"),
        ("LEANLOOP__LIMITS", "1", "'limits' must be a list, not 1"),
        (
            "LEANLOOP__LIMITS__DAY__SCOPE__USER",
            "1",
            "'scope' in limits item 2 must be a name, not a mapping; put it in quotes",
        ),
        ("LEANLOOP__NOTIFY__FIRST", "1", "'notify' must be a list, not a mapping"),
        ("LEANLOOP__THINKING__ABOVE", "5", "'above' in thinking must be a share from 0.001 to 0.999"),
        ("LEANLOOP__AGENT", "b", "the agent's name cannot be overridden"),
        ("LEANLOOP__", "b", "names no key; write LEANLOOP__KEY or LEANLOOP__KEY__KEY"),
        ("LEANLOOP_MY_AGENT__LOOP____REPEATS", "b", "names no key; write LEANLOOP__KEY or LEANLOOP__KEY__KEY"),
    ],
)
def test_a_problem_names_the_variable(name: str, value: str, message: str) -> None:
    assert refusal(**{name: value}).startswith(f"{name}: {message}")


def test_a_key_that_holds_one_value_has_none_inside() -> None:
    message = refusal("agent: a\nat_limit: land", LEANLOOP__AT_LIMIT__X="hunter2")
    assert message == "LEANLOOP__AT_LIMIT__X: 'at_limit' has no keys inside"


def test_problems_of_the_file_come_before_those_of_variables() -> None:
    message = refusal("agent: a\nlimts: 1\nlimits: [5]", LEANLOOP__STORR="1", LEANLOOP__LIMITS__TASK__USD="-1")
    assert message.splitlines() == [
        "<budget>:2: unknown key 'limts'; did you mean 'limits'?",
        (
            "<budget>:3: 'limits' item 1 must be a mapping of keys (per, rolling, scope, tokens, input_tokens, "
            "output_tokens, embedding_tokens, usd, ...), not 5"
        ),
        "LEANLOOP__LIMITS__TASK__USD: 'usd' in limits item 2 must be 0 or more, not -1",
        "LEANLOOP__STORR: unknown key 'storr'; did you mean 'store'?",
    ]


def test_a_file_without_a_usable_agent_has_the_variables_for_all() -> None:
    environ = {"LEANLOOP__AT_LIMIT": "x", "LEANLOOP___X": "x"}
    assert variables_for("", environ) == ("LEANLOOP__AT_LIMIT", "LEANLOOP___X")
    assert refusal("agent: [a]", LEANLOOP__AT_LIMIT="x").startswith("<budget>:1: 'agent' must be a name, not a list")


names = st.lists(st.sampled_from(["LIMITS", "TASK", "DAY", "USD", "LOOP", "TOOL_CALLS", "PRICES", "X", "", "0"])).map(
    lambda keys: "__".join(["LEANLOOP", *keys])
)


@given(st.dictionaries(names, st.text(max_size=5), max_size=4), st.sampled_from([FILE, "agent: a", "limits: {a: [5]}"]))
def test_any_variables_give_a_budget_or_a_budget_file_error(environ: dict[str, str], text: str) -> None:
    try:
        origin = parse(text, **environ).agent
    except BudgetFileError as error:
        origin = error.file
    assert origin in {"my-agent", "a", "<budget>", *environ}
