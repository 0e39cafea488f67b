"""What a chat model can be asked, whatever its integration calls it."""

from __future__ import annotations

from dataclasses import replace

from langchain_core.language_models import BaseChatModel

from leanloop.adapters.langchain.dialect import Settings, mapping
from leanloop.adapters.langchain.dialects import dialect_of, given_to
from leanloop.adapters.langchain.provider import provider_of, unbound
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.plugins.abilities import Abilities

__all__ = ["abilities_of", "known_of"]


def abilities_of(own: object, settings: Settings, *, tools: bool = False, forced: bool = False) -> Abilities:
    """What a chat model, or a binding of one, can do in a call with these call-time parameters.

    Args:
        own: the model.
        settings: the call-time parameters.
        tools: the call offers tools.
        forced: it must call one of them.
    """
    model = unbound(own)
    profile = mapping(getattr(model, "profile", None))
    told = Abilities(
        provider=provider_of(model).prices,
        context=_count(profile.get("max_input_tokens")),
        tools=_flag(profile.get("tool_calling")),
        images=_flag(profile.get("image_inputs")),
        reasons=_flag(profile.get("reasoning_output")),
        output=_count(profile.get("max_output_tokens")),
    )
    dialect = None if model is None else dialect_of(type(model))
    if dialect is None:
        return told
    given = given_to(own, settings)
    known = dialect.known(model, given, tools=tools)
    if known is None:
        return told
    current = dialect.current(model, given, known)
    can = (known.forced() if forced else known).abilities(told.provider, context=told.context, tools=told.tools)
    reasons = None if current is None else current != "none"
    return replace(can, default=current, images=told.images, output=told.output, reasons=reasons)


def known_of(model: BaseChatModel) -> Reasoning | None:
    """How a chat model reasons, as it stands; None where it knows no effort."""
    dialect = dialect_of(type(model))
    return None if dialect is None else dialect.known(model, {}, tools=False)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
