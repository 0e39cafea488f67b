"""English words that say nothing about what a text is asked for."""

from __future__ import annotations

from typing import Final

__all__ = ["STOPWORDS"]

_WORDS = """
    about above after again all also always and any are because been before being below between both but can cannot
    could did does doing done down during each ever every few find first for from further get give given gives had has
    have having her here hers him his how i'd i'll i'm if in into is it its itself just know last let like look made
    make many may me might more most much must my need never new next no nor not now of off on once one only or other
    our ours out over own please put same see seems set she should show since so some such take tell than that the
    their them then there these they thing this those through to too try under until up upon use used using very
    want was way we well were what when where whether which while who whom whose why will with within without would
    yes yet you your yours still run running think first second step steps now let's okay sure
"""

STOPWORDS: Final = frozenset(_WORDS.split())
