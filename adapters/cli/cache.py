"""``leanloop cache``: what a cache of answers holds, how far it may be trusted, and changing it by hand."""

from __future__ import annotations

import typer

from leanloop.adapters.cli.cache_forget import forget
from leanloop.adapters.cli.cache_move import export, import_
from leanloop.adapters.cli.cache_show import show
from leanloop.adapters.cli.cache_stats import stats
from leanloop.adapters.cli.cache_tune import tune

__all__ = ["cache"]

cache = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look into a cache of answers: what it holds and how often it was wrong; tune, forget, export, import.",
)
cache.command()(stats)
cache.command()(show)
cache.command()(tune)
cache.command()(forget)
cache.command()(export)
cache.command("import")(import_)
