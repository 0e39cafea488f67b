"""Politeness taken off, and set phrases put into one form: "can you tell me how I can" is how."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.plugins.cache.question.lexicon import Lexicon
from leanloop.plugins.cache.question.measures import CURRENCIES
from leanloop.plugins.cache.question.tokens import Token

__all__ = ["rephrased"]

_MOST_POLITE = 3
_LEADING_SIGNS = CURRENCIES | {"-", "+"}


def rephrased(tokens: Sequence[Token], lexicon: Lexicon) -> tuple[list[Token], bool]:
    """The tokens without fillers and courtesy, their phrases rewritten; and whether there was any courtesy."""
    passed_over = lexicon.fillers if lexicon.language == "en" else lexicon.fillers | {"'"}  # l'eau, gibt's
    rest, polite = _without_courtesy([token for token in tokens if token.said not in passed_over], lexicon)
    return _rewritten(rest, lexicon), polite


def _without_courtesy(tokens: list[Token], lexicon: Lexicon) -> tuple[list[Token], bool]:
    polite = False
    for _ in range(_MOST_POLITE):
        while len(tokens) > 1 and _only_opens(tokens[0], lexicon):
            del tokens[0]
        said = [token.said for token in tokens]
        asking = lexicon.asking.at(0, said)
        if asking and _asks_at(asking[0], said, lexicon):
            tokens = tokens[asking[0] :]
            continue
        courtesy = lexicon.courtesy.at(0, said)
        if not courtesy or courtesy[0] >= len(tokens):
            break
        tokens = tokens[courtesy[0] :]
        polite = True
    return tokens, polite


def _only_opens(token: Token, lexicon: Lexicon) -> bool:
    if token.kind in {"mark", "sign"}:
        return token.said not in _LEADING_SIGNS
    return token.said in lexicon.openers


def _asks_at(place: int, said: Sequence[str], lexicon: Lexicon) -> bool:
    """Whether a question word follows, after a comma or a preposition perhaps ("tell me: in which ...")."""
    for _ in range(2):
        found = lexicon.phrases.at(place, said)
        if found and found[1][:1] and found[1][0].startswith("?"):
            return True
        if place >= len(said) or not (said[place] in {",", ":"} or said[place] in lexicon.roles):
            return False
        place += 1
    return False


def _rewritten(tokens: Sequence[Token], lexicon: Lexicon) -> list[Token]:
    said = [token.said for token in tokens]
    written: list[Token] = []
    place = 0
    while place < len(tokens):
        found = lexicon.phrases.at(place, said)
        starts = place == 0 or tokens[place - 1].kind == "mark"
        if found is None or not (starts or _may_come_late(found, said[place], lexicon)):
            written.append(tokens[place])
            place += 1
        else:
            written += [Token(word, "target" if word[0] in "?!" else "word") for word in found[1]]
            place += found[0]
    return written


def _may_come_late(found: tuple[int, tuple[str, ...]], said: str, lexicon: Lexicon) -> bool:
    """Whether a phrase means the same inside a clause. "Can I" does not, nor a "como" without its accent."""
    length, becomes = found
    permits = bool(becomes) and becomes[0].startswith("!")
    return not permits and not (length == 1 and said in lexicon.only_first)
