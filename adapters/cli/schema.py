"""``leanloop schema``: the JSON Schema of a budget file."""

from __future__ import annotations

import json

import typer

from leanloop.budgets.schema import budget_schema

__all__ = ["schema"]


def schema() -> None:
    """Print the JSON Schema of a budget file, for editors.

    Save it and begin a budget file with the line
    # yaml-language-server: $schema=budget.schema.json
    """
    typer.echo(json.dumps(budget_schema(), indent=2))
