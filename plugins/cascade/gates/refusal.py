"""Answers that are none: empty, cut off, or a refusal."""

from __future__ import annotations

import re

from leanloop.plugins.call import ModelReply
from leanloop.plugins.cascade.verdict import PASSED, Verdict, failed

__all__ = ["refusal"]

_LONGEST = 300
"""Characters; a refusal that goes on for longer mostly gives an answer after all."""

_SORRY = (
    r"(?:(?:i am|i'm|we're)(?: very| so| truly)? sorry|sorry|apologies|i apologi[sz]e|unfortunately)[,.!:]? ?(?:but )?"
)
_HELP = (
    r"(?:help|assist|comply|fulfil?l|do that|do this|(?:answer|provide) th(?:at|is)|discuss|engage|continue with th)"
)
_REFUSALS = re.compile(
    rf"(?:{_SORRY})?(?:i|we)(?: can't| cannot| can not|'m unable to| am unable to|'m not able to| am not able to| won't"
    rf"| will not|'m not allowed to| must decline to) {_HELP}"
    r"|(?:i'm sorry, )?(?:but )?as an? (?:ai|artificial intelligence)\b[^.]{0,60}"
    r"\b(?:can't|cannot|unable|not able|don't have)"
    r"|(?:es tut mir leid|tut mir leid|leider|entschuldigung)[^.]{0,40}\bkann ich (?:dir |ihnen )?"
    r"(?:dabei |damit |das )?(?:leider )?nicht (?:helfen|beantworten|weiterhelfen|tun)"
    r"|(?:je suis désolée?|désolée?|je regrette)[^.]{0,40}je ne (?:peux|puis) pas (?:vous |t')?"
    r"(?:aider|répondre|fournir|faire)"
    r"|lo siento[^.]{0,40}\bno puedo (?:ayudar|responder|cumplir|proporcionar|hacer)"
    r"|(?:desculpe|lamento|sinto muito)[^.]{0,40}\bnão posso (?:ajudar|responder|fornecer|fazer)"
    r"|mi dispiace[^.]{0,40}\bnon posso (?:aiutar|rispondere|fornire|farlo)"
    r"|(?:het spijt me|sorry)[^.]{0,40}\bik kan (?:je |u )?(?:hier|daar|dit|dat)[^.]{0,20}\bniet"
    r"|(?:przykro mi|przepraszam)[^.]{0,40}\bnie mogę (?:pomóc|odpowiedzieć|tego)"
    r"|(?:извините|простите|к сожалению|прошу прощения)[^.]{0,40}\bне могу (?:помочь|ответить|выполнить|предоставить)"  # noqa: RUF001
    r"|üzgünüm[^.]{0,60}\byardımcı olamam"  # noqa: RUF001
    r"|(?:很?抱歉|对不起|對不起)[^。]{0,20}(?:我)?(?:无法|不能|無法)(?:帮助|回答|协助|提供|幫助|協助|满足)"
    r"|(?:申し訳|すみません|恐れ入り)[^。]{0,40}(?:お答え|お手伝い|対応|提供)[^。]{0,8}(?:できません|できかねます|いたしかねます)"
    r"|죄송[^.]{0,40}(?:도와|답변|제공|도움)[^.]{0,16}(?:수 없|드릴 수 없)",
    re.IGNORECASE,
)  # fmt: skip


def refusal(reply: ModelReply) -> Verdict:
    """Whether there is an answer at all.

    The provider's own word counts first: a refusal, a filter, an output that was cut off. Of the text only short ones
    that begin as a refusal does are taken for one ("I can't find any flights" is an answer).
    """
    message = reply.message
    if reply.finish == "refused":
        return failed("the model, or its provider's filter, refused")
    if reply.finish == "length":
        return failed("it was cut off at the output cap", hard=bool(message.tool_calls) or not message.text.strip())
    if message.tool_calls:
        return PASSED
    text = message.text.strip()
    if not text:
        something = bool(message.images or message.other_tokens)
        return PASSED if something else failed("it is empty", hard=True)
    if len(text) <= _LONGEST and _REFUSALS.match(text.replace("’", "'")):  # noqa: RUF001
        return failed("it refuses")
    return PASSED
