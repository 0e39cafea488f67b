"""A call about to be sent, with what must be other than the user's LLM has it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from leanloop.adapters.copied import HELD
from leanloop.adapters.reasoning.known import SAMPLING

__all__ = ["Sent", "extras_of", "mapping"]


@dataclass(slots=True)
class Sent:
    """A call about to be sent: the model, what it is given, and the attributes that must be others for this call.

    `private` are those that pydantic keeps apart.
    """

    llm: object
    kwargs: dict[str, Any]
    attributes: dict[str, object] = field(default_factory=dict[str, object])
    private: dict[str, object] = field(default_factory=dict[str, object])

    def get(self, name: str) -> object:
        """An attribute of the model, as changed."""
        return self.attributes[name] if name in self.attributes else getattr(self.llm, name, None)

    @property
    def extras(self) -> Mapping[str, object]:
        """What the model adds to every call, as changed."""
        changed = self.attributes.get("additional_kwargs")
        return extras_of(self.llm) if changed is None else mapping(changed)

    def add(self, **extras: object) -> None:
        """Send these with every call, and beside what the model adds to it already; None takes one away."""
        changed = {**self.extras, **extras}
        self.attributes["additional_kwargs"] = {name: value for name, value in changed.items() if value is not None}

    def drop_sampling(self) -> None:
        """Take out the parameters that a model refuses while it thinks, wherever the user gave them."""
        for name in SAMPLING & self.kwargs.keys():
            del self.kwargs[name]
        if given := SAMPLING & self.extras.keys():
            self.add(**dict.fromkeys(given))

    def target(self) -> object:
        """The model to be called: itself, or a twin with the attributes changed, which shares its clients."""
        if not self.attributes and not self.private:
            return self.llm
        kind = type(self.llm)
        other: object = kind.__new__(kind)
        for name in HELD:  # the very same: a client that is made later is both's
            object.__setattr__(other, name, getattr(self.llm, name))
        object.__setattr__(other, "__dict__", {**self.llm.__dict__, **self.attributes})
        if self.private:
            held = cast("dict[str, object]", getattr(self.llm, "__pydantic_private__"))  # noqa: B009
            object.__setattr__(other, "__pydantic_private__", {**held, **self.private})
        return other


def extras_of(llm: object) -> Mapping[str, object]:
    """`additional_kwargs`, which many classes send with every call."""
    # Asked of the class first: an instance of pydantic is slow to say that it lacks something.
    return mapping(getattr(llm, "additional_kwargs", None)) if _has_extras(cast("Hashable", type(llm))) else {}


def mapping(value: object) -> Mapping[str, object]:
    """`value` where it is a mapping, else an empty one."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


@lru_cache(maxsize=256)
def _has_extras(kind: Hashable) -> bool:
    fields = cast("Mapping[str, object]", getattr(kind, "model_fields", {}))
    return "additional_kwargs" in fields or hasattr(kind, "additional_kwargs")
