"""What is done to a call: plugins, the stack they stand in, and the drivers that run them."""

from __future__ import annotations
