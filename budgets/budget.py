"""The budget of one agent: what its file says, checked, with the defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, Field, PrivateAttr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from leanloop.budgets.address_field import readable
from leanloop.budgets.answer_rules import KnownAnswer
from leanloop.budgets.cache_rules import CacheRules, cache_or_switch
from leanloop.budgets.context_rules import ContextRules, PrefixRules, RetrievedRules, context_or_switch
from leanloop.budgets.degrade_step import DegradeStep
from leanloop.budgets.difficulty_rules import DifficultyRules
from leanloop.budgets.event_rules import EventRules, events_or_file
from leanloop.budgets.experiment_rules import ExperimentRules
from leanloop.budgets.fields import FROZEN, Count, Label, Name, Positive, Several, Share
from leanloop.budgets.limit import Limit
from leanloop.budgets.origin import Origin
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.budgets.result_rules import ResultRules, results_or_switch
from leanloop.budgets.route_rules import RouteRules
from leanloop.budgets.scaffold_rules import ScaffoldRules, scaffold_or_switch
from leanloop.budgets.stores import LEDGER_FORMS, check_address
from leanloop.budgets.thinking_rules import ThinkingRules, thinking_or_switch
from leanloop.budgets.zone import TimeZone

__all__ = [
    "DEFAULT_LIMITS",
    "Budget",
    "Landing",
    "Loop",
]

DEFAULT_LIMITS = (Limit(per="task", cycles=25),)
"""What holds where a budget names no limits."""


class Landing(BaseModel):
    """How a task that ran out ends: with one last answer, from what it has."""

    model_config = FROZEN

    tokens: Count = 2_000
    """Output tokens kept back for the last answer from the start of the task; 0 ends without asking the model."""


class Loop(BaseModel):
    """When a task counts as going round in circles."""

    model_config = FROZEN

    repeats: Several = 3
    """How many equal steps (same call, same result) make a loop; 2 or more."""

    window: Several = 8
    """Among how many of the latest steps they are looked for; at least ``repeats``."""

    allow: tuple[Label, ...] = ()
    """Tools that may repeat themselves, such as one that waits for a job."""

    @model_validator(mode="after")
    def _window_holds_repeats(self) -> Loop:
        if self.window < self.repeats:
            context = {"repeats": self.repeats, "window": self.window}
            raise PydanticCustomError(
                "window", "has a window of {window} steps, too few for {repeats} repeats", context
            )
        return self


def _loop_or_switch(value: object) -> object:
    """``loop: off`` is no guard, ``loop: on`` the guard with its defaults."""
    if isinstance(value, bool):
        return Loop() if value else None
    return value


def _one_or_several(value: object) -> object:
    """One step may stand without a list around it."""
    return (cast("object", value),) if isinstance(value, Mapping | DegradeStep) else value


class Budget(BaseModel):
    """What one agent may spend and how it ends when that is gone.

    Built by ``load_budget`` from a file or by hand; by hand, a wrong value raises pydantic's ``ValidationError``.
    """

    model_config = FROZEN

    agent: Name
    """The agent's name: letters, digits, '-', '_' and '.', at most 64."""

    limits: tuple[Limit, ...] = DEFAULT_LIMITS
    """All of them hold at once; 25 cycles per task where none are given."""

    at_limit: Literal["land", "raise"] = "land"
    """What happens when a limit is reached: land with a last answer, or raise BudgetExceeded."""

    timezone: TimeZone = "UTC"
    """The time zone whose minutes, hours, days, weeks and months the limits are about, such as Europe/Berlin."""

    landing: Landing = Landing()
    """The last answer."""

    loop: Annotated[Loop | None, BeforeValidator(_loop_or_switch, json_schema_input_type=Loop | bool)] = Loop()
    """The loop guard, or off."""

    store: Annotated[str, BeforeValidator(readable(check_address, LEDGER_FORMS))] = Field(default="memory", repr=False)
    """Where spending is kept: memory (lasts as long as the process), sqlite:///FILE, or redis://HOST:PORT/NUMBER."""

    on_store_error: Literal["refuse", "allow"] = "refuse"
    """Whether calls are refused or allowed while the store cannot be reached."""

    prices: Mapping[Label, ModelPriceEntry] = Field(default_factory=dict[str, ModelPriceEntry])
    """Prices by model name, before those of genai-prices."""

    unknown_model: Literal["refuse", "free", "most_expensive"] = "refuse"
    """What a model without a known price costs: its calls are refused, cost nothing, or as much as the dearest."""

    max_output: Positive | None = None
    """The most output tokens one call may ask for."""

    notify: tuple[Share, ...] = (0.7, 0.9)
    """At which shares of a limit the model is told what it has left; an empty list is never."""

    warn: tuple[Share, ...] = (0.8, 0.95)
    """At which shares of a limit the people are told, by the log and the alert hook; an empty list is never."""

    degrade: Annotated[
        tuple[DegradeStep, ...],
        BeforeValidator(_one_or_several, json_schema_input_type=DegradeStep | tuple[DegradeStep, ...]),
    ] = ()
    """From which shares on the calls of a task go to a cheaper model or ask for less effort: a step, or a list."""

    results: Annotated[
        ResultRules | None,
        BeforeValidator(results_or_switch, json_schema_input_type=ResultRules | Positive | bool),
    ] = ResultRules()
    """How tool results are shortened when they arrive; or off, or just the most tokens of one."""

    context: Annotated[
        ContextRules | None, BeforeValidator(context_or_switch, json_schema_input_type=ContextRules | bool)
    ] = None
    """When old tool results are cleared from what is sent; off where not named."""

    prefix: PrefixRules = PrefixRules()
    """Breakpoints for the provider's prefix cache, and what becomes of text that breaks it."""

    retrieved: RetrievedRules = RetrievedRules()
    """How many retrieved nodes or documents a model is shown, and in which order."""

    cache: Annotated[CacheRules | None, BeforeValidator(cache_or_switch, json_schema_input_type=CacheRules | bool)] = (
        None
    )
    """Which answers may be given again instead of asking anew; none where not named."""

    answers: tuple[KnownAnswer, ...] = ()
    """What is known before any model is asked."""

    difficulty: DifficultyRules = DifficultyRules()
    """How it is learned which calls need the dearer model, or more thinking."""

    thinking: Annotated[
        ThinkingRules | None, BeforeValidator(thinking_or_switch, json_schema_input_type=ThinkingRules | bool)
    ] = None
    """Which calls are given more reasoning; left to the user's model where not named."""

    routes: RouteRules | None = None
    """Tiers of models, and when a call goes to which; all go to the agent's own where not named."""

    scaffold: Annotated[
        ScaffoldRules | None, BeforeValidator(scaffold_or_switch, json_schema_input_type=ScaffoldRules | bool)
    ] = None
    """Cognitive tools for models that do not reason by themselves; off where not named."""

    experiment: ExperimentRules | None = None
    """One of these keys (thinking, routes, scaffold, cache), which only a part of the tasks runs with, to see whether
    it pays."""

    events: Annotated[
        EventRules | None, BeforeValidator(events_or_file, json_schema_input_type=EventRules | str | Literal[False])
    ] = None
    """Where it is told what happens while tasks run: a file, the log, OpenTelemetry; nowhere where not named."""

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @field_validator("limits")
    @classmethod
    def _each_resource_once(cls, limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
        seen: dict[tuple[str, bool, str | None, str], int] = {}
        for number, limit in enumerate(limits, start=1):
            for resource in (*limit.amounts(), *(["value"] if limit.value is not None else [])):
                first = seen.setdefault((limit.per, limit.rolling, limit.scope, resource), number)
                if first != number:
                    raise PydanticCustomError(
                        "same_limit_twice",
                        "item {item} names {resource} per {per}, as item {first} does for the same scope; keep one",
                        {"item": number, "resource": resource, "per": limit.per, "first": first},
                    )
        return limits

    @field_validator("notify", "warn")
    @classmethod
    def _in_order(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(set(shares)))

    @field_validator("degrade")
    @classmethod
    def _each_later(cls, steps: tuple[DegradeStep, ...]) -> tuple[DegradeStep, ...]:
        for number, (step, later) in enumerate(pairwise(steps), start=2):
            if later.at <= step.at:
                context = {"item": number, "at": f"{later.at:.4g}", "before": f"{step.at:.4g}"}
                raise PydanticCustomError(
                    "degrade_order", "item {item} begins at {at}, not above {before} of the one before it", context
                )
        return steps

    @model_validator(mode="after")
    def _tries_what_is_there(self) -> Budget:
        if self.experiment is not None and getattr(self, self.experiment.of) is None:
            raise PydanticCustomError(
                "nothing_to_try",
                "{key} tries {of}, which the file does not name; add {of}, or name another key under of",
                {"key": "experiment", "of": self.experiment.of},
            )
        return self

    def written_at(self, origin: Origin) -> Budget:
        """This budget, with where it was written."""
        budget = self.model_copy()
        budget._origin = origin  # noqa: SLF001 the copy is of this very class
        return budget

    @property
    def origin(self) -> Origin:
        """Where it was written."""
        return self._origin

    @property
    def value(self) -> Decimal | None:
        """What one task is worth, in US dollars, where a limit says so."""
        return next((limit.value for limit in self.limits if limit.value is not None), None)

    def with_limits(self, *limits: Limit) -> Budget:
        """This budget for one run, with ``limits`` laid over its own.

        A limit replaces what it names, resource by resource, in the limits of the same window and scope; what it
        does not name stays, and a new window or scope is added.
        """
        merged = list(self.limits)
        for limit in limits:
            alike = [n for n, own in enumerate(merged) if own.alike(limit)]
            if not alike:
                merged.append(limit)
                continue
            # One limit per window and scope, so that a resource is never left standing in a second one.
            whole = merged[alike[0]]
            for n in alike[1:]:
                whole = whole.replaced_by(merged[n])
            merged[alike[0]] = whole.replaced_by(limit)
            merged = [own for n, own in enumerate(merged) if n not in alike[1:]]
        return self.model_copy(update={"limits": tuple(merged)}).written_at(self._origin.without("limits"))
