"""What a query has come to so far, so that one that runs out ends with an answer from it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from llama_index.core.base.response.schema import RESPONSE_TYPE, PydanticResponse, Response
from llama_index.core.llms import LLM
from llama_index.core.query_engine import FLAREInstructQueryEngine
from llama_index.core.response_synthesizers import BaseSynthesizer, Refine
from llama_index.core.schema import MetadataMode, NodeWithScore

from leanloop.adapters.llama_index.covered import within
from leanloop.errors import LeanLoopError
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.task import Task

__all__ = ["EMPTY", "Findings", "current_findings", "gathering", "noting", "reading"]

Stream = TypeVar("Stream", bound=AsyncGenerator[Any, None])

EMPTY = ("", "None", "Empty Response")
"""What LlamaIndex answers where it has nothing to say."""


class Findings:
    """The passages found for one query, the answers to its parts, and its own answer as far as it is written.

    A query that is part of another in the same task has findings of its own; what they come to is a finding of the
    `outer` one.
    """

    def __init__(self, engine: object, question: str, task: Task, outer: Findings | None) -> None:
        self.engine = engine
        self.question = question
        self.task = task
        self.outer = outer
        self.nodes: dict[str, NodeWithScore] = {}
        held: object = getattr(engine, "_response_synthesizer", None)
        self.synthesizer = held if isinstance(held, BaseSynthesizer) else None
        self.writing = isinstance(engine, FLAREInstructQueryEngine)  # its own model writes, from the first call on
        self.streams: list[AsyncGenerator[Any, None]] = []
        self.failure: LeanLoopError | None = None
        self._answers: list[str] = []
        self._parts: list[tuple[str, str]] = []
        self._read: Sequence[NodeWithScore] = ()
        self._besides: Sequence[NodeWithScore] = ()

    def found(self, nodes: Sequence[NodeWithScore]) -> None:
        """Note what was retrieved."""
        self.nodes |= {node.node.node_id: node for node in nodes}

    def begin_answer(
        self, synthesizer: BaseSynthesizer, nodes: Sequence[NodeWithScore], besides: Sequence[NodeWithScore] | None
    ) -> None:
        """An answer is about to be written from `nodes`, which are made from those `besides` them.

        One that was written before is a part of it (ComposableGraphQueryEngine).
        """
        self.synthesizer, self.writing = synthesizer, True
        self._read, self._besides = nodes, besides or ()
        self._parts += [("an earlier answer", text) for text in self._answers]
        self._answers = []

    def end_answer(self, response: RESPONSE_TYPE | None = None) -> None:
        """The answer is written, or there will be none."""
        self.writing = False
        text = _text(response)
        if text is not None:
            self._answers = [text]

    def said(self, text: str) -> None:
        """Note what a model wrote as part of the answer.

        Refine's answers replace one another; what the other synthesizers ask for are parts side by side. Structured
        ones are no answer before they are whole.
        """
        writer = self.synthesizer
        if not text.strip() or self.structured or getattr(writer, "_structured_answer_filtering", False):
            return
        self._answers = [text] if isinstance(writer, Refine) else [*self._answers, text]

    def part(self, question: str, response: RESPONSE_TYPE) -> None:
        """Note the answer to a query that is part of this one."""
        self.found(response.source_nodes)
        text = _text(response)
        if text is not None:
            self._note(question, text)

    def ended(self) -> None:
        """Hand what this came to, when it is stopped, to the query it is part of."""
        if self.outer is not None:
            self.outer.found(list(self.nodes.values()))
            if self._answers:
                self.outer._note(self.question, "\n\n".join(self._answers))  # noqa: SLF001

    def failed(self, error: LeanLoopError) -> None:
        """Tell the query this is part of why there is no answer: SubQuestionQueryEngine only logs it."""
        if self.outer is not None:
            self.outer.failure = error

    def _note(self, question: str, text: str) -> None:
        if question == self.question:
            self._answers = [text]
        else:
            self._parts.append((question, text))

    @property
    def structured(self) -> bool:
        """Whether the answer is to fit a schema."""
        return self.output_cls is not None or hasattr(getattr(self.synthesizer, "_llm", None), "output_cls")

    @property
    def speaker(self) -> LLM | None:
        """The guarded model that was to write the answer."""
        return cast("LLM | None", getattr(self.synthesizer, "_llm", None))

    @property
    def output_cls(self) -> type | None:
        """The schema the synthesizer was given."""
        given: object = getattr(self.synthesizer, "_output_cls", None)
        return given if isinstance(given, type) else None

    @property
    def answer(self) -> str | None:
        """The answer as far as it is written, where it is one."""
        return self._answers[0] if len(self._answers) == 1 else None

    @property
    def passages(self) -> list[tuple[str, str]]:
        """What an answer can be written from, best first, each with the name of its source."""
        if self._answers:
            return [(f"part {place} of the answer", text) for place, text in enumerate(self._answers, 1)]
        read = [_named(node) for node in self._read or self._found]
        return [*(part for part in self._parts if not any(part[1] in text for _, text in read)), *read]

    @property
    def sources(self) -> list[NodeWithScore]:
        """The nodes an answer is from: those the synthesizer was given, else what was retrieved, best first."""
        return [*self._read, *self._besides] if self._read else self._found

    @property
    def _found(self) -> list[NodeWithScore]:
        return sorted(self.nodes.values(), key=lambda node: node.score or 0.0, reverse=True)


class gathering(within):  # noqa: N801  (a context manager, named as one)
    """Around a query: what is called in there belongs to its task, and what it comes to is noted."""

    __slots__ = ("_findings", "_token")

    def __init__(self, findings: Findings) -> None:
        super().__init__(findings.task, metered=True)
        self._findings = findings

    def __enter__(self) -> None:
        self._token = _current.set(self._findings)
        super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        _current.reset(self._token)


_current: ContextVar[Findings | None] = ContextVar("leanloop_llama_findings", default=None)


def current_findings() -> Findings | None:
    """Those of the query this code is part of."""
    return _current.get()


def reading(stream: Stream) -> Stream:
    """`stream`, which is closed with the query it is read in: what LlamaIndex puts around it does not pass that on."""
    findings = current_findings()
    if findings is not None:
        findings.streams.append(stream)
    return stream


def noting(flow: ModelFlow, task: Task) -> ModelFlow:
    """`flow`; what it comes to is part of the answer a query in `task` is writing."""
    findings = current_findings()
    writing = findings is not None and findings.writing and findings.task is task
    reply = yield from flow
    if writing and findings is not None:
        findings.said(reply.message.text)
    return reply


def _text(response: RESPONSE_TYPE | None) -> str | None:
    """What a response says, where it is read already and says anything."""
    if not isinstance(response, Response | PydanticResponse):
        return None
    text = str(response).strip()
    return None if text in EMPTY else text


def _named(node: NodeWithScore) -> tuple[str, str]:
    name = str(node.node.metadata.get("file_name") or node.node.metadata.get("title") or node.node.node_id)
    return name, node.node.get_content(MetadataMode.LLM)
