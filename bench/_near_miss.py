"""Pairs of questions that look alike: half of them ask the same, half do not. Four languages, made from templates.

`bench/near_miss/<language>.txt` holds the templates: slots (``@city = Oslo; Lima``), then classes, each a list of
``question || question``, under ``[same: ...]`` or ``[different: ...]``. ``{city}`` and ``{city2}`` are two different
values of one slot. What is drawn is seeded by the template's own text, so a template more changes no other pair.

Half of the templates of each class, by their hash, are held back: rules are never written with them in view.
"""

from __future__ import annotations

import hashlib
import random
import re
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = ["LANGUAGES", "Half", "Pair", "near_misses"]

LANGUAGES = ("en", "de", "fr", "es")
PER_LANGUAGE = 250
"""Pairs of each verdict in each language: 2,000 in all."""

Half = Literal["open", "held"]

_SLOT = re.compile(r"\{([a-z]+)(2?)\}")
_CLASS = re.compile(r"\[(same|different): ([a-z]+)\]")


class Pair(NamedTuple):
    language: str
    same: bool
    kind: str
    known: str
    asked: str
    half: Half


def near_misses(half: Half | None = None) -> list[Pair]:
    """All pairs, or those of one half, always the same ones in the same order."""
    pairs = [pair for language in LANGUAGES for pair in _of(language)]
    return [pair for pair in pairs if half in {None, pair.half}]


def _of(language: str) -> list[Pair]:
    slots, classes = _read(Path(__file__).parent / "near_miss" / f"{language}.txt")
    pairs: list[Pair] = []
    for same in (True, False):
        kinds = {kind: templates for (alike, kind), templates in classes.items() if alike is same}
        for place, (kind, templates) in enumerate(kinds.items()):
            wanted = PER_LANGUAGE // len(kinds) + (place < PER_LANGUAGE % len(kinds))
            ranked = sorted(templates, key=_hash)
            for half, mine, count in (
                ("open", ranked[::2], (wanted + 1) // 2),
                ("held", ranked[1::2], wanted // 2),
            ):
                for known, asked in _draw(mine, slots, count):
                    pairs.append(Pair(language, same, kind, known, asked, "open" if half == "open" else "held"))
    return pairs


def _read(path: Path) -> tuple[dict[str, list[str]], dict[tuple[bool, str], list[str]]]:
    slots: dict[str, list[str]] = {}
    classes: dict[tuple[bool, str], list[str]] = {}
    current: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            name, _, values = line[1:].partition(" = ")
            slots[name] = values.split("; ")
        elif found := _CLASS.fullmatch(line):
            current = classes.setdefault((found[1] == "same", found[2]), [])
        elif line and not line.startswith("#"):
            current.append(line)
    return slots, classes


def _draw(templates: list[str], slots: dict[str, list[str]], count: int) -> list[tuple[str, str]]:
    """`count` different pairs, from the templates in turn."""
    seeded = [(template, random.Random(_hash(template))) for template in templates]
    drawn: dict[frozenset[str], tuple[str, str]] = {}
    for attempt in range(count * 40):
        if len(drawn) == count:
            break
        template, chance = seeded[attempt % len(seeded)]
        pair = _filled(template, slots, chance)
        drawn.setdefault(frozenset(pair), pair if chance.random() < 0.5 else (pair[1], pair[0]))
    return list(drawn.values())


def _filled(template: str, slots: dict[str, list[str]], chance: random.Random) -> tuple[str, str]:
    values: dict[str, str] = {}
    for name in sorted({found[1] for found in _SLOT.finditer(template)}):
        values[name], values[name + "2"] = chance.sample(slots[name], 2)
    known, asked = _SLOT.sub(lambda found: values[found[1] + found[2]], template).split(" || ")
    return known, asked


def _hash(template: str) -> str:
    return hashlib.blake2b(template.encode(), digest_size=8).hexdigest()
