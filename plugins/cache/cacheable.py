"""Which answers may be kept, and which questions only the very same one may answer.

Both are for the safe side: an answer wrongly left out costs a call, one wrongly kept is given to everyone who asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from leanloop.plugins.cache.key import CacheKey
from leanloop.plugins.call import ModelCall, ModelReply

__all__ = ["changes_something", "exact_only", "may_be_kept", "refuses", "spelling_only", "volatile"]

_LONGEST = 2_000
"""Characters of a question that is compared by meaning; embedders read 256 to 512 tokens and drop the rest."""

_LONGEST_REFUSAL = 600
"""Characters. A refusal is short; a long answer that says so in passing is an answer."""


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)


# English, German, French, Spanish. A question in another language never gets here: it cannot be verified.
_VOLATILE = _words(
    r"today(?:'s)?|tonight|tomorrow|yesterday|now|currently|current|latest|newest|recent(?:ly)?|at the moment",
    r"this (?:morning|week|month|year|quarter)|last (?:night|week|month)|next (?:week|month)|so far|up to date",
    r"live (?:scores?|streams?|updates?|results?|prices?|data|traffic)",
    r"weather|forecast|temperature outside|stock price|share price|exchange rate|score of|news|breaking|trending",
    r"what time is it|what day is it|still|these days|just now|right now|ago|upcoming|so far|yet|anymore|"
    r"(?:my|the) balance",
    r"how late is it|raining|snowing|sunny|windy|what(?:['\u2019]s| is) new|how old (?:is|are|am)|"
    r"(?:days|weeks|months|years|hours|long) (?:until|till|since)|next (?:\w+ )?(?:train|bus|flight|ferry|meeting|"
    r"match|game|race|holiday|election|episode|payment|appointment|delivery|full moon)|wie alt (?:ist|sind)|"
    r"wie lange (?:bis|seit)|regnet|schneit|quel temps|quel âge|pleut|neige-t-il|cuántos años|llueve|llueva|nieva",
    r"heute|morgen|gestern|jetzt|aktuell(?:e[nrms]?)?|derzeit|gerade|neueste[nrms]?|letzte[nrms]?|nächste[nrms]?",
    r"wetter|nachrichten|wie spät|momentan|zurzeit|zur zeit|neulich|kürzlich|noch|vorhin|kontostand|"
    r"diese (?:woche)|dieser monat|dieses jahr",
    r"aujourd.hui|demain|hier|maintenant|actuel(?:le)?s?|actuellement|récent(?:e)?s?|récemment|dernier|"
    r"dernière|prochaine?",
    r"météo|actualités|en ce moment|ce (?:matin|soir)|cette année|encore|solde|cette semaine|ce mois|quelle heure",
    r"hoy|mañana|ayer|ahora|actual(?:es|mente)?|reciente(?:s|mente)?|últim[oa]s?|próxim[oa]s?|noticias|"
    r"qué hora|en este momento|esta (?:semana|mañana|tarde|noche)|este (?:mes|año)|todavía|saldo|tiempo hará",
    r"(?:qué )?tiempo hace",
)
_MUTATING = re.compile(
    r"(?:^\W*(?:(?:hi|hello|hey|ok(?:ay)?|now|then|also|yes|great|hallo|bonjour|hola)\b\W+){0,3}|"
    r"[.;!]\s+(?:(?:now|then|also|and|so),?\s+)?|"
    r", (?:and )?then )"
    r"(?:(?:please|pls|plz|kindly|just|go ahead and|bitte|s'il (?:te|vous) plaît|por favor|can you|could you|would you|"
    r"will you|i (?:want|need) you to|i(?:'d| would) like you to|let's|help me(?: to)?)\b,?\s+){0,3}"
    r"(?:add|append|approve|archive|assign|book|buy|cancel|change|charge|clear|close|commit|create|delete|"
    r"deploy|disable|"
    r"dismiss|drop|edit|enable|execute|forward|grant|insert|install|invite|kill|launch|lock|merge|modify|move|open|"
    r"order|pay|post|publish|purge|push|put|reboot|refund|register|reject|remove|rename|renew|replace|reset|restart|"
    r"restore|resume|revert|revoke|run|save|schedule|send|set|start|stop|submit|subscribe|switch|transfer|trigger|turn|"
    r"uninstall|unsubscribe|update|upgrade|upload|withdraw|apply|copy|erase|wipe|reply|share|block|ban|freeze|clone|"
    r"rollback|roll back|shut down|log out|sign (?:me )?up|check (?:me )?in|remind|call|email|text|notify|reschedule|"
    r"(?:lösch|erstell|send|schick|buch|stornier|überweis|änder|entfern|start|stopp|aktivier|deaktivier|kündig|bestell|"
    r"kauf|speicher|verschieb)en sie|supprimons|"
    r"lösche|erstelle|sende|schicke|buche|storniere|überweise|ändere|füge|entferne|starte|stoppe|aktiviere|deaktiviere|"
    r"supprime[rz]?|crée[rz]?|envoie|envoye[rz]|réserve[rz]?|annule[rz]?|ajoute[rz]?|modifie[rz]?|"
    r"lance[rz]?|arrête[rz]?|"
    r"borra|elimina|crea|envía|reserva|cancela|añade|modifica|cambia|inicia|detén|activa|desactiva|paga|compra)(?!\w)",
    re.IGNORECASE,
)
_ASKED_TO = re.compile(
    r"(?:^|\W)(?:(?:kannst|könntest|würdest) du|(?:können|könnten|würden) sie|(?:peux|pourrais)-tu|"
    r"pouvez-vous|pourriez-vous|"
    r"tu peux|puede[sn]?|podría[sn]?|me gustaría que)\b[^.?!\n]{0,200}\b(?:löschen|erstellen|senden|schicken|buchen|"
    r"stornieren|überweisen|ändern|hinzufügen|entfernen|starten|stoppen|aktivieren|deaktivieren|kündigen|"
    r"bestellen|kaufen|"
    r"zurücksetzen|speichern|verschieben|supprimer|créer|envoyer|réserver|annuler|ajouter|modifier|lancer|arrêter|"
    r"désactiver|activer|payer|acheter|borrar|eliminar|crear|enviar|reservar|cancelar|añadir|modificar|cambiar|iniciar|"
    r"detener|activar|desactivar|pagar|comprar)(?!\w)",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:very |so |really )?sorry(?! to hear| for (?:the|your|any)\b)|i(?:'m| am) (?:unable|not able)|"
    r"i (?:can ?not|can't) (?!(?:recommend|stress|emphasi[sz]e|overstate|praise|thank|wait)\b)|"
    r"i (?:won't|will not|must decline)|"
    r"i (?:don't|do not) (?:have (?:access|the ability|enough|any information)|know\b)|as an ai\b|"
    r"es tut mir leid(?!,? (?:das )?zu hören)|(?:leider )?(?:kann|darf) ich (?:\w+ ){0,4}nicht|"
    r"ich (?:kann|darf) (?!\w+ nicht genug)(?:\w+ ){0,4}nicht(?! genug)|je (?:suis désolée?|regrette)|désolée?,|"
    r"je ne (?:peux|suis) pas (?!assez)|lo siento|no puedo (?!(?:recomendar|dejar|esperar))|"
    r"no (?:me es posible|tengo acceso))",
    re.IGNORECASE,
)


def may_be_kept(reply: ModelReply, call: ModelCall) -> bool:
    """Whether an answer may be given again: whole, no refusal, and not empty.

    One as long as its cap allows is taken for cut off where the provider does not say how it ended.
    """
    message, usage = reply.message, reply.usage
    if call.purpose not in {"step", "thought"} or reply.finish not in (None, "stop"):
        return False
    if not reply.plain or message.images or message.other_tokens or not (message.text.strip() or message.tool_calls):
        return False
    if reply.finish is None and usage is not None and call.max_output is not None and usage.output >= call.max_output:
        return False
    return bool(message.tool_calls) or not refuses(message.text)


def refuses(text: str) -> bool:
    """Whether an answer says that it is none."""
    return len(text) <= _LONGEST_REFUSAL and _REFUSAL.search(text[:200].replace("\u2019", "'")) is not None


def exact_only(key: CacheKey, *, any_temperature: bool) -> bool:
    """Whether only the very same question may be answered from the cache.

    Such is one that depends on when it is asked, that asks for something to be done, that is asked at a temperature
    above 0, or that is too long to be compared.
    """
    text = key.text
    if text is None or not text.strip() or len(text) > _LONGEST:
        return True
    if not any_temperature and _temperature(key.settings) not in (None, 0):
        return True
    return volatile(text) or changes_something(text)


def spelling_only(key: CacheKey, *, any_temperature: bool) -> bool:
    """Whether the same question in other spelling may be answered, but not one in other words: where nobody has set a
    temperature, it is the provider's, which mostly is above 0.
    """
    return not any_temperature and _temperature(key.settings) is None


def volatile(text: str) -> bool:
    """Whether the answer depends on when it is asked."""
    return _VOLATILE.search(text) is not None


def changes_something(text: str) -> bool:
    """Whether it asks for something to be done, rather than said."""
    text = text.replace("\u2019", "'")
    return _MUTATING.search(text) is not None or _ASKED_TO.search(text) is not None


def _temperature(settings: Mapping[str, object]) -> object:
    found = settings.get("temperature")
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None
