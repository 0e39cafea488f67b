"""What a budget says of known answers, thinking and routes, in words, and what of it makes no sense."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.adapters.cli.span import span
from leanloop.budgets.answer_rules import KnownAnswer
from leanloop.budgets.budget import Budget
from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.budgets.money import format_usd, to_nano
from leanloop.budgets.price_book import price_book
from leanloop.budgets.route_rules import TIERS, RouteRules, Tier
from leanloop.budgets.thinking_rules import ThinkingRules
from leanloop.plugins.answer_book import in_one_spelling
from leanloop.plugins.routing.contradictions import contradictions

__all__ = ["rows_of_choices"]

Rows = list[tuple[str | None, str, str]]

_PHASES = {
    "plan": "the first of a turn",
    "tool": "one that must call a tool",
    "result": "one that reads results",
    "answer": "one that may call no tool",
}


def rows_of_choices(budget: Budget) -> Rows:
    """Key of the file, what it is about, what holds."""
    rows = _of_answers(budget.answers) if budget.answers else []
    if budget.thinking is not None:
        rows += _of_thinking(budget.thinking)
    if budget.routes is not None:
        rows += _of_routes(budget.routes)
        rows += [("routes", "but", said) for said in contradictions(budget.routes, price_book(budget))]
    return rows


def _of_answers(answers: Sequence[KnownAnswer]) -> Rows:
    asked = [in_one_spelling(answer.ask) for answer in answers if answer.ask is not None]
    patterns = sum(answer.match is not None for answer in answers)
    functions = list(dict.fromkeys(answer.function for answer in answers if answer.function is not None))
    parts = [f"{len(asked):,} question{'s' * (len(asked) != 1)}"] * bool(asked)
    parts += [f"{patterns:,} expression{'s' * (patterns != 1)}"] * bool(patterns)
    parts += [f"what {', '.join(functions)} answer{'s' * (len(functions) == 1)}"] * bool(functions)
    rows: Rows = [("answers", "known answers", f"{', '.join(parts)}: given before any model is asked")]
    twice = {question for question in asked if asked.count(question) > 1}
    rows += [("answers", "but", f"{question!r} is answered twice; the first counts") for question in sorted(twice)]
    return rows


def _of_thinking(rules: ThinkingRules) -> Rows:
    unsure = rules.effort if rules.when_unsure == "think" else rules.below
    rows: Rows = [
        (
            "thinking",
            "thinking",
            (
                f"{rules.effort} where more than {_percent(rules.above)} of such calls need it, {rules.below} "
                f"elsewhere; {unsure} where that is not known"
            ),
        )
    ]
    for phase, own in rules.phases.items():
        said = f"always {own}" if isinstance(own, str) else f"from {_percent(own)} on"
        rows.append(("thinking", f"in {_PHASES[phase]}", said))
    return rows


def _of_routes(rules: RouteRules) -> Rows:
    named: list[Tier] = [tier for tier in TIERS if rules.tier(tier)]
    tiers: list[Tier] = named if rules.frontier else [*named, "frontier"]
    rows: Rows = [("routes", tier, _tier(rules, tier, lowest=tier == tiers[0])) for tier in tiers]
    unsure = "the dearer tier" if rules.when_unsure == "dear" else "the cheaper tier"
    rows.append(("routes", "where little is known", f"calls go to {unsure}"))
    worth = (
        "that states its value" if rules.valuable is None else f"worth {format_usd(to_nano(rules.valuable))} or more"
    )
    seen = rules.cascade is not None and rules.cascade.looks_at_content
    past = f"{tiers[0]} only where that is known to do{', or what it answers is checked' * seen}"
    rows.append(("routes", f"a task {worth}", f"goes to {past}"))
    if rules.local_only:
        rows.append(("routes", f"tasks with {' or '.join(rules.local_only)}", _local(rules)))
    rows.append(("routes", "near a limit", f"from {_percent(rules.falls_at)} on calls go one tier down"))
    rows.append(
        (
            "routes",
            "sessions",
            (
                f"stay in their tier, for {span(rules.sticky)} without a call; they rise for what is hard, and fall "
                "where that costs less, the cached prompt counted"
            ),
        )
    )
    slow = f"; so is one that usually takes longer than {span(rules.slow)}" if rules.slow is not None else ""
    rows.append(("routes", "a model that fails", f"is passed over for a while{slow}"))
    if rules.cascade is not None:
        rows.append(("routes", "their answers", _cascade(rules.cascade, tiers)))
    return rows


def _tier(rules: RouteRules, tier: Tier, *, lowest: bool) -> str:
    models = ", then ".join(rules.tier(tier)) or "the agent's own model"
    if lowest:
        return models
    share = _percent(rules.threshold(tier))
    return f"{models}, where it succeeds in more than {share} of such calls and the tier below fails"


def _local(rules: RouteRules) -> str:
    tiered = [model for tier in TIERS for model in rules.tier(tier) if model in rules.local]
    return f"go to {', '.join(tiered or rules.local)} alone, and are refused where none of these can take them"


def _cascade(rules: CascadeRules, tiers: Sequence[Tier]) -> str:
    checks = ", ".join(rules.gates)
    return (
        f"of tiers below {tiers[-1]} are checked ({checks}), and go up where they fail; for as long as that saves more "
        "than it costs"
    )


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"
