"""What a query reads of the nodes found for it: the best whole, within a limit, and with the file's rules each once."""

from __future__ import annotations

from typing import Any, Literal

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
from pydantic import Field

from leanloop.adapters.llama_index.components import speaker_of
from leanloop.adapters.llama_index.findings import current_findings
from leanloop.adapters.llama_index.providers import model_name, provider_of
from leanloop.budgets.context_rules import RetrievedRules
from leanloop.budgets.tokens import counter_for
from leanloop.errors import UsageError
from leanloop.plugins.current import current_task
from leanloop.plugins.retrieved import Passage, choose, save, share_of_left
from leanloop.plugins.task import Task

__all__ = ["NodeLimit", "limit_of", "node_limit"]

SHARE = 0.25
"""A call leaves room for a landing that reads everything again, and both write: of half of what is left too little
would remain for the answers."""

_ANY_MODEL = "gpt-4o"
"""Counts for a model that is not known here; what is sent is counted again, by its own."""


def node_limit(
    tokens: int | None = None,
    share: float | None = None,
    duplicates: Literal["drop", "keep"] = "keep",
    order: Literal["ends", "best_first", "as_given"] = "as_given",
) -> NodeLimit:
    """A `NodeLimit` of `tokens`, of a `share`, or of both; with neither, of a quarter of what is left.

    Raises:
        UsageError: a limit is not positive, or a share above 1.
    """
    if tokens is not None and tokens <= 0:
        raise UsageError(f"postprocessor(tokens={tokens}): a limit on retrieved tokens is 1 or more.")
    if share is not None and not 0 < share <= 1:
        raise UsageError(f"postprocessor(share={share}): the share of what is left is above 0 and at most 1.")
    share = SHARE if tokens is None and share is None else share
    return NodeLimit(tokens=tokens, share=share, duplicates=duplicates, order=order)


def limit_of(rules: RetrievedRules) -> NodeLimit | None:
    """What a budget file asks for under ``retrieved``; None where it says nothing."""
    if not rules.model_fields_set:
        return None
    return NodeLimit(tokens=rules.max_tokens, duplicates=rules.duplicates, order=rules.order)


class NodeLimit(BaseNodePostprocessor):
    """Leaves out the nodes that do not fit, worst first, and those that say nothing new; the best one always stays.

    Smaller context windows make LlamaIndex spend more, since it asks again for each part; leaving out spends less.
    The limit holds for what is retrieved at one time, as it is shown to the model.
    """

    tokens: int | None = Field(default=None, description="The most tokens of all nodes together.")
    share: float | None = Field(default=None, description="The share of what the current task has left, at most.")
    duplicates: Literal["drop", "keep"] = Field(default="keep", description="What becomes of nodes that say the same.")
    order: Literal["ends", "best_first", "as_given"] = Field(
        default="as_given", description="The best first and last, the best first, or as they came."
    )

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
        rules = RetrievedRules(
            max_tokens=max(1, min(limits)) if limits else None, duplicates=self.duplicates, order=self.order
        )
        passages = [
            Passage(node.node.get_content(MetadataMode.LLM), node.score, node.node.get_content(MetadataMode.NONE))
            for node in nodes
        ]
        chosen = choose(passages, rules, lambda text: counter.bound(counter.text(text)))
        if task is not None:
            save(task, chosen, len(nodes), "nodes")
        return [nodes[place] for place in chosen.places]

    def _left(self, task: Task | None, model: Any) -> int | None:
        if task is None or self.share is None:
            return None
        if model is None:
            return share_of_left(task, self.share, None)
        return share_of_left(task, self.share, model_name(model), provider_of(model).prices)


def _model() -> Any:
    """The model that will read the nodes, where this is part of a guarded query."""
    findings = current_findings()
    return None if findings is None else speaker_of(findings.engine)
