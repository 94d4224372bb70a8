"""Many clients at once: of the API as ``shelfmate serve`` runs it, and of the database by psycopg."""

import http.client
import json
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import psycopg

from backend.errors import ConfigurationError
from backend.recommend import frozen
from benchmarks._database import Filled

WRK = """
local paths = {%s}
local at = 0
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at])
end
"""


@dataclass(frozen=True)
class Load:
    """How much to ask, and what for."""

    state: Filled
    skus: list[str]
    clients: int
    seconds: float

    @property
    def paths(self) -> list[str]:
        """What the API is asked."""
        return [f"/v1/products/{sku}/similar?k=10" for sku in self.skus]


def load_of_api(load: Load) -> tuple[AbstractContextManager[Callable[[], float]], str]:
    """Serves the API within the context, whose value returns requests a second; and the name of the client.

    The client is wrk where it is installed, otherwise processes of Python, which take more of the cores themselves.
    """
    wrk = shutil.which("wrk")
    return _served(load, wrk), "wrk" if wrk else "Python clients"


@contextmanager
def _served(load: Load, wrk: str | None) -> Iterator[Callable[[], float]]:
    port = _free_port()
    environment = {**os.environ, "DATABASE_URL": load.state.database.dsn, "SHELFMATE_PORT": str(port)}
    server = subprocess.Popen(
        [sys.executable, "-m", "backend.cli", "serve"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        _wait_until_served(server, port, load.paths[0])
        with tempfile.TemporaryDirectory() as directory:
            script = Path(directory) / "paths.lua"
            script.write_text(WRK % ",".join(f'"{path}"' for path in load.paths), encoding="utf-8")
            yield lambda: _by_wrk(load, wrk, port, script) if wrk else _by_processes(load, _ask_api, (port,))
    finally:
        server.terminate()
        server.wait()


def load_of_statement(load: Load, which: str) -> float:
    """Statements a second of so many processes, each with a connection and the statement prepared."""
    return _by_processes(load, _ask_database, (load.state.database.dsn, which))


def _by_wrk(load: Load, wrk: str, port: int, script: Path) -> float:
    seconds = f"-d{max(1, round(load.seconds))}s"
    command = [wrk, "-t1", f"-c{load.clients}", seconds, "-s", str(script), f"http://127.0.0.1:{port}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None or "Non-2xx" in said:
        raise AssertionError(said)
    return float(rate[1])


def _by_processes(load: Load, work: Callable[..., int], arguments: tuple[object, ...]) -> float:
    # Forks would share the parent's connections.
    context = multiprocessing.get_context("spawn")
    ready, counts = context.Barrier(load.clients), context.SimpleQueue()
    shares = [load.skus[number :: load.clients] or load.skus for number in range(load.clients)]
    clients = [
        context.Process(target=_client, args=(work, (*arguments, share, load.seconds), ready, counts))
        for share in shares
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if any(client.exitcode for client in clients):
        raise AssertionError("a client failed; it said why above")
    asked: int = sum(counts.get() for _ in clients)
    return asked / load.seconds


def _client(work: Callable[..., int], arguments: tuple[Any, ...], ready: Barrier, counts: "SimpleQueue[int]") -> None:
    counts.put(work(*arguments, ready))


def _ask_api(port: int, skus: list[str], seconds: float, ready: Barrier) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(sku: str) -> None:
        connection.request("GET", f"/v1/products/{sku}/similar?k=10")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise AssertionError(body)

    return _count(ask, skus, seconds, ready)


def _ask_database(dsn: str, which: str, skus: list[str], seconds: float, ready: Barrier) -> int:
    with psycopg.connect(dsn, autocommit=True) as connection:

        def similar(sku: str) -> None:
            connection.execute("SELECT * FROM similar_products(%s, 10)", [sku], prepare=True).fetchall()

        def kept(sku: str) -> None:
            query = json.dumps({"like": [{"sku": sku}], "k": 10})
            arguments = {"query": query, "space": None, "k": 10, "kind": "similar", "seconds": 900}
            connection.execute(frozen.SQL["recommend"], arguments, prepare=True).fetchall()

        return _count(similar if which == "similar" else kept, skus, seconds, ready)


def _count(ask: Callable[[str], None], skus: list[str], seconds: float, ready: Barrier) -> int:
    ask(skus[0])
    ready.wait(60)
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        ask(skus[count % len(skus)])
        count += 1
    return count


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_served(server: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            connection.close()
    raise ConfigurationError("shelfmate serve did not answer within a minute; it said why above")
