"""``leanloop tune routes``: from which chance on that it helps calls should go to the dearer tier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from leanloop.adapters.cli.budget_ledger import JsonOption
from leanloop.adapters.cli.tune_gate import BudgetOption, LabelledArgument, LoseOption
from leanloop.adapters.cli.tune_text import Tuned, labelled_rows, read_most, report
from leanloop.budgets.file import load_budget
from leanloop.budgets.route_rules import TIERS, RouteRules
from leanloop.errors import UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled

__all__ = ["routes"]


def routes(
    labelled: LabelledArgument,
    *,
    budget: BudgetOption,
    lose_at_most: LoseOption = "2%",
    tiers: Annotated[
        str | None, typer.Option(metavar="A,B[,C]", help="Settings, the cheapest first; the file's tiers by default.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find from when on calls are to go to a dearer tier (routes: above), so that at most a share of the score is lost.

    A line of LABELLED is {"id": ..., "setting": "gpt-5-mini", "score": 0 to 1}, with "step", "question" and "cost" in
    usd where known; a question counts where every tier has answered it. leanloop evaluate --out writes it.

    It begins where all calls go to the dearest tier, which loses nothing, and goes down while what is lost is surely
    within the share, at 95 % confidence; without a difference 2 % takes 133 questions. Each question is judged by the
    outcomes of others. Cascades are left out: what they check comes on top. Exits with 1 where nothing but the dearest
    tier holds.
    """
    # Here, because it brings along what a live agent needs.
    from leanloop.plugins.trial.tuning import tuned

    most, loaded = read_most(lose_at_most), load_budget(budget)
    rows = labelled_rows(labelled, loaded.agent)
    named = [name.strip() for name in tiers.split(",")] if tiers is not None else None
    settings = [Setting.read(name) for name in named if name] if named is not None else _settings(rows, loaded.routes)
    if len(settings) < 2:
        raise UsageError("It takes at least two tiers: --tiers CHEAP,DEAR, the cheapest first.")
    wary = loaded.routes is None or loaded.routes.when_unsure == "dear"
    found = tuned(rows, settings, loaded, most=most, wary=wary)
    above = f"{found.above:g}"
    if len(settings) > 2:
        above = f"{{mid: {above}, frontier: {above}}}"
    report(Tuned(found, "routes", f"above: {above}", "with the dearest"), as_json=as_json)


def _settings(rows: Sequence[Labelled], rules: RouteRules | None) -> list[Setting]:
    """For each tier of the file the setting that most rows of the set are of.

    Raises:
        UsageError: the file names no tiers, or the set has no rows of one.
    """
    if rules is None:
        raise UsageError("The file names no routes; name the tiers with --tiers CHEAP,DEAR, the cheapest first.")
    seen = Counter(row.setting for row in rows)
    found: list[Setting] = []
    for tier in TIERS:
        models = rules.tier(tier)
        of_tier = [setting for setting, _ in seen.most_common() if setting.model in models]
        if models and not of_tier:
            has = ", ".join(str(setting) for setting, _ in seen.most_common(8)) or "none"
            raise UsageError(
                f"No row of the set is of the tier {tier} ({', '.join(models)}). Its settings: {has}. Name others with "
                "--tiers, the cheapest first."
            )
        found += of_tier[:1]
    if len(found) == 1:
        raise UsageError(
            f"The file names one tier, {found[0]}. Name that of the agent's own model too: --tiers {found[0]},SETTING."
        )
    return found
