"""Runs in the peers' own environment: reads pairs as JSON on stdin, says for each guard which pairs it lets through."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable


def main() -> None:
    pairs = json.load(sys.stdin)
    verdicts: dict[str, list[bool | None]] = {}
    for name, made in (("recalq-guard", recalq), ("semanticmemo rules", semanticmemo)):
        try:
            guard = made()
        except ImportError:
            continue
        verdicts[name] = [_asked(guard, asked, known) for known, asked in pairs]
    json.dump(verdicts, sys.stdout)


def recalq() -> Callable[[str, str], bool]:
    guard: Callable[[str, str], bool] = importlib.import_module("recalq_guard").is_safe_match
    return guard


def semanticmemo() -> Callable[[str, str], bool]:
    detector = importlib.import_module("semanticmemo.entity_change_detection").EntityChangeDetector()
    return lambda asked, known: not detector.detect(asked, known).entity_changed


def _asked(guard: Callable[[str, str], bool], asked: str, known: str) -> bool | None:
    try:
        return bool(guard(asked, known))
    except Exception:  # noqa: BLE001 one of them raises StopIteration on ordinary pairs; such a pair is let through
        return None


if __name__ == "__main__":
    main()
