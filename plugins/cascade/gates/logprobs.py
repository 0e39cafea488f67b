"""How sure the model was of its words, where its provider says so."""

from __future__ import annotations

import math

from leanloop.plugins.call import ModelReply
from leanloop.plugins.cascade.verdict import PASSED, Verdict, failed, unknown

__all__ = ["logprobs"]


def logprobs(least: float, reply: ModelReply) -> Verdict:
    """Whether the mean log-probability of its tokens is high enough.

    The mean, not the sum: a sum favours short answers whatever they say (Gupta et al. 2024, "Language Model Cascades:
    Token-level uncertainty and beyond": deferring by it did worse than chance on two sets). The mean has a bias of its
    own, towards long answers full of words that could hardly be others, so it belongs beside another gate.
    """
    mean = reply.logprob
    if mean is None or not math.isfinite(mean):
        return unknown("its provider gives no log-probabilities")
    return PASSED if mean >= least else failed(f"its mean log-probability is {mean:.2f}, below {least:.2f}")
