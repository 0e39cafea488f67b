"""What a model reads of retrieved documents: the best whole, within a limit, each said once, the best at both ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import Field

from leanloop.budgets.context_rules import RetrievedRules
from leanloop.budgets.tokens import counter_for
from leanloop.errors import UsageError
from leanloop.plugins.current import current_task
from leanloop.plugins.retrieved import Passage, choose, save, share_of_left

__all__ = ["DocumentLimit", "document_limit"]

_SCORES = ("relevance_score", "score")
"""Where rerankers and stores leave a document's score in its metadata; retrievers give the best first."""

_ANY_MODEL = "gpt-4o"
"""Counts for a model that is not known here; what is sent is counted again, by its own."""


def document_limit(rules: RetrievedRules, tokens: int | None = None, share: float | None = None) -> DocumentLimit:
    """A `DocumentLimit` by `rules`, with another limit where one is given.

    Raises:
        UsageError: a limit is not positive, or a share above 1.
    """
    if tokens is not None and tokens <= 0:
        raise UsageError(f"documents(tokens={tokens}): a limit on retrieved tokens is 1 or more.")
    if share is not None and not 0 < share <= 1:
        raise UsageError(f"documents(share={share}): the share of what is left is above 0 and at most 1.")
    most = rules.max_tokens if tokens is None else tokens
    return DocumentLimit(tokens=most, share=share, duplicates=rules.duplicates, order=rules.order)


class DocumentLimit(BaseDocumentCompressor):
    """Leaves out the documents that do not fit, worst first, and those that say nothing new; the best always stays.

    Documents stay the very same objects.
    """

    tokens: int | None = Field(default=None, description="The most tokens of all documents together.")
    share: float | None = Field(default=None, description="The share of what the current task has left, at most.")
    duplicates: Literal["drop", "keep"] = Field(default="drop", description="What becomes of those that say the same.")
    order: Literal["ends", "best_first", "as_given"] = Field(
        default="ends", description="The best first and last, the best first, or as they came."
    )

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """The documents that stay, in the order in which they are to be read."""
        task = current_task()
        model = None if task is None else task.latest_model
        counter = counter_for(model or _ANY_MODEL)
        left = None if task is None or self.share is None else share_of_left(task, self.share, model)
        limits = [limit for limit in (self.tokens, left) if limit is not None]
        rules = RetrievedRules(
            max_tokens=max(1, min(limits)) if limits else None, duplicates=self.duplicates, order=self.order
        )
        passages = [Passage(document.page_content, _score(document)) for document in documents]
        chosen = choose(passages, rules, lambda text: counter.bound(counter.text(text)))
        if task is not None:
            save(task, chosen, len(documents), "documents")
        return [documents[place] for place in chosen.places]

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """`compress_documents`, which waits for nothing."""
        return self.compress_documents(documents, query, callbacks)


def _score(document: Document) -> float | None:
    metadata = cast("Mapping[str, object]", document.metadata)
    found = next((metadata[name] for name in _SCORES if name in metadata), None)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
