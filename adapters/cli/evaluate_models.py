"""Which models ``leanloop evaluate`` means, and how it asks them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from leanloop.adapters.cli.named_object import load_object
from leanloop.budgets.budget import Budget
from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.outcomes.memory import MemoryOutcomes

__all__ = ["EvaluatedModel", "read_model"]

_HOW = (
    "a model is what LangChain's init_chat_model takes, such as openai:gpt-5, or MODULE:ATTRIBUTE of a chat model of "
    "LangChain or an LLM of LlamaIndex, or of a function without arguments that makes one"
)


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A model, by the name that calls of it have.

    Attributes:
        under: gives, for a budget, a function from a question to the text of the answer, whose calls that budget holds.
    """

    name: str
    under: Callable[[Budget], Callable[[str], str]]


def read_model(text: str) -> EvaluatedModel:
    """The model that is meant.

    Raises:
        UsageError: there is none of that name, or it is no model.
    """
    there = _own(text)
    return _asked_by(_made(text) if there is None else there, text)


def _own(text: str) -> object | None:
    """An object of the user's code; None where the text names none."""
    module, found, name = text.partition(":")
    if not found or not module or not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        return None
    try:
        there = load_object(text)
    except UsageError:
        return None
    return there


def _made(text: str) -> object:
    try:
        from langchain.chat_models import init_chat_model
    except ImportError:
        raise UsageError(f"{shown(text)} cannot be loaded; {_HOW}. For the former: pip install langchain.") from None
    try:
        return init_chat_model(text)
    except Exception as error:
        raise UsageError(
            f"{shown(text)} cannot be loaded: {str(error).partition(chr(10))[0][:300]} Remember: {_HOW}."
        ) from error


def _asked_by(there: object, text: str) -> EvaluatedModel:
    found = _of_langchain(there) or _of_llama_index(there)
    if found is None and callable(there):
        try:
            there = there()
        except Exception as error:
            raise UsageError(f"{shown(text)} failed: {type(error).__name__}: {str(error)[:200]}") from error
        found = _of_langchain(there) or _of_llama_index(there)
    if found is None:
        raise UsageError(f"{shown(text)} is a {type(there).__name__}; {_HOW}.")
    return found


def _of_langchain(there: object) -> EvaluatedModel | None:
    if "langchain_core" not in sys.modules:
        return None
    from langchain_core.language_models import BaseChatModel

    if not isinstance(there, BaseChatModel):
        return None
    from leanloop.adapters.langchain.middleware import LeanLoop
    from leanloop.adapters.langchain.provider import model_name
    from leanloop.adapters.langchain.wrap import wrap

    def under(budget: Budget) -> Callable[[str], str]:
        model = wrap(there, LeanLoop(budget, outcomes=MemoryOutcomes()))
        return lambda question: str(model.invoke(question).text)

    return EvaluatedModel(model_name(there), under)


def _of_llama_index(there: object) -> EvaluatedModel | None:
    if "llama_index.core" not in sys.modules:
        return None
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.llms import LLM

    if not isinstance(there, LLM):
        return None
    from leanloop.adapters.llama_index import LeanLoop

    def under(budget: Budget) -> Callable[[str], str]:
        llm: Any = LeanLoop(budget, outcomes=MemoryOutcomes()).llm(cast("Any", there))
        return lambda question: str(llm.chat([ChatMessage(role="user", content=question)]).message.content or "")

    return EvaluatedModel(there.metadata.model_name, under)
