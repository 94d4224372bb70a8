"""A ``shelfmate serve`` of the test's own, and the ways to ask it."""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.chaos.fleet import ROOT, wait_until
from tests.chaos.readers import Refused

# Longer than any write waits, on a machine that is busy.
PATIENCE = 90.0


@dataclass
class HttpDoor:
    """What a shop asks: products like one, by a list in two pages, and by a text."""

    port: int
    seed: str

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def ask(self, about: str) -> tuple[str, str, Sequence[tuple[int | str, float]]]:
        """See ``readers.Door.ask``."""
        if " " in about:
            _, answer = self.call("POST", "/v1/recommendations", {"like": [{"text": about}], "k": 10})
            return "text", answer["space"], _items(answer)
        if self._random.random() < 0.5:
            _, answer = self.call("GET", f"/v1/products/{quote(about)}/similar?k=10")
            return "similar", answer["space"], _items(answer)
        _, first = self.call("POST", "/v1/recommendations", {"like": [{"sku": about}], "k": 5})
        path = f"/v1/recommendations/{first['recommendation_id']}?k=5&cursor={quote(first['next_cursor'])}"
        _, second = self.call("GET", path)
        if first["space"] != second["space"]:
            raise Refused(f"two pages of one list are of the spaces {first['space']} and {second['space']}")
        return "pages", first["space"], [*_items(first), *_items(second)]

    def close(self) -> None:
        """Nothing is kept open."""

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the JSON of a good answer.

        Raises:
            Refused: it is none.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read().decode()
        except OSError as error:
            raise Refused(f"{method} {path}: {error}") from error
        finally:
            connection.close()
        if response.status >= 300:
            raise Refused(f"{method} {path}: {response.status} {text}", absent=response.status == 503)
        return response.status, json.loads(text)


@contextmanager
def serving(dsn: str, log: Path) -> Iterator[int]:
    """The port of a server that runs meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "DATABASE_URL": dsn, "SHELFMATE_PORT": str(port), "PGAPPNAME": "chaos-server"}
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", "serve"], env=environment, cwd=ROOT, stdout=stream, stderr=stream
        )
    try:
        assert wait_until(lambda: _answers(port), PATIENCE, 0.05), log.read_text()
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _items(answer: Any) -> list[tuple[int | str, float]]:
    return [(item["sku"], item["score"]) for item in answer["items"]]


def _answers(port: int) -> bool:
    try:
        HttpDoor(port, "").call("GET", "/healthz")
    except Refused:
        return False
    return True
