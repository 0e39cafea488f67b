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
            one, other = both.asked.words[mine], both.known.words[theirs]
            if {one.kind, other.kind} == {"name", "content"} and not (one.first or other.first):
                return f"names: {one.said} with and without a capital"
    return None
