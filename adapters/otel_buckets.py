"""The buckets that the semantic conventions for generative AI advise for each histogram."""

from __future__ import annotations

from typing import Final

__all__ = ["AGENT_SECONDS", "CALL_SECONDS", "TOKENS"]

TOKENS: Final = [float(4**power) for power in range(14)]
"""Of ``gen_ai.client.token.usage``: 1, 4, 16 ... 67,108,864."""

CALL_SECONDS: Final = [0.01 * 2**power for power in range(14)]
"""Of ``gen_ai.client.operation.duration`` and ``gen_ai.execute_tool.duration``: 0.01, 0.02 ... 81.92."""

AGENT_SECONDS: Final = [0.1 * 2**power for power in range(13)]
"""Of ``gen_ai.invoke_agent.duration``: 0.1, 0.2 ... 409.6."""
