"""Writes a budget file as YAML, each key with what is known of it in a comment above."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import yaml

from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["budget_text", "commented"]

_WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Plain values without anchors, which a budget file may not hold; decimals as they were written."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def decimal(self, data: Decimal) -> yaml.ScalarNode:
        text = f"{data:f}"
        return yaml.ScalarNode("tag:yaml.org,2002:float", text if "." in text else f"{text}.0")


_Dumper.add_representer(Decimal, _Dumper.decimal)


def budget_text(
    tree: Mapping[str, object], head: Sequence[str] = (), comments: Mapping[str, Sequence[str]] | None = None
) -> str:
    """The file.

    Args:
        tree: its values by key, in order.
        head: lines of the comment it begins with.
        comments: lines by the key they stand above; what they say may come from strangers.
    """
    lines = [*commented(head)]
    for key, value in tree.items():
        above = (comments or {}).get(key, ())
        if above:
            lines += ["", *commented(above)]
        lines += _key(key, value)
    return "\n".join(lines) + "\n"


def commented(lines: Iterable[str]) -> Iterator[str]:
    """These as the lines of a comment, broken where they are long; strangers' texts end no line in it."""
    for line in lines:
        shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
        for part in textwrap.wrap(shown, _WIDTH - 2, break_on_hyphens=False) or [""]:
            yield f"# {part}".rstrip()


def _key(key: str, value: object) -> Iterator[str]:
    if is_list(value) and value:
        yield f"{_flow(key)}:"
        for item in value:
            yield f"  - {_flow(item)}"
    elif value is False:
        yield f"{_flow(key)}: off"
    elif value is True:
        yield f"{_flow(key)}: on"
    else:
        yield f"{_flow(key)}: {_flow(value)}"


def _flow(value: object) -> str:
    """A value in one line."""
    text = yaml.dump(
        _plain(value), Dumper=_Dumper, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _plain(value: object) -> object:
    """It with the lists and mappings that YAML's writer knows."""
    if is_object(value):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if is_list(value) else value
