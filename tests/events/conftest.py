"""What the tests of events share."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

from typing import Any

import langchain.agents
import pytest


@pytest.fixture
def create_agent() -> Any:
    """LangChain's own, without its annotations."""
    return langchain.agents.create_agent
