"""Workers are killed with -9 in the middle of batches while products are inserted, edited and deleted.

Short by default; the full form is ``SHELFMATE_CHAOS_KILLS=50 .venv/bin/pytest tests/chaos``.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from threading import Event, Thread
from typing import Self

import numpy as np
import pytest
from psycopg import Connection

from backend.database.connection import Database, Row, open_database
from backend.encoders.registry import load_image_encoder, load_text_encoder
from backend.settings import Settings
from backend.spaces.fusion import fuse
from backend.spaces.space import active_space, ensure_default_space
from tests.pictures import jpeg

KILLS = int(os.environ.get("SHELFMATE_CHAOS_KILLS", "10"))
PRODUCTS = 400
LEASE_SECONDS = 1.0

AUDIT = """
CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY, product_id bigint, text_hash bytea, image_hash bytea);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.audit (product_id, text_hash, image_hash) VALUES (NEW.product_id, NEW.text_hash, NEW.image_hash);
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON shelfmate.product_embeddings_1 FOR EACH ROW EXECUTE FUNCTION audit();
"""


@pytest.fixture
def settings(database_url: str, tmp_path: object) -> Settings:
    return Settings(database_url=database_url, text_encoder="hashing:64", image_encoder="hashing:64")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with open_database(settings) as opened:
        ensure_default_space(opened, settings)
        with opened.write() as connection:
            connection.execute("SET LOCAL search_path = public")
            connection.execute(AUDIT)
        yield opened


class Editor:
    """Inserts, edits and deletes at random; no text is ever used twice, so that each input may be stored once only."""

    def __init__(self, database: Database, seed: int) -> None:
        self._database = database
        self._random = random.Random(seed)
        self._count = 0
        self._stopped = Event()
        self._thread = Thread(target=self._run)
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopped.set()
        self._thread.join()
        if self.error:
            raise self.error

    def insert(self, connection: Connection[Row], sku: str) -> None:
        self._count += 1
        row = connection.execute(
            "INSERT INTO products (sku, title) VALUES (%s, %s) ON CONFLICT (sku) DO UPDATE SET title = excluded.title"
            " RETURNING id",
            [sku, f"product {sku} number {self._count}"],
        ).fetchone()
        assert row
        if self._random.random() < 0.5:
            content = jpeg(self._random.randrange(2**24))
            connection.execute(
                "INSERT INTO product_images (product_id, sha256, media_type, width, height, content)"
                " VALUES (%s, %s, 'image/jpeg', 16, 16, %s)"
                " ON CONFLICT (product_id, position)"
                " DO UPDATE SET sha256 = excluded.sha256, content = excluded.content",
                [row[0], hashlib.sha256(content).digest(), content],
            )

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._random.uniform(0, 0.02)):
                sku = f"S{self._random.randrange(PRODUCTS)}"
                with self._database.write() as connection:
                    if self._random.random() < 0.1:
                        connection.execute("DELETE FROM products WHERE sku = %s", [sku])
                    else:
                        self.insert(connection, sku)
        except Exception as error:  # noqa: BLE001  # Raised again by the thread that waits.
            self.error = error


def test_nothing_is_lost_doubled_or_stale_when_workers_are_killed(database: Database, settings: Settings) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    in_batch = 0
    with Editor(database, seed) as editor:
        with database.write() as connection:
            for number in range(PRODUCTS):
                editor.insert(connection, f"S{number}")
        for _ in range(KILLS):
            worker = _start(settings)
            try:
                in_batch += _wait_for_lease(database, worker)
                time.sleep(moments.uniform(0, 0.02))
            finally:
                worker.send_signal(signal.SIGKILL)
                worker.wait()
    assert in_batch == KILLS, "a worker was killed before it held a job"
    began = time.monotonic()
    assert _start(settings, "--drain").wait(60) == 0
    assert time.monotonic() - began < 30
    _assert_all_is_well(database)


def _start(settings: Settings, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url or "",
        "SHELFMATE_LEASE_SECONDS": str(LEASE_SECONDS),
        "SHELFMATE_POLL_SECONDS": "0.2",
        "SHELFMATE_BATCH_SIZE": "32",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "backend.cli", "worker", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait_for_lease(database: Database, worker: "subprocess.Popen[bytes]") -> bool:
    """Wait until this very worker holds a job; False when it ends or idles instead."""
    deadline = time.monotonic() + 30
    with database.alone() as connection:
        while time.monotonic() < deadline and worker.poll() is None:
            held = connection.execute(
                "SELECT FROM embedding_jobs WHERE state = 'leased' AND split_part(worker, ':', 2) = %s LIMIT 1",
                [str(worker.pid)],
            ).fetchone()
            if held is not None:
                return True
    return False


def _assert_all_is_well(database: Database) -> None:
    space = active_space(database)
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM embedding_jobs").fetchone() == (0,)
        products = connection.execute(
            "SELECT p.title, i.content, i.sha256, e.text_hash, e.image_hash, e.fused FROM products p"
            " LEFT JOIN product_images i ON i.product_id = p.id"
            " LEFT JOIN product_embeddings e ON e.product_id = p.id ORDER BY p.id"
        ).fetchall()
        orphans = connection.execute(
            "SELECT count(*) FROM product_embeddings e LEFT JOIN products p ON p.id = e.product_id WHERE p.id IS NULL"
        ).fetchone()
        doubled = connection.execute(
            "SELECT product_id, count(*) FROM public.audit"
            " GROUP BY product_id, text_hash, image_hash HAVING count(*) > 1"
        ).fetchall()
    assert orphans == (0,)
    assert doubled == [], "the same input was stored twice"
    text, image = load_text_encoder("hashing:64"), load_image_encoder("hashing:64")
    for title, content, sha256, text_hash, image_hash, fused in products:
        assert text_hash == hashlib.sha256(title.encode()).digest(), f"{title} is lost or stale"
        assert image_hash == sha256, f"the photograph of {title} is lost or stale"
        expected = fuse(
            [text.encode([title]), image.encode([image.prepare(content)]) if content else None, None],
            space.weights,
            space.dimensions,
        )[0]
        np.testing.assert_allclose(fused.to_numpy().astype(np.float32), expected, atol=1e-3)
