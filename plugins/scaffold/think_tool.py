"""The plain tool `think`: room to write a thought down, and nothing else. It asks no model."""

from __future__ import annotations

from leanloop.plugins.scaffold.tool import CognitiveTool

__all__ = ["NOTED", "THINK"]

THINK = CognitiveTool(
    "think",
    "Write down what you think: a plan, a check, a doubt. Nobody answers; it is there to read on from.",
    {"thought": "what you think"},
    "Notes a thought; asks no model.",
)
"""What cognitive tools have to beat: ``tools: [think]`` costs one more call of the model, and no separate one
(https://www.anthropic.com/engineering/claude-think-tool).
"""

NOTED = "Noted. Go on."
