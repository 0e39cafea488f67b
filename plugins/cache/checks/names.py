"""Names, ids, quotes, code, addresses, versions, files."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["names"]


def names(both: Comparison) -> str | None:
    """No name or literal that only one of them has; and Polish is not polish where both mind their capitals."""
    more = [word.said for word in (*both.more_asked, *both.more_known) if word.kind in {"name", "literal"}]
    if more:
        return f"names: {', '.join(more)}"
    if both.asked.cased and both.known.cased and both.asked.lexicon.language != "de":
        for mine, theirs in both.pairs:
            kinds = {both.asked.words[mine].kind, both.known.words[theirs].kind}
            if kinds == {"name", "content"} and mine and theirs:
                return f"names: {both.asked.words[mine].said} with and without a capital"
    return None
