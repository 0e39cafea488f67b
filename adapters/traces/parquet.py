"""Rows of Parquet as JSON values, by DuckDB (``leanloop[report]``): LangSmith's bulk export, a data frame of Phoenix.

https://docs.langchain.com/langsmith/data-export ; names with dots in them (``attributes.llm.model_name``), as a data
frame has them, are objects within objects again. DuckDB works on 2,048 rows at a time, so rows of 200 kB take 1.7 GB.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic_core import from_json

from leanloop.adapters.traces.recorded_value import Record
from leanloop.errors import MissingExtra, TraceError
from leanloop.plugins.shorten.json_read import is_object

if TYPE_CHECKING:
    import duckdb

__all__ = ["MAGIC", "is_parquet", "rows_of"]

MAGIC = b"PAR1"
_AT_ONCE = 16
_GROUPS = ("attributes", "context", "status")
"""What a data frame of spans flattens: below these, as in OpenTelemetry's own JSON, attributes are named with dots."""

_FLOATS = ("FLOAT", "DOUBLE")

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def is_parquet(stream: IO[bytes]) -> bool:
    """Whether an open file that was not read yet is Parquet, by its first bytes."""
    return isinstance(stream, io.BufferedReader) and stream.peek(4)[:4] == MAGIC


def rows_of(stream: IO[bytes], file: str, longest: int) -> Iterator[Record | TraceError]:
    """The rows, from 1; one that is too long comes as the error that says so.

    Raises:
        MissingExtra: DuckDB is not installed.
        ValueError: the file is damaged.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra("duckdb", "report") from error
    with _on_disk(stream) as path, duckdb.connect(config=_CONFIG) as db:
        db.execute("SET enable_progress_bar = false")
        db.execute("SET TimeZone = 'UTC'")
        source = "FROM read_parquet($path, hive_partitioning = false)"
        named = {"path": str(path)}
        try:
            about = db.execute(f"DESCRIBE {source}", named).fetchall()
            is_flat = any("." in str(name) for name, *_ in about)
            rows = f"SELECT to_json(one)::VARCHAR FROM (SELECT {_columns(about)} {source}) AS one"  # noqa: S608
            db.execute(rows, named)
            for number, text in enumerate(_texts(db), 1):
                if len(text) > longest:
                    yield TraceError(f"is longer than {longest:,} bytes", file=file, line=number)
                else:
                    yield Record(number, _nested(text) if is_flat else text)
        except duckdb.Error as error:
            said = str(error).replace(str(path), file).partition("\n")[0][:200]
            raise ValueError(f"cannot be read as Parquet: {said}") from None


def _texts(db: duckdb.DuckDBPyConnection) -> Iterator[bytes]:
    while rows := db.fetchmany(_AT_ONCE):
        yield from (str(text).encode() for (text,) in rows)


def _columns(about: Sequence[Sequence[object]]) -> str:
    """All of them, numbers that are none (NaN, infinity) as nothing: JSON has no word for these."""
    found: list[str] = []
    for name, kind, *_ in about:
        quoted = '"' + str(name).replace('"', '""') + '"'
        found.append(f"CASE WHEN isfinite({quoted}) THEN {quoted} END AS {quoted}" if kind in _FLOATS else quoted)
    return ", ".join(found)


def _nested(row: bytes) -> bytes:
    value: object = from_json(row)
    found: dict[str, object] = {}
    groups: dict[str, dict[str, object]] = {}
    for name, one in value.items() if is_object(value) else ():
        group, _, rest = str(name).partition(".")
        if group in _GROUPS and rest:
            groups.setdefault(group, {}).update({} if one is None else {rest: one})
        else:
            found[str(name)] = one
    return json.dumps(found | groups).encode()


@contextmanager
def _on_disk(stream: IO[bytes]) -> Generator[Path, None, None]:
    """The file by its path; what has none, such as a pipe, is copied to one for as long as it is read."""
    path = _path_of(stream)
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="leanloop-traces-") as folder:
        copy = Path(folder, "rows.parquet")
        with copy.open("wb") as out:
            shutil.copyfileobj(stream, out)
        yield copy


def _path_of(stream: IO[bytes]) -> Path | None:
    with suppress(OSError, TypeError, AttributeError):
        path = Path(os.fsdecode(stream.name))
        if os.path.samestat(path.stat(), os.fstat(stream.fileno())):
            return path
    return None
