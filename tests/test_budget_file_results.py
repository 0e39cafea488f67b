"""What a budget file may say of results, context, prefix and retrieved passages, and what it is told otherwise."""

from __future__ import annotations

import pytest

from leanloop import Budget, BudgetFileError, parse_budget
from leanloop.budgets.context_rules import ContextRules, PrefixRules, RetrievedRules, SummaryRules
from leanloop.budgets.result_rules import ResultRules, ToolResultRules


def parse(text: str) -> Budget:
    return parse_budget(f"agent: a\n{text}", environ={})


def test_results_are_shortened_and_nothing_is_cleared_by_default() -> None:
    budget = parse("")
    assert budget.results == ResultRules(
        max_tokens=4_000,
        batch=16_000,
        share=0.25,
        compact=True,
        read_tokens=2_000,
        reads=20,
        store=None,
        ttl=86_400,
        max_bytes=256_000_000,
        scope=("tenant", "user"),
        hard_cap=32_000,
    )
    assert budget.context is None
    assert (budget.prefix, budget.retrieved) == (PrefixRules(), RetrievedRules())


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("results: off", None),
        ("results: on", ResultRules()),
        ("results: 800", ResultRules(max_tokens=800)),
        ("results: {share: 40%, ttl: 12h, max_bytes: 10 MB}", ResultRules(share=0.4, ttl=43_200, max_bytes=10**7)),
        ("results: {scope: [], reads: 0, compact: off}", ResultRules(scope=(), reads=0, compact=False)),
        ("results:\n  store: folder:./kept", ResultRules(store="folder:./kept")),
        ("results:\n  store: sqlite:///kept.db", ResultRules(store="sqlite:///kept.db")),
        (
            "results: {tools: {search: 800, sql: {kind: table}, wiki: off}}",
            ResultRules(
                tools={"search": ToolResultRules(max_tokens=800), "sql": ToolResultRules(kind="table"), "wiki": None}
            ),
        ),
    ],
)
def test_results_are_a_switch_a_number_or_keys(text: str, meant: ResultRules | None) -> None:
    assert parse(text).results == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("context: off", None),
        ("context: on", ContextRules()),
        (
            "context: {keep: 0, at_tokens: 60_000, exclude: [plan]}",
            ContextRules(keep=0, at_tokens=60_000, exclude=("plan",)),
        ),
        ("context: {summary: on}", ContextRules(summary=SummaryRules())),
        ("context: {summary: off}", ContextRules()),
        (
            "context: {summary: {max_tokens: 200, model: m}}",
            ContextRules(summary=SummaryRules(max_tokens=200, model="m")),
        ),
    ],
)
def test_context_is_a_switch_or_keys(text: str, meant: ContextRules | None) -> None:
    assert parse(text).context == meant


def test_prefix_and_retrieved_are_keys() -> None:
    budget = parse("prefix: {breakpoints: off, volatile: behind}\nretrieved: {max_tokens: 900, order: best_first}")
    assert budget.prefix == PrefixRules(breakpoints=False, volatile="behind")
    assert budget.retrieved == RetrievedRules(max_tokens=900, order="best_first")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("results: {max_tokens: 0}", ":2: 'max_tokens' in results must be 1 or more, not 0"),
        ("results: many", ":2: 'results' must be a number, on, off or a mapping of keys (max_tokens, "),
        ("results:\n  max_tokns: 5", ":3: unknown key 'max_tokns' in results; did you mean 'max_tokens'?"),
        ("results:\n  tools:\n    search: 0", ":4: 'search' in results.tools must be 1 or more, not 0"),
        (
            "results: {tools: {search: {kind: jsn}}}",
            ":2: 'kind' in results.tools.search must be 'json', 'log', 'table', 'search', 'html', ",
        ),
        (
            "results: {tools: {search: {max: 5}}}",
            ":2: unknown key 'max' in results.tools.search; there are: max_tokens, kind",
        ),
        ("results: {tools: [search]}", ":2: 'tools' in results must be a mapping of keys, not a list"),
        (
            "results: {share: 120%}",
            ":2: 'share' in results must be a share from 0.001 to 0.999, such as 0.7 or 70%, not '120%'",
        ),
        ("results: {ttl: soon}", ":2: 'ttl' in results must be a time such as 30s, 10m, 1h or 7d, not 'soon'"),
        (
            "results: {max_bytes: 5 TB}",
            ":2: 'max_bytes' in results must be a size such as 64MB, or a number of bytes, not '5 TB'",
        ),
        ("results: {scope: tenant}", ":2: 'scope' in results must be a list, not 'tenant'"),
        ("results: {reads: -1}", ":2: 'reads' in results must be 0 or more, not -1"),
        ("results: {compact: maybe}", ":2: 'compact' in results must be true or false, not 'maybe'"),
        ("results: {hard_cap: 0}", ":2: 'hard_cap' in results must be 1 or more, not 0"),
        ("results:\n  store: 'folder:'", ":3: 'store' in results cannot be used: A folder for results is folder:PATH"),
        (
            "results:\n  store: ./kept",
            ":3: 'store' in results cannot be used: Results are kept in memory, folder:PATH, sqlite:///",
        ),
        ("results:\n  store: redis://h:port/0", ":3: 'store' in results cannot be used: "),
        ("context: 5", ":2: 'context' must be on, off or a mapping of keys (keep, at_tokens, exclude, summary), not 5"),
        ("context: {keep: -1}", ":2: 'keep' in context must be 0 or more, not -1"),
        ("context: {at_tokens: 0}", ":2: 'at_tokens' in context must be 1 or more, not 0"),
        ("context: {sumary: {}}", ":2: unknown key 'sumary' in context; did you mean 'summary'?"),
        ("prefix: {volatile: front}", ":2: 'volatile' in prefix must be 'warn' or 'behind', not 'front'"),
        ("prefix: off", ":2: 'prefix' must be a mapping of keys (breakpoints, volatile), not false"),
        (
            "retrieved: {order: worst}",
            ":2: 'order' in retrieved must be 'ends', 'best_first' or 'as_given', not 'worst'",
        ),
        ("retrieved: {max_tokens: -1}", ":2: 'max_tokens' in retrieved must be 1 or more, not -1"),
    ],
)
def test_a_problem_names_the_line_the_key_and_the_way_out(text: str, message: str) -> None:
    with pytest.raises(BudgetFileError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"<budget>{message}")


@pytest.mark.parametrize("store", ["ftp://user:hunter2@host", "[hunter2]", "redis://user:hunter2@host:port/0"])
def test_a_store_that_cannot_be_read_is_refused_without_showing_it(store: str) -> None:
    with pytest.raises(BudgetFileError, match="'store' ") as caught:
        parse(f"results:\n  store: {store}")
    assert "hunter2" not in str(caught.value)


def test_the_address_of_results_is_shown_nowhere() -> None:
    assert "hunter2" not in repr(parse("results:\n  store: redis://user:hunter2@host:6379/0"))


def test_the_environment_overrides_it() -> None:
    budget = parse_budget("agent: a", environ={"LEANLOOP__RESULTS__MAX_TOKENS": "300", "LEANLOOP_A__CONTEXT": "on"})
    assert budget.results == ResultRules(max_tokens=300)
    assert budget.context == ContextRules()
