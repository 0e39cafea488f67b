"""Runs in the peers' own environment: reads questions as JSON on stdin, says how hard each heuristic finds each."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable

Score = Callable[[str], float]


def main() -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it looks for prices on the network first
    questions = json.load(sys.stdin)
    scores: dict[str, list[float]] = {}
    for name, made in (
        ("LiteLLM complexity", litellm),
        ("cascadeflow complexity", cascadeflow_complexity),
        ("cascadeflow difficulty", cascadeflow_difficulty),
    ):
        try:
            score = made()
        except ImportError:
            continue
        scores[name] = [score(question) for question in questions]
    json.dump(scores, sys.stdout)


def litellm() -> Score:
    """The score its tiers are cut from."""
    module = importlib.import_module("litellm.router_strategy.complexity_router.complexity_router")
    router = module.ComplexityRouter(model_name="bench", litellm_router_instance=None)
    return lambda question: float(router.classify(question)[1])


def cascadeflow_complexity() -> Score:
    """The place of its class, from trivial to expert, and within one how sure it is."""
    module = importlib.import_module("cascadeflow.quality.complexity")
    detector, classes = module.ComplexityDetector(), list(module.QueryComplexity)

    def score(question: str) -> float:
        found, sure = detector.detect(question)
        return classes.index(found) + 0.5 * float(sure)

    return score


def cascadeflow_difficulty() -> Score:
    estimator = importlib.import_module("cascadeflow.quality.query_difficulty").QueryDifficultyEstimator()
    return lambda question: float(estimator.estimate(question))


if __name__ == "__main__":
    main()
