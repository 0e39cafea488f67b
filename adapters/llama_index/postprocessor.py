"""Keeps what a query reads within a limit: the best passages whole, the others left out."""

from __future__ import annotations

from typing import Any

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
from pydantic import Field

from leanloop.adapters.llama_index.components import speaker_of
from leanloop.adapters.llama_index.findings import current_findings
from leanloop.adapters.llama_index.providers import model_name, provider_of
from leanloop.budgets.tokens import counter_for
from leanloop.errors import PriceUnknown, UsageError
from leanloop.plugins.current import current_task
from leanloop.plugins.receipt import Saving
from leanloop.plugins.task import Task

__all__ = ["NodeLimit", "node_limit"]

SHARE = 0.25
"""A call leaves room for a landing that reads everything again, and both write: of half of what is left too little
would remain for the answers."""

_MILLION = 1_000_000
_ANY_MODEL = "gpt-4o"
"""Counts for a model that is not known here; what is sent is counted again, by its own."""


def node_limit(tokens: int | None = None, share: float | None = None) -> NodeLimit:
    """A `NodeLimit` of `tokens`, of a `share`, or of both; with neither, of a quarter of what is left.

    Raises:
        UsageError: a limit is not positive, or a share above 1.
    """
    if tokens is not None and tokens <= 0:
        raise UsageError(f"postprocessor(tokens={tokens}): a limit on retrieved tokens is 1 or more.")
    if share is not None and not 0 < share <= 1:
        raise UsageError(f"postprocessor(share={share}): the share of what is left is above 0 and at most 1.")
    return NodeLimit(tokens=tokens, share=SHARE if tokens is None and share is None else share)


class NodeLimit(BaseNodePostprocessor):
    """Leaves out the nodes that do not fit, worst first; the best one always stays, and the order as it was.

    Smaller context windows make LlamaIndex spend more, since it asks again for each part; leaving out spends less.
    The limit holds for what is retrieved at one time, as it is shown to the model.
    """

    tokens: int | None = Field(default=None, description="The most tokens of all nodes together.")
    share: float | None = Field(default=None, description="The share of what the current task has left, at most.")

    @classmethod
    def class_name(cls) -> str:
        """LlamaIndex's name for the class."""
        return "NodeLimit"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        task, model = current_task(), _model()
        counter = counter_for(model_name(model) if model is not None else _ANY_MODEL)
        limits = [limit for limit in (self.tokens, self._left(task, model)) if limit is not None]
        if not limits:
            return nodes
        sizes = [counter.bound(counter.text(node.node.get_content(MetadataMode.LLM))) for node in nodes]
        kept = _fitting(nodes, sizes, min(limits))
        if task is not None and len(kept) < len(nodes):
            spared = sum(size for place, size in enumerate(sizes) if place not in kept)
            what = f"{len(nodes) - len(kept)} of {len(nodes)} retrieved nodes were left out"
            task.save(Saving("node limit", what, "counted, as if each were read once", tokens=spared))
        return [node for place, node in enumerate(nodes) if place in kept]

    def _left(self, task: Task | None, model: Any) -> int | None:
        """The tokens that are the share of what is left; None where no limit is about tokens or money."""
        if task is None or self.share is None:
            return None
        left = task.left("tokens", "input_tokens")
        nanos = task.left("usd")
        if nanos is not None and model is not None:
            try:
                price, _ = task.prices.price(model_name(model), provider_of(model).prices).worst_case(_MILLION)
            except PriceUnknown:
                price = 0
            affordable = nanos * _MILLION // price if price else None
            left = min((each for each in (left, affordable) if each is not None), default=None)
        return None if left is None else int(self.share * left)


def _model() -> Any:
    """The model that will read the nodes, where this is part of a guarded query."""
    findings = current_findings()
    return None if findings is None else speaker_of(findings.engine)


def _fitting(nodes: list[NodeWithScore], sizes: list[int], limit: int) -> set[int]:
    """The places of the nodes that fit, taken best first; a node without a score ranks by its place."""
    scored = all(node.score is not None for node in nodes)
    ranks = sorted(range(len(nodes)), key=lambda place: -(nodes[place].score or 0.0)) if scored else range(len(nodes))
    kept: set[int] = set()
    room = limit
    for place in ranks:
        if not kept or sizes[place] <= room:
            kept.add(place)
            room -= sizes[place]
    return kept
