"""A LlamaIndex query engine over this project's own documents, under a budget per question.

Run: python examples/llama_index_query_engine.py "Which vocabularies come with the package?"
Neither a model nor an embedder is downloaded: words are hashed, and the script in the model's place quotes the
passage that fits best. With a real model: pip install llama-index-llms-openai, then
LEANLOOP_EXAMPLE_MODEL=gpt-4o-mini python examples/llama_index_query_engine.py
"""

# What an index is asked for is partly untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
import os
import re
import sys
import zlib
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM
from llama_index.core.node_parser import MarkdownNodeParser
from pydantic import Field

from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM

ROOT = Path(__file__).parent.parent
BUDGET = ROOT / "examples" / "budgets" / "docs.yaml"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
QUESTION = "Why are cycles not inherited by a child task?"


def words(text: str) -> list[str]:
    """The words of a text, without their endings."""
    return [re.sub(r"(ing|ed|es|s)$", "", word) for word in re.findall(r"[a-z0-9]{3,}", text.lower())]


class HashedWords(BaseEmbedding):
    """Embeds a text as its words, hashed, of which rare ones weigh more (tf-idf; Weinberger et al. 2009)."""

    model_name: str = "hashed-words"
    weights: dict[str, float] = Field(default_factory=dict[str, float])
    size: int = 4_096

    @classmethod
    def of(cls, texts: list[str]) -> HashedWords:
        """An embedder that weighs each word by how few of `texts` have it."""
        found = Counter(word for text in texts for word in set(words(text)))
        return cls(weights={word: math.log(len(texts) / count) for word, count in found.items()})

    def _get_text_embedding(self, text: str) -> list[float]:
        vector = [0.0] * self.size
        for word, count in Counter(words(text)).items():
            vector[zlib.crc32(word.encode()) % self.size] += math.log1p(count) * self.weights.get(word, 1.0)
        length = math.hypot(*vector) or 1.0
        return [value / length for value in vector]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def quoting(messages: list[ChatMessage], _: dict[str, Any]) -> str:
    """In a model's place: the paragraph it was given that has the most of the question's longer words."""
    prompt = "\n".join(message.content or "" for message in messages)
    context, question = prompt.rsplit("Query:", 1)
    asked = {word for word in words(question) if len(word) > 3}
    paragraphs = re.sub(r"^(#.*)\n\n", r"\1\n", context, flags=re.MULTILINE).split("\n\n")
    return max(paragraphs, key=lambda text: len(asked & set(words(text))) / math.sqrt(len(text) + 200)).strip()


def example_model() -> LLM:
    """The model of OpenAI named in the environment; without one, a script."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        model: LLM = import_module("llama_index.llms.openai").OpenAI(model=name.removeprefix("openai:"))
        return model
    return ScriptedLLM(script=quoting)


def main(question: str) -> None:
    texts = [(path.name, path.read_text(encoding="utf-8")) for path in DOCUMENTS]
    documents = [Document(text=text, metadata={"file_name": name}) for name, text in texts]
    nodes = MarkdownNodeParser().get_nodes_from_documents(documents)
    index = VectorStoreIndex(nodes, embed_model=HashedWords.of([node.get_content() for node in nodes]))

    loop = LeanLoop.from_file(BUDGET)
    engine = loop.query_engine(
        index.as_query_engine(
            llm=example_model(), similarity_top_k=8, node_postprocessors=[loop.postprocessor(tokens=2_000)]
        )
    )
    response = engine.query(question)

    receipt = (response.metadata or {})["leanloop"]
    print(response)
    print("From:", ", ".join(sorted({node.node.metadata["file_name"] for node in response.source_nodes})))
    print(f"{receipt['model_calls']} model call, {receipt['tokens']} tokens, ${receipt['usd']}")
    for saving in receipt["savings"]:
        print(f"saved: {saving['what']}")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or QUESTION)
