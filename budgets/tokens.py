"""Tokens of messages and prompts, and how far a provider's own count may be from ours.

Exact where the model's vocabulary is public and on this machine (see vocabulary.py), up to what nobody
publishes (tool calls and nested tool schemas, where the figure is an upper bound in practice). For other
models the text is counted with o200k_base, and where that is missing by its bytes; a learned ratio
(ratio.py) then says what to expect and what to reserve.

Framing is that of OpenAI's cookbook, "How to count tokens with tiktoken", section 6:
https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

import tiktoken

from leanloop.budgets.images import image_tokens
from leanloop.budgets.message import Message, ToolRequest, ToolSpec
from leanloop.budgets.ratio import LearnedRatio
from leanloop.budgets.text_tokens import TextTokens
from leanloop.budgets.tool_schema_tokens import tool_tokens
from leanloop.budgets.vocabulary import encoding_for, find_encoding

__all__ = ["TokenCounter", "counter_for"]

_EACH_MESSAGE = 4  # the cookbook's 3, and 1 for the role
_NAME = 1
_REPLY = 3  # every reply is primed with <|start|>assistant<|message|>
_EACH_TOOL_CALL = 8  # not published; the wrapping of a call's name and arguments

# Prior factors against o200k_base, measured with the public vocabularies of DeepSeek, Mistral (both its
# tokenizers) and Claude 2 on the texts of tau-bench, SWE-agent and InterCode: 0.94 to 1.34, mean about 1.1. Claude
# from Opus 4.7 on makes up to 1.46 times the tokens of Claude 4.6 for English (measured with Anthropic's counting
# endpoint, https://sol.ava.dev/writings/2026-04-17-opus-4-7-tokenizer.html). Vocabularies with one token a digit make
# 2.3 times the tokens of a table of numbers. Not covered until a call was reported: Indic text under old
# vocabularies, up to 3.9.
_OTHER_VOCABULARY = (1.2, 2.5)
# Counted by bytes: one token a byte at most, and 1.1 / 4 of one were counted.
_BY_BYTES = (1.0, 40 / 11)
_EXACT = (1.0, 1.0)

_HISTORIES = 8  # the last prompts remembered, one for each agent that takes turns with this model
_COUNTERS = 256


class _Counted(NamedTuple):
    messages: tuple[Message, ...]
    tokens: int


_NOTHING = _Counted((), 0)


class TokenCounter:
    """Counts what one model is sent and answers. Thread-safe; share one a model with ``counter_for``.

    Counts are the local ones, uncorrected: ``expected`` and ``bound`` apply what was learned.

    Attributes:
        model: the model's name as given.
        exact: whether the vocabulary of this very model was found.
        ratio: what was learned from the provider's reports.
    """

    def __init__(self, model: str, *, ratio: LearnedRatio | None = None) -> None:
        name = encoding_for(model)
        encoding = find_encoding(name) if name else None
        self.model = model
        self.exact = encoding is not None
        if encoding is None:
            encoding, prior = find_encoding("o200k_base"), _OTHER_VOCABULARY
        else:
            prior = _EXACT
        self.ratio = ratio or LearnedRatio(*(prior if encoding else _BY_BYTES))
        self._texts = _texts(encoding)
        self._recent: tuple[tuple[_Counted, _Counted], ...] = ()
        self._tools: tuple[tuple[tuple[ToolSpec, ...], int], ...] = ()

    def text(self, text: str) -> int:
        """Tokens of a text by itself, without framing."""
        return self._texts.count(text)

    def message(self, message: Message) -> int:
        """Tokens a message adds to a prompt: framing, name, text, tool calls, images."""
        tokens = _EACH_MESSAGE + self._content(message)
        if message.name:
            tokens += _NAME + self.text(message.name)
        for image in message.images:
            tokens += image_tokens(image, self.model)
        return tokens

    def reply(self, message: Message) -> int:
        """Tokens an assistant's message cost as output; reasoning that was not returned cannot be counted."""
        return self._content(message)

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> int:
        """Input tokens of a call.

        Costs what is new: the last few histories are remembered, and one that grew is compared as a
        tuple (identity first) and only its new messages are counted. Those few histories stay alive here.
        """
        return _REPLY + self._history(tuple(messages)) + (self._tool_set(tuple(tools)) if tools else 0)

    def learn(self, counted: int, reported: int) -> None:
        """Note what the provider reported for a call whose prompt was counted here."""
        self.ratio.observe(counted, reported)

    def expected(self, count: int) -> int:
        """Best guess of what the provider will report for that count; for figures."""
        return round(count * self.ratio.mean)

    def bound(self, count: int) -> int:
        """Upper bound of what the provider will report for that count; for reservations."""
        bound = self.ratio.bound(count)
        return max(count, bound) if self.exact else bound

    def _content(self, message: Message) -> int:
        return self.text(message.text) + sum(self._tool_call(call) for call in message.tool_calls)

    def _tool_call(self, call: ToolRequest) -> int:
        return _EACH_TOOL_CALL + self.text(call.name) + self.text(call.arguments)

    def _history(self, history: tuple[Message, ...]) -> int:
        remembered, known = self._longest_known(history)
        new = history[len(known.messages) :]
        if not new:
            return known.tokens
        tokens = known.tokens + sum(map(self.message, new))
        # One slot an agent keeps two generations: a history may go on from before its last, provisional message.
        others = tuple(slot for slot in self._recent if slot is not remembered)
        self._recent = ((_Counted(history, tokens), known), *others)[:_HISTORIES]
        return tokens

    def _longest_known(self, history: tuple[Message, ...]) -> tuple[tuple[_Counted, _Counted] | None, _Counted]:
        for slot in self._recent:
            for known in slot:
                size = len(known.messages)
                grew = 0 < size <= len(history) and _same(known.messages[-1], history[size - 1])
                if grew and history[:size] == known.messages:
                    return slot, known
        return None, _NOTHING

    def _tool_set(self, tools: tuple[ToolSpec, ...]) -> int:
        remembered = self._tools
        if remembered and remembered[0][0] is tools:
            return remembered[0][1]
        tokens = next((tokens for known, tokens in remembered if known == tools), None)
        if tokens is None:
            tokens = tool_tokens(tools, self.model, self.text)
        # In front, so that equal tools of another agent are compared schema by schema once, not in every call.
        self._tools = ((tools, tokens), *(one for one in remembered if one[0] != tools))[:_HISTORIES]
        return tokens


def counter_for(model: str) -> TokenCounter:
    """The process's one counter of a model, so that what is learned about the model is shared."""
    with _lock:
        counter = _counters.pop(model, None) or TokenCounter(model)
        _counters[model] = counter  # last in, last out
        if len(_counters) > _COUNTERS:
            del _counters[next(iter(_counters))]
        return counter


_lock = Lock()
_counters: dict[str, TokenCounter] = {}
_shared_texts: dict[str, TextTokens] = {}


def _texts(encoding: tiktoken.Encoding | None) -> TextTokens:
    """The process's one memo of an encoding: models that share the encoding share its counts."""
    return _shared_texts.setdefault(encoding.name if encoding else "", TextTokens(encoding))


def _same(one: Message, other: Message) -> bool:
    return one is other or (one.text == other.text and one == other)
