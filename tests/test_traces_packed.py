"""Files of traces that are packed, damaged, or no UTF-8: read, or told as what they are, and never held whole."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tracemalloc

import pytest

from leanloop.adapters.traces.formats import read_runs
from leanloop.adapters.traces.trace import Trace
from leanloop.errors import TraceError

RUN = json.dumps({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}).encode()


def read(data: bytes) -> list[Trace | TraceError]:
    return list(read_runs(io.BytesIO(data), "t.jsonl"))


def test_gzip_is_unpacked() -> None:
    lines = b"\n".join([RUN] * 3)

    assert read(gzip.compress(lines)) == read(lines)
    assert len(read(gzip.compress(RUN + b"\n") + gzip.compress(RUN))) == 2  # one after the other, as cat makes them


@pytest.mark.parametrize("cut", [-10, -4])
def test_of_a_file_that_is_cut_off_what_is_whole_is_read(cut: int) -> None:
    noise = [json.dumps({"messages": [{"role": "user", "content": os.urandom(500).hex()}]}) for _ in range(2_000)]
    *runs, error = read(gzip.compress("\n".join(noise).encode())[:cut])

    assert len(runs) > 500
    assert all(isinstance(run, Trace) for run in runs)
    assert isinstance(error, TraceError)
    assert "is cut off or damaged where it is packed" in str(error)
    assert error.line > 500


def test_damage_within_is_told() -> None:
    packed = bytearray(gzip.compress(b"\n".join([RUN + b" " * n for n in range(500)])))
    packed[len(packed) // 2] ^= 0xFF

    assert "is cut off or damaged where it is packed" in str(read(bytes(packed))[-1])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (RUN.decode().encode("utf-16"), "is UTF-16, and traces are UTF-8"),
        (b"\xfe\xff" + RUN.decode().encode("utf-16-be"), "is UTF-16, and traces are UTF-8"),
        (b"PK\x03\x04" + b"\0" * 40, "is a zip archive: unpack it"),
        (b"PAR1" + b"\0" * 40, "cannot be read as Parquet"),
    ],
)
def test_what_is_no_text_is_named_once(data: bytes, said: str) -> None:
    (error,) = read(data)

    assert said in str(error)


@pytest.mark.parametrize("data", [b"", b"\x1f", gzip.compress(b"", mtime=0), b"\n \n"])
def test_a_file_with_nothing_in_it_has_no_runs(data: bytes) -> None:
    assert not [run for run in read(data) if isinstance(run, Trace)]


def peak_of_a_line_too_long(packed: bytes) -> int:
    """Bytes of memory that it took to refuse a line and to read the run behind it."""
    tracemalloc.start()
    long, run = read_runs(io.BytesIO(packed), "t.jsonl", longest=1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "is longer than 1,048,576 bytes" in str(long)
    assert isinstance(run, Trace)
    return peak


def test_a_small_file_that_unpacks_to_a_large_line_fills_no_memory() -> None:
    packed = gzip.compress(b'{"messages": "' + b"a" * (30 << 20) + b'"}\n' + RUN)
    assert peak_of_a_line_too_long(packed) < 15 << 20


def test_zstd_is_unpacked_in_as_many_frames_as_it_has() -> None:
    zstandard = pytest.importorskip("zstandard")
    lines = b"\n".join([RUN + b" " * n for n in range(2_000)])

    assert read(zstandard.compress(lines)) == read(lines)
    assert len(read(zstandard.compress(RUN + b"\n") + zstandard.compress(RUN))) == 2
    assert read(zstandard.compress(b"")) == []


@pytest.mark.parametrize("cut", [-10, -1])
def test_of_a_zstd_file_that_is_cut_off_what_is_whole_is_read(cut: int) -> None:
    zstandard = pytest.importorskip("zstandard")
    noise = [json.dumps({"messages": [{"role": "user", "content": os.urandom(500).hex()}]}) for _ in range(2_000)]
    *runs, error = read(zstandard.compress("\n".join(noise).encode())[:cut])

    assert len(runs) > 500
    assert "is cut off or damaged where it is packed" in str(error)


def test_damage_within_zstd_is_told() -> None:
    zstandard = pytest.importorskip("zstandard")
    packed = bytearray(zstandard.compress(b"\n".join([RUN + b" " * n for n in range(500)])))
    packed[4] ^= 0xFF  # how its frame is made

    assert "is cut off or damaged where it is packed" in str(read(bytes(packed))[-1])


def test_a_small_zstd_file_that_unpacks_to_a_large_line_fills_no_memory() -> None:
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.compress(b'{"messages": "' + b"a" * (200 << 20) + b'"}\n' + RUN)
    assert peak_of_a_line_too_long(packed) < 80 << 20


def test_without_zstandard_it_says_how_to_read_zstd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)

    [error] = read(b"\x28\xb5\x2f\xfd" + b"\0" * 40)

    assert "is packed by zstd: unpack it (`zstd -d`), or `pip install zstandard`" in str(error)


def test_the_file_stays_open_for_whoever_opened_it() -> None:
    stream = io.BytesIO(RUN)
    list(read_runs(stream, "t.jsonl"))

    assert not stream.closed
