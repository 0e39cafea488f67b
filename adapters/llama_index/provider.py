"""How LlamaIndex's integrations are spoken to: the model's name, its output cap, a forbidden tool, its reasoning.

What a class really reads differs: a parameter of the call, or an attribute that beats it. So a change is noted in a
`Sent`, which sends it with a twin of the model where an attribute must change; the model itself is left alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, cast

from llama_index.core.base.llms.types import ChatMessage

from leanloop.adapters.llama_index.sent import Sent, extras_of, mapping
from leanloop.adapters.llama_index.thinking import Wanted
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.errors import ModelUnavailable

__all__ = ["CAPS", "Provider", "count"]

CAPS: tuple[str, ...] = ("max_completion_tokens", "max_tokens", "max_output_tokens", "max_new_tokens", "num_predict")
"""What integrations call the output cap."""

_CAPS = frozenset(CAPS)


class Provider:
    """An integration about which nothing is known but what most have in common.

    A cap goes where the class has a field for it, and is a parameter of the call where it has none. Tools are
    forbidden by taking them out. Of its reasoning nothing is known, and a client may be tied to its model.

    Args:
        prices: the provider's id in genai-prices, None to look in all.
        renames: whether each call takes the model's name from the field `model`.

    Attributes:
        streaming: parameters that make a stream report its usage.
        text_arguments: whether the class reads the arguments of a tool call as JSON text only.
        learns: fields that the class fills in by itself, with what its server says.
    """

    streaming: ClassVar[Mapping[str, object]] = {}
    text_arguments: ClassVar[bool] = False
    learns: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, prices: str | None = None, *, renames: bool = True) -> None:
        self.prices = prices
        self._renames = renames

    def rename(self, sent: Sent, model: str) -> None:
        """Send the call to another model of the integration.

        Raises:
            ModelUnavailable: a call of this class does not take the model's name from a field.
        """
        if not self._renames:
            raise ModelUnavailable(
                model,
                f"give it to leanloop, as models={{{model!r}: ...}}, for calls of {type(sent.llm).__name__} cannot be "
                "sent to another model.",
            )
        sent.attributes["model"] = model

    def output_cap(self, llm: object, kwargs: Mapping[str, object]) -> int | None:
        """The output cap the call carries; None where nobody chose one."""
        for given in (kwargs, extras_of(llm)):
            for name in CAPS if given else ():
                if count(given.get(name)):
                    return cast("int", given[name])
        values = (getattr(llm, name) for name in _cap_fields(cast("Hashable", type(llm))))
        return next((value for value in values if count(value)), None)

    def cap(self, sent: Sent, cap: int) -> None:
        """Cap the output, in tokens."""
        fields = _cap_fields(cast("Hashable", type(sent.llm)))
        sent.attributes |= dict.fromkeys(fields[:1], cap)
        for name in [name for name in CAPS if name in sent.kwargs] or ([] if fields else ["max_tokens"]):
            sent.kwargs[name] = cap
        extras = sent.extras
        if not _CAPS.isdisjoint(extras):
            sent.attributes["additional_kwargs"] = {k: cap if k in CAPS else v for k, v in extras.items()}

    def forbid_tools(self, sent: Sent) -> None:
        """Let the model call no tool."""
        for name in ("tools", "tool_choice"):
            sent.kwargs.pop(name, None)

    def mark(self, sent: Sent, messages: Sequence[ChatMessage], marks: Sequence[int]) -> Sequence[ChatMessage]:
        """The messages with breakpoints for the provider's cache behind the places `marks`, where it wants them."""
        return messages

    def reasoning(self, sent: Sent, *, tools: bool = False) -> Reasoning | None:
        """How the model of a call reasons, as far as this class can ask for it; `tools` are offered in the call."""
        return None

    def says(self, sent: Sent, known: Reasoning) -> object:
        """The effort that a call asks for by itself; anything that is no effort where it asks for none."""
        return None

    def think(self, sent: Sent, wanted: Wanted) -> None:
        """Ask for the reasoning that is wanted, where the model knows how and the provider will not refuse it."""

    def with_thoughts(self, sent: Sent, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        """The messages without what was thought in them where the provider would refuse that."""
        return messages

    def signed(self, sent: Sent, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        """The messages of a turn in which tools were called, with what the provider wants signed."""
        return messages

    def limits(self, sent: Sent) -> tuple[int | None, bool | None]:
        """How many tokens of input the model takes, and whether it can call tools; None where that is not known."""
        kind, held = type(sent.llm), {**vars(sent.llm), **sent.attributes}
        if not kind.__module__.startswith("llama_index.llms.") or "model" not in held:
            return _limits(sent.target())
        key = (kind.__module__, kind.__qualname__, *(held.get(name) for name in _SAYS_LIMITS))
        found = _known_limits.get(key)
        if found is None:
            if len(_known_limits) >= _MOST_KNOWN:
                _known_limits.clear()
            found = _known_limits[key] = _limits(sent.target())
        return found

    def thinking_tokens(self, llm: object, kwargs: Mapping[str, object]) -> int:
        """The tokens of thinking that the output cap must exceed, zero where that is no rule."""
        return 0

    def held_apart(self, llm: object) -> Mapping[str, object]:
        """Settings that the class sends and keeps outside of its fields, for the key of the cache.

        Raises:
            NotCanonicalError: the provider goes by what this LLM was asked before, so that no answer is another's.
        """
        return {}

    def forced(self, kwargs: Mapping[str, object], offered: list[str]) -> frozenset[str]:
        """The tools the call forces, so that they carry its answer."""
        choice = kwargs.get("tool_choice")
        given = mapping(choice)
        name = mapping(given.get("function")).get("name") or given.get("name")
        if isinstance(name, str):
            return frozenset({name} & set(offered))
        if (choice in ("any", "required") or given.get("type") == "any") and len(offered) == 1:
            return frozenset(offered)
        return frozenset({choice}) if isinstance(choice, str) and choice in offered else frozenset()

    def must_call(self, kwargs: Mapping[str, object]) -> bool:
        """Whether the call forces the model to call a tool, one or another."""
        choice = kwargs.get("tool_choice")
        if isinstance(choice, str):
            return choice not in ("auto", "none", "")
        return mapping(choice).get("type") in ("any", "tool", "function")

    def structured(self, llm: object, output_cls: type, *, stream: bool) -> dict[str, Any] | None:
        """Parameters that make `chat` hold the answer to a schema, where `structured_predict` would go around it."""
        return None


_known_limits: dict[tuple[object, ...], tuple[int | None, bool | None]] = {}
"""Of the integrations, which take tens of microseconds to say it, and say it by the model's name."""

_MOST_KNOWN = 256
_SAYS_LIMITS = ("model", "context_window", "is_function_calling_model")


def _limits(llm: object) -> tuple[int | None, bool | None]:
    try:
        about: object = getattr(llm, "metadata", None)
    except ValueError:  # a class that knows no model of that name
        return None, None
    window: object = getattr(about, "context_window", None)
    calls: object = getattr(about, "is_function_calling_model", None)
    return window if isinstance(window, int) and window > 0 else None, calls if isinstance(calls, bool) else None


def count(value: object) -> bool:
    """Whether `value` is a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


@lru_cache(maxsize=256)
def _cap_fields(kind: Hashable) -> tuple[str, ...]:
    """The fields of a class that hold its output cap; asked per call, so remembered."""
    fields = cast("Mapping[str, object]", getattr(kind, "model_fields", {}))
    return tuple(name for name in CAPS if name in fields)
