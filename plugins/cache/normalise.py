"""Texts that are the same but for how they were typed: case, punctuation, a greeting, a contraction.

Nothing here changes what is asked, so what comes out may be looked up like an exact key. What may carry meaning stays:
signs inside numbers, sums, names and code, the capitals of addresses, options ("-L") and units ("Mb"), the end of a
sentence inside the text ("Don't. Stop."), the comma beside a negation ("No, refund it"), what stands in quotes or
backticks, lines of code, an acronym that is a small word otherwise ("US"), and a name that is ("Turkey", German "Sie").
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["LONGEST", "folded", "has_code", "normalised", "opened", "without_courtesy"]

LONGEST = 2_000
"""Characters; a longer text is no question that is asked again in other words."""

_RAISED = str.maketrans({"²": "^2", "³": "^3", "¹": "^1", "⁰": "^0", "⁴": "^4", "⁵": "^5", "⁶": "^6", "⁻": "^-"})
# Curly and other quotes, dashes.
_MARKS = str.maketrans(dict.fromkeys("‘’‛ʼ´", "'") | dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‐‑‒–—−", "-"))  # noqa: RUF001 that is what they are
_QUOTED = re.compile(r"`[^`\n]{1,200}`|\"[^\"\n]{1,200}\"|(?<!\w)'[^'\n]{1,200}'(?!\w)")
# Where a capital is another letter: addresses, paths, options, bits and milliwatts.
_EXACT = re.compile(
    r"\b(?:https?://|www\.)[^\s<>\"]{1,300}(?<![.,;:!?)])|(?<![\w/.~-])(?:[.~]{0,2}|[\w.-]{1,64}/[\w.-]{1,64})(?:/[\w.-]{0,63}\w){1,12}"
    r"|(?<![\w.])[^\W\d][\w.]{0,64}\(|(?<![\w-])--?[^\W\d_][\w-]{0,40}"
    r"|(?<![^\W\d_])(?:[KMGTP]i?b(?:ps|/s|its?)?|M[glm]|m(?:[WVAJPM]|Hz|Wh|Ah|Pa))\b"
    r"|\b[MmBb][au](?:ß|ss)en?\b|\b[Ff]lo(?:ß|ss)e\b"  # Maße and Masse, where ß and ss are two words
)
_CODE = re.compile(r"```|~~~|\n[ \t]+\S")
_ACRONYM = re.compile(r"\b(?:US|IT|WHO|OR|IN|ME|AIDS)\b|(?<=\w )[A-HJ-Z]\b|(?<=\d)[A-Z]\b")
# What a capital inside a sentence makes another word: peoples, months, places, products; in German whom it is said to.
_NAME = re.compile(
    r"(?<=[\w,;:)] )(?:Polish|March|May|August|Turkey|China|Chile|Jordan|Georgia|Guinea|Japan|Nice|Reading|Bath|Cork"
    r"|Mobile|Mercury|Earth|Sun|Moon|Apple|Amazon|Windows|Word|Excel|Access|Outlook|Teams|Slack|Zoom|Meet|Drive|Notion"
    r"|Signal|Meta|Oracle|Java|Python|Ruby|Rust|Swift|Go|Spring|Spark|Flask|Express|React|Bash|Visa|Target|Gap|Shell"
    r"|Orange|Chase|Square|Stripe|Bill|Mark|Frank|Rose|Will|Jack|Rich|Grace|Hope|Faith|Joy|Art|Pat|Drew|Catholic|Job"
    r"|God|Sie|Ihnen|Ihr(?:e[nmrs]?)?|Essen|Weg|Wagen|Arm|Reich|Morgen|Halle|Singen|Regen)\b"
)

# Only what cannot be a possessive ("the dog's") is opened.
_CONTRACTIONS = tuple(
    (re.compile(said, re.IGNORECASE), full)
    for said, full in (
        (r"\b(wo)n't\b", "will not"),
        (r"\b(?:can't|cannot|cant)\b", "can not"),
        (r"\bshan't\b", "shall not"),
        (r"\b(do|does|did|is|are|was|were|has|have|had|could|would|should|must|need)n't\b", r"\1 not"),
        (r"\b(do|does|did|is|are|was|were|has|have|had|could|would|should)nt\b", r"\1 not"),
        (r"\b(what|where|who|when|how|why|that|there|it|here|he|she)'s\b", r"\1 is"),
        (r"\b(what|where|how|that|there)s\b(?= )", r"\1 is"),
        (r"\bwhos\b(?= (?:the|my|your|a)\b)", "who is"),
        (r"\b(i)'m\b", r"\1 am"),
        (r"\b(i|we)'d like\b", r"\1 would like"),
        (r"(?<=\w)'re\b", " are"),
        (r"(?<=\w)'ll\b", " will"),
        (r"(?<=\w)'ve\b", " have"),
    )
)

_MAY_BE_CONTRACTED = re.compile(r"'|cant|cannot|[sdenrd]nt\b|(?:what|where|how|that|there|who)s\b", re.IGNORECASE)

_HELLO = (
    r"hi(?: there| team| all| everyone| folks)?|hello(?: there| team)?|hey(?: there| team)?|hiya|greetings|"
    r"(?:good )?(?:morning|afternoon|evening|day)|hope you(?:'re| are) (?:well|doing well)|"
    r"sorry to bother you(?: but)?|u[mh]+|e+rm?|h+mm*|ok(?:ay)?(?: so)?|alright(?: so)?|so|well|right|"
    r"but|(?:hi,? |sorry,? )?(?:quick|silly|dumb|stupid|simple) (?:question|one)(?: but)?|sorry(?: but)?|"
    r"(?:i was |i am )?just (?:wondering|curious)|excuse me|pardon me|dear (?:team|support|sir or madam)|"
    r"hallo(?: zusammen)?|guten (?:morgen|tag|abend)|moin(?: moin)?|servus|gr(?:ü|ue)(?:ß|ss) gott|grüezi|also|äh|ähm|"
    r"(?:eine )?kurze frage|entschuldigung|sorry|"
    r"bonjour(?: à tous)?|bonsoir|salut|coucou|alors|euh|bon|(?:une )?(?:petite|simple) question|excusez-moi|pardon|"
    r"hola(?: a todos)?|buen[oa]s(?: (?:días|dias|tardes|noches))?|oye|pues|entonces|eh|"
    r"(?:una )?(?:pregunta|duda) rápida|(?:una )?(?:pregunta|duda)|perdon[ae]?|perdón|disculpa|disculpe"
)
_ASKS = (
    r"how|what|where|when|who|why|which|can|could|do|does|please|"
    r"wie|was|wo|wann|wer|warum|welche[rsmn]?|kann|bitte|"
    r"comment|quel(?:le)?s?|où|quand|qui|pourquoi|combien|est-ce|"
    r"cómo|como|qué|dónde|donde|cuándo|cuando|quién|quien|por qué|cuánt[oa]s?|cuál"
)
_PLEASE = r"please|pls|plz|kindly|bitte|s'il (?:te|vous) pla[iî]t|svp|stp|por favor|porfa"
_LEADING = re.compile(
    rf"(?:(?:{_HELLO})\s*(?:[,.!:;…]+|-(?= )|\.\.\.)+\s*|(?:{_HELLO})\s+(?=(?:{_ASKS})\b)|(?:{_PLEASE})\b\s*,?\s+)",
    re.IGNORECASE,
)
_THANKS = (
    r"(?:many |much )?thanks(?: (?:a lot|so much|in advance|very much|again))?|thank you"
    r"(?: (?:so|very) much| in advance)?|thx|ty|cheers|danke(?: (?:schön|sehr|im voraus))?"
    r"|vielen dank(?: im voraus)?|merci(?: (?:beaucoup|d'avance))?"
    r"|(?:muchas )?gracias(?: de antemano)?|un saludo"
)
# Behind these the word itself is meant: "What is please in French?", "Was heißt bitte?"
_NOT_NAMED = (
    r"(?<!say)(?<!word)(?<!mean)(?<!spell)(?<!\bis)"
    r"(?<!heisst)(?<!bedeutet)(?<!signifie)(?<!significa)(?<!dire)(?<!decir)"
)
_TRAILING = re.compile(
    rf"(?:(?<=[?.!,])\s*(?:{_THANKS})[\s.!]*|(?:\s*,\s*|{_NOT_NAMED}\s+)(?:{_PLEASE})\s*[?.!]*)$",
    re.IGNORECASE,
)
_STARTS_A_QUESTION = re.compile(
    rf"(?:{_ASKS}|is|are|was|were|am|did|will|would|should|shall|may|might|must|has|have|had|whose|whom|"
    r"ist|sind|war|hat|haben|habe|darf|dürfen|muss|soll|sollte|wird|können|könnte|gibt|wohin|woher|weshalb|wieso|wem|wen|"
    r"est|sont|puis-je|dois-je|faut-il|a-t-|que|qu'|combien|lequel|"
    r"es|son|está|están|hay|puedo|puede|debo|tengo|adónde|cuáles|a qué|en qué|de qué|para qué)\b"
)
_BESIDE_NO = r"\b(?:no|not|nope|nein|nicht|non|pas|stop|stopp|don't|never|nie)"
_COMMA = re.compile(rf"({_BESIDE_NO}\s*),(?=\s)|\s*[,:](?=\s|$)")
_SPACE_BEFORE = re.compile(r"\s+(?=[?.!,;:]+(?:\s|$))")
_INNER_END = re.compile(r"(?:[?.!;]+|…)\s+(?=\S)")
_LAST_END = re.compile(r"[\s.!?…,;:]+$")
_DASH = re.compile(r"(?<![\d)\]])(?<!\b\w)\s-+\s(?![\d(\[]|\w\b)")  # no minus
_OPENING = re.compile(r"[¿¡]")
_SPACES = re.compile(r"\s+")


def has_code(text: str) -> bool:
    """Whether a text has lines of code in it: fenced or indented, where case and spaces count."""
    return _CODE.search(text) is not None


def folded(text: str) -> str | None:
    """The text in one Unicode form with plain quotes, dashes and spaces; None where it is too long to look at."""
    if len(text) > LONGEST:
        return None
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFKC", text.translate(_RAISED))
        if len(text) > 2 * LONGEST:  # one character may become eighteen
            return None
        # Invisible ones: soft hyphens, zero width, marks of direction, lone surrogates.
        text = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in {"Cf", "Cc", "Cs"})
    text = text.translate(_MARKS)
    return _SPACES.sub(" ", text).strip()


def opened(text: str) -> str:
    """English contractions in full ("isn't", "what's"), in any case."""
    if not _MAY_BE_CONTRACTED.search(text):
        return text
    for said, full in _CONTRACTIONS:
        text = said.sub(full, text)
    return text


@lru_cache(maxsize=2048)
def normalised(text: str) -> str | None:
    """What is left of a text when how it was typed is taken away; None for one that is too long, or empty."""
    plain = folded(text)
    if not plain:
        return None
    if has_code(text):
        return text
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\x00{len(kept) - 1}\x00"

    plain = _QUOTED.sub(keep, plain)
    plain = _EXACT.sub(keep, plain)
    if plain != plain.upper():
        plain = _NAME.sub(keep, _ACRONYM.sub(keep, plain))
    plain = plain.casefold()
    plain = without_courtesy(opened(plain))
    plain = _punctuation(plain)
    for place, quoted in enumerate(kept):
        plain = plain.replace(f"\x00{place}\x00", quoted)
    return plain or None


def without_courtesy(text: str) -> str:
    """No greeting before it and no thanks after it, unless there is nothing else."""
    for _ in range(4):
        start = text.lstrip(" ¿¡,.!-")
        greeting = _LEADING.match(start)
        rest = _TRAILING.sub("", start[greeting.end() :] if greeting else text)
        if rest == text or not _LAST_END.sub("", rest):
            break
        text = rest
    return text


def _punctuation(text: str) -> str:
    text = _SPACE_BEFORE.sub("", _DASH.sub(" ", _OPENING.sub("", text)).strip())
    asks = text.endswith("?") and not _STARTS_A_QUESTION.match(text)
    text = _LAST_END.sub("", text)
    text = _COMMA.sub(lambda found: f"{found[1]} ," if found[1] else "", _INNER_END.sub(". ", text))
    return _SPACES.sub(" ", text).strip() + ("?" if asks and text else "")
