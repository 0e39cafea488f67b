"""What a budget file says under ``difficulty``: how it is learned which calls need a dearer model, or more thinking."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from leanloop.budgets.address_field import readable
from leanloop.budgets.fields import FROZEN, Flag, Name, Share
from leanloop.budgets.stores import LEDGER_FORMS, check_address

__all__ = ["DifficultyRules"]


def _share_or_off(value: object) -> object:
    """``off`` is a boolean in YAML."""
    return None if value is False else value


class DifficultyRules(BaseModel):
    """What is learned of calls, and where it is kept."""

    model_config = FROZEN

    store: Annotated[str, BeforeValidator(readable(check_address, LEDGER_FORMS))] | None = Field(
        default=None, repr=False
    )
    """Where outcomes are kept: memory, sqlite:///FILE, redis://HOST:PORT/NUMBER; by default where spending is kept."""

    explore: Annotated[Share | None, BeforeValidator(_share_or_off, json_schema_input_type=Share | Literal[False])] = (
        0.05
    )
    """Of tasks whose calls too little is known about, the share in which these are made the other way, so that more is;
    ``off`` is none."""

    families: Flag = True
    """Whether calls without a declared step are told apart by what their text is like."""

    segments: Annotated[tuple[Name, ...], Field(max_length=16)] = ()
    """Tags whose values are kept with what is decided, for reports by segment: beside ``tenant``, and those that limits
    and an experiment name. Others are not kept, since they may be personal."""
