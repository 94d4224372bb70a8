"""Many clients at once: of the API as ``shelfmate serve`` runs it, and of the database by psycopg."""

import http.client
import json
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
from pathlib import Path
from typing import Any, Literal

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
            yield (
                lambda: (
                    _by_wrk(load, wrk, port, script)
                    if wrk
                    else _by_clients(load, {"port": port}, ("paths", load.paths))
                )
            )
    finally:
        server.terminate()
        server.wait()


def load_of_statement(load: Load, which: Literal["similar", "kept"]) -> float:
    """Statements a second of so many processes, each with a connection and the statement prepared."""
    if which == "similar":
        statement, values = "SELECT * FROM similar_products(%s, 10)", [[sku] for sku in load.skus]
    else:
        statement = frozen.SQL["recommend"].decode()
        values = [kept_values({"like": [{"sku": sku}], "k": 10}) for sku in load.skus]
    return _by_clients(load, {"dsn": load.state.database.dsn, "statement": statement}, ("values", values))


def kept_values(query: dict[str, Any]) -> Any:
    """The values of the statement that the API runs."""
    return {"query": json.dumps(query), "space": None, "k": 10, "kind": "similar", "seconds": 900}


def _by_wrk(load: Load, wrk: str, port: int, script: Path) -> float:
    seconds = f"-d{max(1, round(load.seconds))}s"
    command = [wrk, "-t1", f"-c{load.clients}", seconds, "-s", str(script), f"http://127.0.0.1:{port}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None or "Non-2xx" in said:
        raise AssertionError(said)
    return float(rate[1])


def _by_clients(load: Load, task: dict[str, Any], each: tuple[str, list[Any]]) -> float:
    name, all_of_it = each
    command = [sys.executable, "-P", "-m", "benchmarks._load_client"]
    clients = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(load.clients)
    ]
    for number, client in enumerate(clients):
        share = all_of_it[number :: load.clients] or all_of_it
        _tell(client, json.dumps({**task, name: share, "seconds": load.seconds}))
    if any(_hear(client) != "ready" for client in clients):
        raise AssertionError("a client failed; it said why above")
    for client in clients:
        _tell(client, "go")
    answered = sum(int(_hear(client)) for client in clients)
    for client in clients:
        client.communicate()
    return answered / load.seconds


def _tell(client: subprocess.Popen[str], line: str) -> None:
    assert client.stdin is not None
    client.stdin.write(line + "\n")
    client.stdin.flush()


def _hear(client: subprocess.Popen[str]) -> str:
    assert client.stdout is not None
    return client.stdout.readline().strip()


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
