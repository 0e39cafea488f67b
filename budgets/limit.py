"""One limit: amounts that hold together over one window, for one scope."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import BaseModel, Discriminator, Tag, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from leanloop.budgets.fields import FROZEN, Count, Flag, Label, Name, Seconds, Usd
from leanloop.budgets.money import to_nano

__all__ = ["RESOURCES", "TOTAL", "Limit", "Window"]

Window = Literal["task", "minute", "hour", "day", "week", "month"]

TOTAL = "total"
"""The key of ``tool_calls`` that means all tools together."""

RESOURCES = ("tokens", "input_tokens", "output_tokens", "usd", "model_calls", "cycles", "tool_calls", "seconds")
"""What can be limited, in the order it is shown."""


def _shape(value: object) -> str:
    return "by_name" if isinstance(value, Mapping) else "all"


class Limit(BaseModel):
    """Amounts that may not be exceeded in one window. Zero is an amount: nothing of it may be spent.

    A wrong value raises pydantic's ``ValidationError``; a budget file turns it into ``BudgetFileError``.
    """

    model_config = FROZEN

    per: Window = "task"
    """The window: one task, or a minute, hour, day, week or month of the calendar (in the budget's time zone)."""

    rolling: Flag = False
    """Whether the window is the minute, hour, day, week or 30 days up to now, instead of the calendar's."""

    scope: Name | None = None
    """Whose spending counts together: agent (the default), global, or the name of a tag of the task, such as user.
    A limit per task has none."""

    tokens: Count | None = None
    """Input and output tokens together."""

    input_tokens: Count | None = None
    """Tokens sent, cached ones included."""

    output_tokens: Count | None = None
    """Tokens written by the model, reasoning included."""

    usd: Usd | None = None
    """US dollars, at most nine decimals."""

    model_calls: Count | None = None
    """Calls of the model, retries included."""

    cycles: Count | None = None
    """Cycles (one model call and the tool calls it asked for); per task only."""

    tool_calls: (
        Annotated[
            Annotated[Count, Tag("all")] | Annotated[Mapping[Label, Count], Tag("by_name")],
            Discriminator(_shape),
        ]
        | None
    ) = None
    """Calls of all tools together (20), or by name ({search: 8}); {search: 8, total: 20} is both."""

    seconds: Seconds | None = None
    """Seconds from the task's start, at most three decimals; per task only."""

    value: Usd | None = None
    """What one task is worth, in US dollars. It limits nothing; receipt and history show spending beside it."""

    if TYPE_CHECKING:
        # What may be passed is wider than what is kept: money and seconds become exact decimals.
        def __init__(
            self,
            *,
            per: Window = "task",
            rolling: bool = False,
            scope: str | None = None,
            tokens: int | None = None,
            input_tokens: int | None = None,
            output_tokens: int | None = None,
            usd: Decimal | float | None = None,
            model_calls: int | None = None,
            cycles: int | None = None,
            tool_calls: int | Mapping[str, int] | None = None,
            seconds: Decimal | float | None = None,
            value: Decimal | float | None = None,
        ) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _default_scope(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        given = cast("Mapping[str, object]", data)
        needs_one = given.get("per", "task") != "task" and given.get("scope") is None
        return {**given, "scope": "agent"} if needs_one else given

    @field_validator("scope")
    @classmethod
    def _scope_fits(cls, scope: str | None, info: ValidationInfo) -> str | None:
        if scope == "task":
            raise PydanticCustomError("scope", "must not be 'task'; write per: task for a limit of one task")
        if scope is not None and info.data.get("per") == "task":
            raise PydanticCustomError("scope", "belongs to a window such as per: day; a limit per task has no scope")
        return scope

    @field_validator("rolling")
    @classmethod
    def _rolls(cls, rolling: bool, info: ValidationInfo) -> bool:
        if rolling and info.data.get("per") == "task":
            raise PydanticCustomError(
                "rolling", "belongs to a window such as per: day; a task has none that could roll"
            )
        return rolling

    @field_validator("value")
    @classmethod
    def _worth_of_a_task(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if value is not None and info.data.get("per", "task") != "task":
            raise PydanticCustomError("per_task", "is what one task is worth; put it into a limit per task")
        return value

    @field_validator("cycles", "seconds")
    @classmethod
    def _only_per_task(cls, amount: int | Decimal | None, info: ValidationInfo) -> int | Decimal | None:
        if amount is not None and info.data.get("per", "task") != "task":
            raise PydanticCustomError(
                "per_task", "can be limited per task only, not per {per}", {"per": info.data["per"]}
            )
        return amount

    @model_validator(mode="after")
    def _limits_something(self) -> Limit:
        if not self.amounts():
            raise PydanticCustomError(
                "no_amount", "limits nothing; name an amount: {resources}", {"resources": ", ".join(RESOURCES)}
            )
        return self

    def amounts(self) -> dict[str, int]:
        """What is limited, each in the ledger's own unit.

        usd is in nano-dollars and seconds in milliseconds; calls of the tool ``search`` are ``tool_calls:search``,
        those of all tools ``tool_calls``.
        """
        amounts: dict[str, int] = {}
        for resource in RESOURCES:
            if resource == "tool_calls":
                for tool, count in self.tool_calls_by_name().items():
                    amounts["tool_calls" if tool == TOTAL else f"tool_calls:{tool}"] = count
            elif resource == "usd":
                if self.usd is not None:
                    amounts["usd"] = to_nano(self.usd)
            elif resource == "seconds":
                if self.seconds is not None:
                    amounts["seconds"] = int(Fraction(self.seconds) * 1000)
            elif (amount := getattr(self, resource)) is not None:
                amounts[resource] = amount
        return amounts

    def tool_calls_by_name(self) -> dict[str, int]:
        """``tool_calls`` in its long form: tool to count, with ``total`` for all tools together."""
        if self.tool_calls is None:
            return {}
        return {TOTAL: self.tool_calls} if isinstance(self.tool_calls, int) else dict(self.tool_calls)

    def alike(self, other: Limit) -> bool:
        """Whether both are kept in the same accounts: same window, same scope."""
        return (self.per, self.rolling, self.scope) == (other.per, other.rolling, other.scope)

    def replaced_by(self, other: Limit) -> Limit:
        """This limit with the amounts, and the value, ``other`` names in place of its own. Window and scope stay."""
        update: dict[str, object] = {
            name: amount
            for name in (*RESOURCES, "value")
            if (amount := getattr(other, name)) is not None and name != "tool_calls"
        }
        if other.tool_calls is not None:
            update["tool_calls"] = self.tool_calls_by_name() | other.tool_calls_by_name()
        return self.model_copy(update=update)
