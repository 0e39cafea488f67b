"""Whether a tool that is to prepare an answer gives one."""

from __future__ import annotations

import re

__all__ = ["without_answer"]

_WORD = r"(?:answer|result|solution|antwort|ergebnis|lösung|réponse|résultat|respuesta|resultado|solución)"
_SAID = r"(?:is|are|equals|would be|will be|=|:|ist|lautet|est|es)"
_FORM = r"(?:digit|decimal|significant|character|word|letter|sentence|item|line|place)"
_VALUE = (
    rf"(?:[-+$€£]?\d[\d.,/]{{0,20}}+(?!\s?(?:-\s?)?{_FORM})"  # "the answer is 3 digits long" says its form
    r"|(?:yes|no|true|false|ja|nein|oui|non|sí)\b"
    r"|[(\[]?[A-E][)\].]|[A-E](?=\s{0,3}(?:$|[.,;]))|option [A-E]\b)"
)
_GIVES = re.compile(
    rf"\b{_WORD}\b[*_`]{{0,3}}\s{{0,3}}{_SAID}[\s*_`\"'$({{]{{0,6}}{_VALUE}"
    r"|^\W{0,4}(?:therefore|thus|so|hence|daher|donc)\b[^.\n]{0,80}(?:=|\bis\b)\s{0,3}[-+$€£]?\d[\d.,]{0,20}\W{0,3}$",
    re.IGNORECASE,
)
"""A line that states a result. Each repeat is bounded, so that matching is linear in the text."""

_GIVES_THE_ONE = re.compile(
    rf"\\boxed\s?{{|\bfinal {_WORD}\b|\b{_WORD} to (?:the|this|your) (?:original |given |actual )?question\b",
    re.IGNORECASE,
)
"""A line that states the result of the question itself, also among worked examples of others."""

_EXAMPLE = re.compile(
    r"^\W{0,8}(?:\d{1,2}\W{0,4})?(?:worked |solved |related )?(?:examples?|beispiele?|exemples?|ejemplos?)\b",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"^\W{0,8}(?:\d{1,2}\W{0,4})?(?:carried over|applied|applying|back to|for (?:this|your|the given) question|"
    r"now,? (?:for )?(?:this|the|your)|the (?:given|original|actual) question)\b",
    re.IGNORECASE,
)
_LONGEST_LINE = 2_000
_LEFT_OUT = "[a line that gave an answer was left out]"


def without_answer(text: str) -> tuple[str, int]:
    """`text` without the lines in which it gives an answer, and how many those were; "" where nothing else is in it.

    A check by words: it finds an answer that says it is one; one that is only hinted at passes. Under a heading
    of examples results are those of other questions, and stay.
    """
    kept: list[str] = []
    left_out = said = 0
    example = False
    for line in text.split("\n"):
        head = line[:_LONGEST_LINE]
        example = (example or _EXAMPLE.search(head) is not None) and _BACK.search(head) is None
        if _GIVES_THE_ONE.search(head) or (not example and _GIVES.search(head)):
            left_out += 1
            kept.append(_LEFT_OUT)
        else:
            said += bool(line.strip())
            kept.append(line)
    return ("\n".join(kept) if said else "", left_out) if left_out else (text, 0)
