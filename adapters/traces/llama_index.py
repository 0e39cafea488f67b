"""Reads events of LlamaIndex's instrumentation, each dumped (``event.model_dump()``) as one JSON object a line.

https://docs.llamaindex.ai/en/stable/module_guides/observability/instrumentation/. ``LLMChatEndEvent`` and
``LLMCompletionEndEvent`` are model calls; their start events, found by ``span_id``, give the model and the time. Tool
results stand in the next call's messages. Events carry no trace: those of one workflow run share the tag
``llamaindex.run_id``, and without it calls belong together where one goes on from the other. Any other event is passed
over. Events of workflows are read by `leanloop.adapters.traces.llama_index_workflow`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from leanloop.adapters.traces.chat_values import chat_messages
from leanloop.adapters.traces.fields import at, listed, seconds_of, tags_of, usage_of, word
from leanloop.adapters.traces.found import FoundCall
from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.llama_index_message import message_of
from leanloop.adapters.traces.llama_index_workflow import WorkflowEvents, is_workflow_event
from leanloop.adapters.traces.recorded_value import Record
from leanloop.adapters.traces.trace import Trace
from leanloop.errors import TraceError
from leanloop.plugins.shorten.json_read import is_object

__all__ = ["LlamaIndexRuns", "is_llama_index"]

_STARTS = ("LLMChatStartEvent", "LLMCompletionStartEvent")
_ENDS = ("LLMChatEndEvent", "LLMCompletionEndEvent")
_MOST_OPEN = 10_000
"""Starts whose end has not come; the oldest is forgotten with one more."""


def is_llama_index(value: object) -> bool:
    """Whether it is an event of the instrumentation, or of a workflow."""
    return _is_instrumented(value) or is_workflow_event(value)


def _is_instrumented(value: object) -> bool:
    return isinstance(at(value, "class_name"), str) and "span_id" in (value if is_object(value) else ())


class LlamaIndexRuns:
    """The runs of agents in such records; see `leanloop.adapters.traces.formats.Recordings`. They always have texts."""

    def __init__(self, *, unsaid: bool = False) -> None:
        self._gathering = Gathering(unsaid=unsaid)
        self._starts: OrderedDict[str, object] = OrderedDict()
        self._workflow = WorkflowEvents(self._gathering)

    def read(self, records: Iterator[Record | TraceError], file: str) -> Iterator[Trace | TraceError]:
        """Those of a file that are whole; what cannot be read comes as the error that says why."""
        return self._gathering.runs(records, file, "is not an event of LlamaIndex", self._take)

    def rest(self) -> Iterator[Trace | TraceError]:
        """All others."""
        return self._gathering.rest()

    def _take(self, value: object) -> Iterable[str]:
        if _is_instrumented(value):
            _take(value, self._starts, self._gathering)
        elif not self._workflow.take(value):
            raise ValueError("class_name, span_id: it lacks one of them")
        return ()


def _take(event: object, starts: OrderedDict[str, object], gathering: Gathering) -> None:
    kind, span = at(event, "class_name"), str(at(event, "span_id"))
    if kind in _STARTS:
        starts[span] = {"began": seconds_of(at(event, "timestamp")), "model": _model(event)}
        if len(starts) > _MOST_OPEN:
            starts.popitem(last=False)
    elif kind in _ENDS:
        start = starts.pop(span, None)
        tags = at(event, "tags")
        run = word(at(tags, "llamaindex.run_id"))
        began, model = at(start, "began"), word(at(start, "model"))
        gathering.add(run, _call(event, began if isinstance(began, float) else None, model))
        gathering.describe(run, tags=tags_of(tags, "llamaindex."))


def _model(event: object) -> str | None:
    return word(at(event, "model_dict", "model"), at(event, "model_dict", "model_name"))


def _call(event: object, began: float | None, model: str | None) -> FoundCall:
    response = at(event, "response")
    if at(event, "class_name") == "LLMCompletionEndEvent":
        told: list[object] = [{"role": "user", "content": at(event, "prompt")}]
        said: object = {"role": "assistant", "content": at(response, "text")}
    else:
        told, said = [message_of(one) for one in listed(at(event, "messages"))], message_of(at(response, "message"))
    messages = chat_messages([*told, said])
    if messages[-1].role != "assistant":
        raise ValueError("response: it is no assistant's")
    usage = usage_of(
        at(response, "raw", "usage"), at(response, "raw", "usage_metadata"), at(response, "additional_kwargs")
    )
    ended = seconds_of(at(event, "timestamp"))
    return FoundCall(messages[:-1], messages[-1], model, usage, None, began, ended, id=word(at(event, "id_")))
