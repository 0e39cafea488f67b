"""What difficulty learns from what the gates say."""

# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]


def counted(made: Any) -> dict[str, tuple[float, float]]:
    """Weight and score of each setting, on the most general kind of call."""
    (found,) = made.outcomes.counts(("agent=a",))
    return {name: (count.weight, count.score) for name, count in found.items() if name in {"cheap-1", "dear-1"}}


@pytest.mark.parametrize(
    ("cascade", "given", "learned"),
    [
        ("on", {}, {}),
        ("{gates: [refusal]}", {"says": {"cheap-1": ""}}, {"cheap-1": (1, 0), "dear-1": (1, 1)}),
        ("{gates: [refusal]}", {"says": {"cheap-1": "", "dear-1": ""}}, {"cheap-1": (1, 0), "dear-1": (1, 0)}),
        ("{gates: [agreement]}", {"says": {"cheap-1": "Answer: 7"}}, {"cheap-1": (0.5, 0.5)}),
        ("{gates: [agreement]}", {"says": {"cheap-1": lambda _, n: f"Answer: {n}"}}, {"cheap-1": (0.5, 0)}),
        ("{gates: [logprobs]}", {"reply": {"logprob": -9.0}}, {"cheap-1": (0.1, 0), "dear-1": (0.1, 0)}),
        ("{gates: [logprobs]}", {}, {}),
        ("{gates: [mine]}", {"supplied": {"checks": {"mine": lambda *_: True}}}, {"cheap-1": (1, 1)}),
        ("{gates: [mine]}", {"supplied": {"checks": {"mine": lambda *_: False}}}, {"cheap-1": (1, 0)}),
        ("{gates: [mine]}", {"supplied": {"checks": {"mine": lambda *_: 1 / 0}}}, {}),
    ],
)
def test_a_gate_is_a_witness_of_its_own_worth(
    agent: Make, cascade: str, given: dict[str, Any], learned: dict[str, tuple[float, float]]
) -> None:
    made = agent(cascade, **given)
    made.ask()
    assert {name: seen for name, seen in counted(made).items() if seen[0]} == learned
