"""What a budget file may say of a cascade, and what contradicts itself."""

from __future__ import annotations

import pytest

from leanloop import BudgetFileError, parse_budget
from leanloop.budgets.route_rules import CascadeRules


def rules(text: str) -> CascadeRules | None:
    budget = parse_budget(f"agent: a\nroutes: {{cheap: x, frontier: y, cascade: {text}}}\n", environ={})
    assert budget.routes is not None
    return budget.routes.cascade


def test_on_is_the_gates_that_cost_nothing() -> None:
    on = rules("on")
    assert on is not None
    assert on.gates == ("tool_calls", "refusal", "format")
    assert rules("off") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{gates: []}", "gates must name one gate or more"),
        ("{gates: [refusal, refusal]}", "gates must name one gate or more, each once"),
        ("{gates: [verifier]}", "names the gate verifier and no model"),
        ("{gates: [refusal], verifier: m}", "names verifier, which the gate verifier is for"),
        ("{gates: [refusal], second: m}", "names second, which the gate agreement is for"),
        ("{gates: [refusal], answer_form: x}", "names answer_form, which the gate format is for"),
        ("{gates: [agreement], samples: 1}", "2 or more"),
        ("{trial: 5_000}", "500"),
    ],
)
def test_what_contradicts_itself_is_refused(text: str, why: str) -> None:
    with pytest.raises(BudgetFileError, match=why):
        rules(text)
