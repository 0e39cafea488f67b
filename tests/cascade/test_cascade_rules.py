"""What a budget file may say of a cascade, and what contradicts itself."""

from __future__ import annotations

import pytest

from leanloop import BudgetFileError, Message, ModelCall, ModelReply, parse_budget
from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.plugins.cascade.gates.answer_form import answer_form

FORMS = ('{"n": 0.75}', '{"n": 0.4}', '{"n": 0.8}', "none")


def answer(text: str) -> ModelReply:
    return ModelReply(Message("assistant", text))


def rules(text: str) -> CascadeRules | None:
    budget = parse_budget(f"agent: a\nroutes: {{cheap: x, frontier: y, cascade: {text}}}\n", environ={})
    assert budget.routes is not None
    return budget.routes.cascade


def test_on_is_the_gates_that_cost_nothing() -> None:
    on = rules("on")
    assert on is not None
    assert on.gates == ("tool_calls", "refusal", "format")
    assert rules("off") is None


def test_a_form_is_an_expression_or_a_schema_of_any_draft() -> None:
    by_schema = rules("{answer_form: {type: object, properties: {n: {minimum: 0.5, multipleOf: 0.25}}}}")
    assert by_schema is not None
    said = [answer_form(by_schema.answer_form, ModelCall("m", ()), answer(text)).outcome for text in FORMS]
    assert said == ["passed", "failed", "failed", "failed"]
    by_words = rules("{answer_form: '[A-D]'}")
    assert by_words is not None
    assert answer_form(by_words.answer_form, ModelCall("m", ()), answer("B")).outcome == "passed"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{gates: []}", "must name one gate or more"),
        ("{gates: [refusal, refusal]}", "must name one gate or more, each once"),
        ("{gates: [verifier]}", "names the gate verifier and no model"),
        ("{gates: [refusal], verifier: m}", "names verifier, which the gate verifier is for"),
        ("{gates: [refusal], second: m}", "names second, which the gate agreement is for"),
        ("{gates: [refusal], answer_form: x}", "names answer_form, which the gate format is for"),
        ("{answer_form: '('}", "an answer_form that cannot be read: missing"),
        ("{answer_form: {type: strin}}", "no JSON schema: type is wrong"),
        ("{answer_form: {$schema: 'http://json-schema.org/draft-07/schema#', required: 5}}", "required is wrong"),
        ("{gates: [agreement], samples: 1}", "2 or more"),
        ("{trial: 5_000}", "500"),
    ],
)
def test_what_contradicts_itself_is_refused(text: str, why: str) -> None:
    with pytest.raises(BudgetFileError, match=why):
        rules(text)
