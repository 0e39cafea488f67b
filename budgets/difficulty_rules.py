"""What a budget file says under ``difficulty``: how it is learned which calls need a dearer model, or more thinking."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from leanloop.budgets.address_field import readable
from leanloop.budgets.fields import FROZEN, Flag, Share
from leanloop.budgets.stores import LEDGER_FORMS, check_address

__all__ = ["DifficultyRules"]


class DifficultyRules(BaseModel):
    """How it is learned which calls need the dearer model, or more thinking."""

    model_config = FROZEN

    store: Annotated[str, BeforeValidator(readable(check_address, LEDGER_FORMS))] | None = Field(
        default=None, repr=False
    )
    """Where outcomes are kept: memory, sqlite:///FILE, redis://HOST:PORT/NUMBER; by default where spending is kept."""

    explore: Share | None = 0.05
    """Of calls about which too little is known, the share that is made the other way, so that more is; null is none."""

    families: Flag = True
    """Whether calls without a declared step are told apart by what their text is like."""
