"""A cognitive tool: a prompt of its own, and what it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from leanloop.budgets.message import ToolSpec
from leanloop.errors import UsageError

__all__ = ["CognitiveTool"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""A name that every provider takes for a tool, and that stands as a word in the text protocol."""

_LARGEST_FILE = 64_000
"""Bytes. A prompt file is read with each use's bill in mind: each token of it is paid for in every use."""

_MOST_INPUTS = 8

_FORM = "---\nname: ...\ndescription: ...\ninputs:\n  question: ...\n---\nThe prompt."


@dataclass(frozen=True, slots=True)
class CognitiveTool:
    """A cognitive tool: a separate call of the same model, with a prompt of its own and nothing but its inputs.

    Attributes:
        name: by which the model calls it.
        description: what the model is told of it.
        inputs: what the model gives it: each input's name, and what it is. All of them are needed.
        prompt: what the separate call is told; its inputs follow.
        no_answer: it is to prepare an answer and may give none: lines in which it does are left out of what it says.

    Raises:
        UsageError: a name is none, or something is empty.
    """

    name: str
    description: str
    inputs: Mapping[str, str]
    prompt: str
    no_answer: bool = False

    def __post_init__(self) -> None:
        for name in (self.name, *self.inputs):
            if not isinstance(cast("object", name), str) or not _NAME.fullmatch(name):
                raise UsageError(
                    f"Cognitive tool {str(self.name)[:80]!r}: {str(name)[:80]!r} is no name; use small letters, digits "
                    "and underscores, at most 64, a letter first."
                )
        if not self.prompt.strip() or not self.description.strip():
            raise UsageError(f"Cognitive tool {self.name!r} needs a description and a prompt; one of them is empty.")
        if not 0 < len(self.inputs) <= _MOST_INPUTS:
            raise UsageError(
                f"Cognitive tool {self.name!r} has {len(self.inputs)} inputs; give it 1 to {_MOST_INPUTS}: its call "
                "sees nothing else."
            )

    @classmethod
    def from_file(cls, path: str | Path) -> CognitiveTool:
        """The tool in a prompt file: its name, description and inputs in YAML between two lines of ``---``, then its
        prompt.

        Raises:
            UsageError: the file cannot be read, or does not hold a tool.
        """
        try:
            with Path(path).open("rb") as file:
                raw = file.read(_LARGEST_FILE + 1)
            text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The prompt file {path} cannot be read: {error}.") from error
        if len(raw) > _LARGEST_FILE:
            raise UsageError(f"The prompt file {path} is larger than {_LARGEST_FILE:,} bytes; shorten it.")
        return cls.from_text(text, str(path))

    @classmethod
    def from_text(cls, text: str, source: str = "the text") -> CognitiveTool:
        """`from_file`, of what is in one.

        Raises:
            UsageError: it does not hold a tool.
        """
        head, _, prompt = text.removeprefix("---\n").partition("\n---\n")
        if not text.startswith("---\n") or not prompt.strip():
            raise UsageError(f"{source} holds no cognitive tool. Write it like this:\n{_FORM}")
        try:
            given: object = yaml.safe_load(head)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise UsageError(f"The head of {source} is no YAML: {' '.join(str(error).split())[:200]}.") from error
        about = cast("dict[object, object]", given) if isinstance(given, dict) else {}
        unknown = about.keys() - {"name", "description", "inputs", "no_answer"}
        if unknown:
            known = "name, description, inputs and no_answer"
            raise UsageError(
                f"The head of {source} has {', '.join(sorted(map(repr, unknown)))[:200]}; it takes {known}."
            )
        name, description, inputs = about.get("name"), about.get("description"), about.get("inputs")
        no_answer = about.get("no_answer", False)
        if not (isinstance(name, str) and isinstance(description, str) and _texts(inputs)):
            raise UsageError(f"The head of {source} needs a name, a description and inputs, all text:\n{_FORM}")
        if not isinstance(no_answer, bool):
            raise UsageError(f"no_answer in the head of {source} is true or false, not a {type(no_answer).__name__}.")
        return cls(name, description.strip(), cast("dict[str, str]", inputs), prompt.strip(), no_answer)

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model is offered it."""
        properties = {name: {"type": "string", "description": what} for name, what in self.inputs.items()}
        schema = {"type": "object", "properties": properties, "required": list(self.inputs)}
        return ToolSpec(self.name, self.description, schema)


def _texts(inputs: object) -> bool:
    return isinstance(inputs, dict) and all(
        isinstance(part, str) for pair in cast("dict[object, object]", inputs).items() for part in pair
    )
