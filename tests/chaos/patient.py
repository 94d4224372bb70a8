"""Shops that write over HTTP and wait for the vector: what they are told is embedded has to be."""

import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from threading import Event, Thread
from urllib.parse import quote

import numpy as np
import psycopg

from tests.chaos.content import ATOL, RECIPES, Content, decoded, title
from tests.chaos.http import HttpDoor
from tests.chaos.readers import Refused
from tests.chaos.server import Server

STORED = """
SELECT s.name, s.activated_at, halfvec_send(e.fused) FROM shelfmate.embedding_spaces s
  LEFT JOIN (shelfmate.product_embeddings e JOIN shelfmate.products p ON p.id = e.product_id AND p.sku = %s)
         ON e.space_id = s.id
 WHERE s.state = 'active'
"""


@dataclass
class Patient:
    """A thread that writes a product of its own with ``wait=embedded`` and looks at once."""

    server: Server
    port: int
    seed: str
    pause: float
    failures: list[str] = field(default_factory=list)
    "Refused writes, and answers that were not true, as kind and detail."
    kept: int = 0
    excused: int = 0
    longest: float = 0.0
    stopping: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._numbers = count(1)
        self._thread = Thread(target=self._run, name=f"patient {self.seed}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def end(self) -> None:
        """Finish the write in hand."""
        self.stopping.set()
        self._thread.join()

    def _run(self) -> None:
        door = HttpDoor(self.port, self.seed)
        while not self.stopping.wait(self._random.expovariate(1 / self.pause)):
            began = time.time()
            try:
                self._write(door)
            except Refused as error:
                self._judge(error.absent, began, str(error))
            except psycopg.OperationalError as error:
                self._judge(True, began, str(error))

    def _judge(self, absent: bool, began: float, told: str) -> None:
        if absent and self.server.was_down(began, time.time()):
            self.excused += 1
        else:
            self.failures.append(f"a write at {began:.3f}: {told}")

    def _write(self, door: HttpDoor) -> None:
        text, began = title(self._random, next(self._numbers)), time.time()
        sku = "patient"
        before = self._stored(sku)[:2]
        status, _ = door.call("PUT", f"/v1/products/{quote(sku)}?wait=embedded&timeout=20", {"title": text})
        self.longest = max(self.longest, time.time() - began)
        space, since, vector = self._stored(sku)
        # While a space is activated, or one and then this one again, another's vector would be looked at.
        if status == 202 or (space, since) != before:
            return
        right = RECIPES[space].vector(Content(sku, text))
        if vector is None or not np.allclose(decoded(vector), right, atol=ATOL):
            self.failures.append(f"{text!r} was said to be embedded in {space} at {time.time():.3f}, and was not")
        self.kept += 1

    def _stored(self, sku: str) -> tuple[str, datetime, bytes | None]:
        with psycopg.connect(self.server.dsn, autocommit=True, application_name="chaos-reader") as connection:
            row = connection.execute(STORED, [sku]).fetchone()
        assert row
        return row[0], row[1], row[2]
