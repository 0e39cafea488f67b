"""What a budget says of cognitive tools, in words."""

from __future__ import annotations

from leanloop.budgets.budget import Budget
from leanloop.budgets.scaffold_rules import ScaffoldRules

__all__ = ["rows_of_scaffold"]

Rows = list[tuple[str | None, str, str]]


def rows_of_scaffold(budget: Budget) -> Rows:
    """Key of the file, what it is about, what holds."""
    rules = budget.scaffold
    if rules is None:
        return []
    if not rules.models:
        return [("scaffold", "cognitive tools", "are offered to no model: name some under models")]
    return [
        ("scaffold", "cognitive tools", _offered(rules)),
        ("scaffold", "a use of one", _used(rules)),
        *[("scaffold", "but", said) for said in _missing(rules)],
    ]


def _offered(rules: ScaffoldRules) -> str:
    hard = "" if rules.above is None else f", where they help in more than {rules.above * 100:.4g} % of such calls"
    native = ", not where it reasons natively" if rules.not_with_thinking else ""
    forms = {"tools": ", as tools", "text": ", by a protocol in the text", None: ""}
    return f"{', '.join(rules.tools)}: offered to {', '.join(rules.models)}{hard}{native}{forms[rules.form]}"


def _used(rules: ScaffoldRules) -> str:
    return (
        f"is a call of its own, of at most {rules.max_tokens:,} output tokens; {rules.per_step:,} between two steps, "
        f"{rules.per_task:,} in a task"
    )


def _missing(rules: ScaffoldRules) -> list[str]:
    # Here, because they bring along what a live agent needs.
    from leanloop.plugins.scaffold.catalogue import all_tools
    from leanloop.plugins.scaffold.use_code import USE_CODE

    known = all_tools()
    said: list[str] = []
    for name in rules.tools:
        if name == USE_CODE.name:
            said.append(f"{name} needs an executor: LeanLoop(run_code=...)")
        elif name not in known:
            said.append(f"{name} comes from no installed package; give it: LeanLoop(cognitive_tools=[...])")
    return said
