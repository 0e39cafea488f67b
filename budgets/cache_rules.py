"""What a budget file says under ``cache``: which answers may be given again, how often one may be wrong, and where
they are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, Field

from leanloop.budgets.address_field import readable
from leanloop.budgets.fields import FROZEN, Bytes, Duration, Flag, Label, Name, Share
from leanloop.budgets.stores import LEDGER_FORMS, check_address

__all__ = ["CacheRules", "ToolCacheRules", "cache_or_switch"]


def _word_or_switch(value: object) -> object:
    """``on`` and ``off`` are booleans in YAML."""
    return ("on" if value else "off") if isinstance(value, bool) else value


def _rules_or_lifetime(value: object) -> object:
    """``get_weather: 10m`` is a lifetime, ``get_weather: on`` takes that of the cache."""
    if value is True:
        return {}
    return cast("object", value) if isinstance(value, Mapping | ToolCacheRules) else {"ttl": value}


class ToolCacheRules(BaseModel):
    """How the results of a tool are cached: one that only reads, and gives the same for the same arguments."""

    model_config = FROZEN

    ttl: Duration | None = None
    """How long a result may be given again; that of the cache where not given."""

    evicted_by: tuple[Label, ...] = ()
    """Tools that change what this one reads: a call of one of them drops its results."""


class CacheRules(BaseModel):
    """Which answers may be given again instead of asking the model anew."""

    model_config = FROZEN

    max_false_hits: Share = 0.001
    """Of questions that nothing in the cache answers, the share that may be answered from it all the same, at most;
    none is answered by likeness until it is known to keep to this."""

    ttl: Duration = 3_600.0
    """How long an answer may be given again."""

    stale: Duration | None = None
    """For how long after that it still may be, while it is made anew; by default not at all."""

    models: Flag = True
    """Whether answers of models are cached; results of tools are where `tools` names them."""

    semantic: Annotated[
        Literal["shadow", "on", "off"],
        BeforeValidator(_word_or_switch, json_schema_input_type=Literal["shadow", "on", "off"] | bool),
    ] = "shadow"
    """Questions that only mean the same: answered from the cache; only counted (shadow); or not looked for."""

    any_temperature: Flag = False
    """Whether questions in other spelling, or that only mean the same, are answered at a temperature above 0 too."""

    tools: Mapping[
        Label,
        Annotated[
            ToolCacheRules, BeforeValidator(_rules_or_lifetime, json_schema_input_type=ToolCacheRules | Duration)
        ],
    ] = Field(default_factory=dict[str, ToolCacheRules])
    """Tools whose results are cached, each with its lifetime or with ``ttl`` and ``evicted_by``."""

    hints: Flag = False
    """Whether tools that say of themselves that they only read, and for how long that holds (MCP's readOnlyHint and
    ttlMs), are cached too."""

    scope: tuple[Name, ...] = ("tenant", "user")
    """Tags whose values must be the same for an answer to be given again; a tag that is absent counts as a value."""

    sample: Share = 0.01
    """The share of hits beyond the exact ones that are checked against a fresh answer."""

    judge: Label | None = None
    """A cheap model that is asked whether two questions mean the same, before an answer is given again."""

    store: Annotated[str, BeforeValidator(readable(check_address, LEDGER_FORMS))] | None = Field(
        default=None, repr=False
    )
    """Where answers are kept: memory, sqlite:///FILE, redis://HOST:PORT/NUMBER; by default where spending is kept."""

    max_bytes: Bytes = 256 * 1000**2
    """How much is kept in all, in this store; what saves least for its size makes room."""


def cache_or_switch(value: object) -> object:
    """``cache: on`` is the defaults, ``cache: off`` caches nothing."""
    if isinstance(value, bool):
        return CacheRules() if value else None
    return value
