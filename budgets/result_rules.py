"""What a budget file says under ``results``: how long a tool result may be, and where the rest of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from leanloop.budgets.address_field import readable
from leanloop.budgets.fields import FROZEN, Bytes, Count, Duration, Flag, Label, Name, Positive, Share
from leanloop.budgets.result_address import RESULT_FORMS, check_result_address

__all__ = ["Kind", "ResultRules", "ToolResultRules"]

Kind = Literal["json", "log", "table", "search", "html", "diff", "code", "prose", "binary"]
"""What a tool result is, for how it is shortened."""


class ToolResultRules(BaseModel):
    """How the results of one tool are shortened."""

    model_config = FROZEN

    max_tokens: Positive | None = None
    """The most tokens of one result; that of all results where not given."""

    kind: Kind | None = None
    """What its results are; found from the content where not given."""


def _limit_or_rules(value: object) -> object:
    """``search: 800`` is a limit, ``search: off`` leaves the tool's results alone."""
    if value is False:
        return None
    return {"max_tokens": value} if isinstance(value, int) and not isinstance(value, bool) else value


class ResultRules(BaseModel):
    """How tool results are shortened when they arrive, and where they are kept whole."""

    model_config = FROZEN

    max_tokens: Positive = 4_000
    """The most tokens of one result."""

    batch: Positive = 16_000
    """The most tokens of all results of one step together."""

    share: Share = 0.25
    """The most that one result may take of the tokens the task has left."""

    tools: Mapping[
        Label,
        Annotated[
            ToolResultRules | None,
            BeforeValidator(_limit_or_rules, json_schema_input_type=ToolResultRules | Positive | bool),
        ],
    ] = Field(default_factory=dict[str, ToolResultRules | None])
    """By tool: the most tokens, or ``max_tokens`` and ``kind``; ``off`` never shortens."""

    compact: Flag = True
    """Whether JSON on one line is written without loss in fewer tokens, however short it is. JSON that is laid out on
    several lines is left as it is within its limit: it may be a file that an agent edits by its exact text."""

    read_tokens: Positive = 2_000
    """The most tokens that one call of ``read_result`` gives back."""

    reads: Count = 20
    """How often one task may call ``read_result``."""

    store: Annotated[str, BeforeValidator(readable(check_result_address, RESULT_FORMS))] | None = Field(
        default=None, repr=False
    )
    """Where whole results are kept: memory, folder:PATH, sqlite:///FILE, redis://HOST:PORT/NUMBER; by default where
    spending is kept."""

    ttl: Duration = 86_400.0
    """How long a result is kept."""

    max_bytes: Bytes = 256 * 1000**2
    """How much is kept in all, in this store; the oldest results make room."""

    scope: tuple[Name, ...] = ("tenant", "user")
    """Tags whose values must be the same for a result to be read back; a tag that is absent counts as a value."""

    hard_cap: Positive = 32_000
    """The most tokens of a result that could not be kept, which is shown whole up to here."""


def results_or_switch(value: object) -> object:
    """``results: off`` shortens nothing, ``results: on`` is the defaults."""
    if isinstance(value, bool):
        return ResultRules() if value else None
    return {"max_tokens": value} if isinstance(value, int) else value
