"""Loads the budget of one agent from its file.

All that is wrong with a file is told in one error, each thing with its line and the nearest valid key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from leanloop.budgets.budget import Budget
from leanloop.budgets.environment import apply_environment
from leanloop.budgets.file_toml import read_toml
from leanloop.budgets.file_yaml import read_yaml
from leanloop.budgets.problem import explain
from leanloop.errors import BudgetFileError

__all__ = ["Format", "load_budget", "parse_budget"]

Format = Literal["yaml", "toml"]

_LARGEST = 1_000_000
_FORMATS: Mapping[str, Format] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}


def load_budget(path: str | Path, *, environ: Mapping[str, str] | None = None) -> Budget:
    """Read the budget in the file ``path``, YAML or TOML by its ending, and lay the environment's overrides over it.

    Args:
        path: a file ending in .yaml, .yml or .toml, UTF-8, at most 1 MB.
        environ: the environment variables (see ``leanloop.budgets.environment``); ``os.environ`` by default.

    Raises:
        BudgetFileError: the file cannot be read, or does not say what a budget must.
    """
    file = str(path)
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        ending = f"not in {suffix!r}" if suffix else "and this name has no ending"
        raise BudgetFileError(f"a budget file ends in .yaml, .yml or .toml, {ending}", file=file)
    try:
        if Path(path).exists() and not Path(path).is_file():
            kind = "a folder" if Path(path).is_dir() else "no plain file"
            raise BudgetFileError(f"is {kind}; name the file itself", file=file)
        with Path(path).open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError as error:
        message = "there is no such file; see the folder the program runs in, or write one with leanloop init"
        raise BudgetFileError(message, file=file) from error
    except OSError as error:
        raise BudgetFileError(f"cannot be read: {error.strerror}", file=file) from error
    except ValueError:
        raise BudgetFileError("is not the name of a file: it holds a null byte", file=repr(file)) from None
    if len(data) > _LARGEST:
        raise BudgetFileError(f"is larger than {_LARGEST:,} bytes; a budget file is a few lines", file=file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}; save it as UTF-8"
        raise BudgetFileError(message, file=file, line=line) from None
    return parse_budget(text, file=file, format=_FORMATS[suffix], environ=environ)


def parse_budget(
    text: str,
    *,
    file: str = "<budget>",
    format: Format = "yaml",  # noqa: A002 - the plain word, keyword-only
    environ: Mapping[str, str] | None = None,
) -> Budget:
    """The budget in ``text``, as ``load_budget`` reads it from a file; ``file`` is what errors call it.

    Raises:
        BudgetFileError: the text does not say what a budget must.
    """
    if len(text) > _LARGEST:
        raise BudgetFileError(f"is larger than {_LARGEST:,} characters; a budget file is a few lines", file=file)
    document = read_yaml(text, file=file) if format == "yaml" else read_toml(text, file=file)
    apply_environment(document, os.environ if environ is None else environ)
    budget: Budget | None = None
    try:
        budget = Budget.model_validate(document.tree)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False):
            document.report(*explain(error, document.tree))
    if budget is None or document.problems:
        document.refuse()
    return budget.written_at(document.origin())
