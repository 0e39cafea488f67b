"""Twins of what a user made: instances of a class below its own, in which each call is guarded.

A class made while the program runs has no address for pickle. What is written instead is the class it is below, the
guarded methods, and the guard, from which an equal one is made in another process: that of a worker of an
`IngestionPipeline`, say.
"""

from __future__ import annotations

import copyreg
from typing import Any, Self, SupportsIndex, TypeVar, cast

from leanloop.adapters.copied import copied

__all__ = ["Twins"]

Original = TypeVar("Original")


class Twins:
    """Makes twins, which carry it as `leanloop_`."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[type, type], type] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself: a copy of what is guarded draws from the same budget."""
        return self

    def kind(self, of: type, methods: type) -> type:
        """The class of a twin: below `of` and under its name, with the guarded `methods` put before its own."""
        found = self._kinds.get((of, methods))
        if found is None:
            named = {"__module__": of.__module__, "__qualname__": of.__qualname__, "__doc__": of.__doc__}
            made: Any = type(of)(of.__name__, (methods, _Pickled, of), named)
            # Afterwards: pydantic takes what stands in a class's body for a field.
            made.leanloop_, made.leanloop_made_of_ = self, (of, methods)
            found = self._kinds[of, methods] = cast("type", made)
        return found

    def twin(self, original: Original, methods: type) -> Original:
        """A new instance with all that `original` holds, of the `kind` below its class."""
        return cast("Original", copied(original, self.kind(type(original), methods)))


class _Pickled:
    """How a twin goes through pickle and `copy`."""

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[object, ...]:
        given: Any = self
        twins, (of, methods) = cast("tuple[Twins, tuple[type, type]]", (given.leanloop_, given.leanloop_made_of_))
        reduced = cast("tuple[object, ...]", super().__reduce_ex__(protocol))
        if reduced[0] is getattr(copyreg, "__newobj__"):  # noqa: B009  not in its stub
            return _blank, (twins, of, methods), *reduced[2:]
        return _twin, (twins, copied(self, of), methods)  # the class has a way of its own


def _blank(twins: Twins, of: type, methods: type) -> object:
    made: type[object] = twins.kind(of, methods)
    return object.__new__(made)


def _twin(twins: Twins, original: object, methods: type) -> object:
    return twins.twin(original, methods)
