"""What files of events amount to, as a page, JSON, CSV or Markdown. Needs ``leanloop[report]``."""

from __future__ import annotations

from leanloop.errors import MissingExtra

try:
    import duckdb as _duckdb
except ImportError as error:
    raise MissingExtra("duckdb", "report") from error

del _duckdb
