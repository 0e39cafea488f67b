"""The parts of a query engine, in twins in which every model is guarded.

LlamaIndex's components hold one another, their models and their data in attributes. What may hold a model is copied,
shallowly, with the guarded twins in their places; data (nodes, stores, what indexes hold) is shared with the original.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from types import MethodType
from typing import Any, Literal, cast

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.indices.base import BaseIndex
from llama_index.core.indices.composability.graph import ComposableGraph
from llama_index.core.llms import LLM
from llama_index.core.objects import ObjectRetriever
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts.mixin import PromptMixin
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import TransformComponent
from llama_index.core.settings import Settings
from llama_index.core.tools import QueryEngineTool, RetrieverTool
from llama_index.core.types import BasePydanticProgram

from leanloop.adapters.copied import copied
from leanloop.adapters.llama_index.embedding import guarded_embedding
from leanloop.adapters.llama_index.guard import Guard
from leanloop.adapters.llama_index.llm import guarded

__all__ = ["Components", "speaker_of"]

Sort = Literal["llm", "embedding", "component", "container", "method", "other"]

_COMPONENTS = (
    PromptMixin,
    BaseNodePostprocessor,
    BasePydanticProgram,
    BaseIndex,
    ComposableGraph,
    ObjectRetriever,
    QueryEngineTool,
    RetrieverTool,
    TransformComponent,
)
_DEEPEST = 3
"""How far lists and mappings within one another are looked into; components are found at any depth."""

_SPEAKER = "leanloop_speaker"


class Components:
    """Twins of one engine's components, each made once however often it is held.

    Args:
        guard: whose budget they are under.
        methods: for a kind of component, the class of guarded methods its twin has besides.
        limit: what is done to retrieved nodes, behind the user's own postprocessors.
    """

    def __init__(self, guard: Guard, methods: Mapping[type, type], limit: BaseNodePostprocessor | None = None) -> None:
        self._guard = guard
        self._methods = methods
        self._limit = limit
        self._made: dict[int, tuple[object, object]] = {}
        self._speaker: LLM | None = None
        self._writer: LLM | None = None
        self._engines: list[BaseQueryEngine] = []

    def twin(self, original: Any) -> Any:
        """The twin of a component, a model or a container of them; what is neither is given back as it is."""
        twin: Any = self._of(original, 0)
        self._name_speaker()
        return twin

    def hold(self, twin: object) -> None:
        """Replace what `twin`, which is nobody else's, holds by guarded twins."""
        self._put_into(twin)
        self._name_speaker()

    def _name_speaker(self) -> None:
        """Tell each engine which model writes answers: that of the first synthesizer, else the first one found."""
        for engine in self._engines:
            cast("dict[str, object]", engine.__dict__)[_SPEAKER] = self._writer or self._speaker

    def _put_into(self, twin: object) -> None:
        for name in ("__dict__", "__pydantic_private__"):
            held = cast("dict[str, object] | None", getattr(twin, name, None))
            for key, value in list((held or {}).items()):
                if value is None and key == "llm" and isinstance(twin, BaseNodePostprocessor):
                    value = Settings.llm  # noqa: PLW2901  what it would ask for itself, at each call (AutoPrevNext...)
                found = self._of(value, 0)
                if found is not cast("dict[str, object]", held)[key]:
                    cast("dict[str, object]", held)[key] = found
        self._limit_nodes(cast("dict[str, object]", getattr(twin, "__dict__", {})))

    def _limit_nodes(self, held: dict[str, object]) -> None:
        """Put the limit behind the postprocessors of an engine or a tool that retrieves, where the user put none."""
        own = held.get("_node_postprocessors")
        if self._limit is not None and isinstance(own, list):
            others = cast("list[object]", own)
            if not any(isinstance(one, type(self._limit)) for one in others):
                held["_node_postprocessors"] = [*others, self._limit]

    def _of(self, value: Any, depth: int) -> Any:
        sort = _sort(cast("Hashable", type(value)))
        if sort == "other":
            return value
        if id(value) in self._made:
            return self._made[id(value)][1]
        if sort == "container":
            return self._container(value, depth)
        if sort == "method":
            owner = self._of(value.__self__, 0)
            return value if owner is value.__self__ else MethodType(value.__func__, owner)
        if sort == "component":
            return self._component(value)
        twin: object = guarded(value, self._guard) if sort == "llm" else guarded_embedding(value, self._guard)
        if isinstance(twin, LLM):
            self._speaker = self._speaker or twin
        self._made[id(value)] = (value, twin)
        return twin

    def _component(self, value: object) -> object:
        if hasattr(value, "leanloop_"):  # guarded already
            return value
        methods = next((methods for kind, methods in self._methods.items() if isinstance(value, kind)), None)
        twin = copied(value, type(value)) if methods is None else self._guard.twin(value, methods)
        self._made[id(value)] = (value, twin)  # before its parts: they may hold it in turn
        self._put_into(twin)
        if isinstance(twin, BaseSynthesizer) and self._writer is None:
            self._writer = cast("LLM | None", getattr(twin, "_llm", None))
        if isinstance(twin, BaseQueryEngine):
            self._engines.append(twin)
        return twin

    def _container(self, value: Any, depth: int) -> object:
        """A new list, tuple or dict where anything in it was replaced, else the same one."""
        if depth == _DEEPEST:
            return value
        if isinstance(value, dict):
            pairs = cast("dict[object, object]", value)
            mapping = {key: self._of(part, depth + 1) for key, part in pairs.items()}
            return mapping if any(mapping[key] is not part for key, part in pairs.items()) else pairs
        parts = cast("list[object] | tuple[object, ...]", value)
        made = [self._of(part, depth + 1) for part in parts]
        if all(new is old for new, old in zip(made, parts, strict=True)):
            return parts
        return made if isinstance(parts, list) else tuple(made)


def speaker_of(engine: object) -> LLM | None:
    """The guarded model that writes the answers of a guarded engine, where it has one."""
    return cast("LLM | None", getattr(engine, _SPEAKER, None))


@lru_cache(maxsize=1_024)
def _sort(kind: Hashable) -> Sort:
    """What is to be done with a value of this class; remembered, since lists of nodes may be long."""
    given = cast("type", kind)
    if issubclass(given, LLM):
        return "llm"
    if issubclass(given, BaseEmbedding):
        return "embedding"
    if issubclass(given, _COMPONENTS):
        return "component"
    if given in (list, tuple, dict):
        return "container"
    return "method" if given is MethodType else "other"
