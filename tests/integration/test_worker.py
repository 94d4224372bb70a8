"""The worker as a whole."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

from backend.database.connection import Database
from backend.errors import ConfigurationError
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import Vectors
from backend.spaces.indexes import FEWEST_INDEXED, build_indexes, prepare_for_fill
from backend.spaces.jobs import count_jobs, list_jobs
from backend.spaces.space import Space, active_space
from tests.eventually import eventually
from tests.pictures import jpeg
from workers.progress import Progress
from workers.worker import Worker


class CountingEmbedder(Embedder):
    """Counts what is encoded, and fails on texts that contain ``poison``."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded_texts: list[str] = []
        self.encoded_images = 0

    def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
        texts = [text for texts in inputs for text in texts]
        self.encoded_texts += texts
        if any("poison" in text for text in texts):
            raise RuntimeError("this text cannot be encoded")
        return super().product_texts(space, inputs)

    def images(self, space: Space, prepared: object) -> object:  # type: ignore[override]  # as above
        assert isinstance(prepared, list)
        self.encoded_images += len(prepared)
        return super().images(space, prepared)


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def drain(database: Database, settings: Settings, embedder: CountingEmbedder) -> Callable[[], int]:
    return lambda: Worker(database, settings, Progress(), drain=True, embedder=embedder).run()


@contextmanager
def running(database: Database, settings: Settings) -> Iterator[Worker]:
    worker = Worker(database, settings, Progress())
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stopping.set()
        thread.join()


def insert(database: Database, sku: str, title: str = "", image: bytes | None = None) -> None:
    with database.write() as connection:
        row = connection.execute(
            "INSERT INTO products (sku, title) VALUES (%s, %s) RETURNING id", [sku, title or f"title of {sku}"]
        ).fetchone()
        assert row
        if image is not None:
            put_image(connection, row[0], image)


def put_image(connection: object, product_id: int, image: bytes) -> None:
    connection.execute(  # type: ignore[attr-defined]  # a psycopg connection
        "INSERT INTO product_images (product_id, sha256, media_type, width, height, content)"
        " VALUES (%s, sha256(%s), 'image/jpeg', 16, 16, %s)"
        " ON CONFLICT (product_id, position) DO UPDATE SET sha256 = excluded.sha256, content = excluded.content",
        [product_id, image, image],
    )


def embedded(database: Database) -> dict[str, tuple[bool, bool]]:
    with database.read() as connection:
        rows = connection.execute("SELECT sku, text IS NOT NULL, image IS NOT NULL FROM active_embeddings").fetchall()
    return {sku: (text, image) for sku, text, image in rows}


def test_products_with_and_without_a_photograph_are_embedded(database: Database, drain: Callable[[], int]) -> None:
    insert(database, "A", image=jpeg(1))
    insert(database, "B")
    assert drain() == 2
    assert embedded(database) == {"A": (True, True), "B": (True, False)}
    with database.read() as connection:
        (fused,) = connection.execute("SELECT fused FROM active_embeddings WHERE sku = 'B'").fetchone() or (None,)
    assert fused is not None
    vector = fused.to_numpy().astype(float)
    assert np.linalg.norm(vector[:64]) == pytest.approx(0.5**0.5, abs=1e-3)
    assert not vector[64:].any()


def test_only_what_changed_is_encoded_again(
    database: Database, drain: Callable[[], int], embedder: CountingEmbedder
) -> None:
    insert(database, "A", "first", jpeg(1))
    drain()
    assert (embedder.encoded_texts, embedder.encoded_images) == (["first"], 1)
    with database.write() as connection:
        connection.execute("UPDATE products SET title = 'second'")
    drain()
    assert (embedder.encoded_texts, embedder.encoded_images) == (["first", "second"], 1)
    with database.write() as connection:
        put_image(connection, 1, jpeg(2))
    drain()
    assert (embedder.encoded_texts, embedder.encoded_images) == (["first", "second"], 2)
    with database.write() as connection:
        connection.execute("UPDATE products SET title = 'third'")
        connection.execute("UPDATE products SET title = 'second'")
        connection.execute("UPDATE products SET description = 'not part of this space'")
    assert drain() == 1
    assert (embedder.encoded_texts, embedder.encoded_images) == (["first", "second"], 2)
    with database.write() as connection:
        connection.execute("DELETE FROM product_images")
    drain()
    assert embedded(database) == {"A": (True, False)}


def test_a_poison_text_delays_no_other(database: Database, drain: Callable[[], int], settings: Settings) -> None:
    for number in range(20):
        insert(database, f"S{number}", f"poison {number}" if number == 7 else "")
    with database.write() as connection:
        connection.execute("UPDATE embedding_jobs SET attempts = %s", [settings.max_attempts - 1])
    assert drain() == 19
    (dead,) = list_jobs(database)
    assert (dead.sku, dead.state) == ("S7", "dead")
    assert dead.last_error == "RuntimeError: this text cannot be encoded"


def test_a_photograph_that_cannot_be_read_is_dead_at_once(database: Database, drain: Callable[[], int]) -> None:
    insert(database, "A", image=b"no picture")
    insert(database, "B", image=jpeg(1))
    assert drain() == 1
    (dead,) = list_jobs(database)
    assert (dead.sku, dead.state, dead.attempts) == ("A", "dead", 1)
    assert "UnreadableImage" in (dead.last_error or "")
    with database.write() as connection:
        put_image(connection, 1, jpeg(2))
    assert drain() == 1
    assert count_jobs(database).dead == 0


def test_a_notify_wakes_an_idle_worker(database: Database, settings: Settings) -> None:
    with running(database, settings.model_copy(update={"poll_seconds": 600.0})):
        insert(database, "first")
        eventually(lambda: "first" in embedded(database))
        time.sleep(0.5)
        insert(database, "second")
        eventually(lambda: "second" in embedded(database))


def test_the_poll_finds_what_no_notify_announced(database: Database, settings: Settings) -> None:
    with running(database, settings):
        time.sleep(0.3)
        with database.write() as connection:
            connection.execute("ALTER TABLE products DISABLE TRIGGER queue_inserted")
        insert(database, "A")
        with database.write() as connection:
            connection.execute("INSERT INTO embedding_jobs (product_id, space_id) VALUES (1, 1)")
        eventually(lambda: "A" in embedded(database))


def test_several_workers_share_the_work(database: Database, settings: Settings) -> None:
    small = settings.model_copy(update={"batch_size": 4})
    with running(database, small) as one, running(database, small) as two, running(database, small) as three:
        with database.write() as connection:
            connection.execute(
                "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, 300) n"
            )
        eventually(lambda: len(embedded(database)) == 300)
        eventually(lambda: count_jobs(database).waiting == 0)
    assert one.embedded + two.embedded + three.embedded == 300


def test_a_worker_lives_through_lost_connections(database: Database, settings: Settings) -> None:
    with running(database, settings):
        insert(database, "before")
        eventually(lambda: "before" in embedded(database))
        with database.alone() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with database.alone() as connection:
            connection.execute("INSERT INTO products (sku, title) VALUES ('after', 'after')")
            eventually(
                lambda: connection.execute("SELECT FROM active_embeddings WHERE sku = 'after'").fetchone() is not None
            )


def test_sigterm_hands_back_what_is_not_finished(database: Database, settings: Settings) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, 3000) n"
        )
    # One at a time, so that the end is far off when the signal comes.
    environment = {**os.environ, "DATABASE_URL": settings.database_url or "", "SHELFMATE_BATCH_SIZE": "1"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "backend.cli", "worker"], env=environment, stderr=subprocess.DEVNULL
    )
    eventually(lambda: count_jobs(database).leased > 0)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    counts = count_jobs(database)
    assert counts.leased == 0
    assert 0 < counts.queued < 3000
    assert counts.queued + len(embedded(database)) == 3000


def test_vectors_of_another_version_of_an_encoder_are_not_mixed_in(
    database: Database, drain: Callable[[], int]
) -> None:
    insert(database, "A")
    with database.write() as connection:
        connection.execute("UPDATE embedding_spaces SET text_version = 'an older one'")
    with pytest.raises(ConfigurationError, match="must not be mixed"):
        drain()
    assert [job.state for job in list_jobs(database)] == ["queued"]


def test_indexes_are_built_after_a_large_fill_and_mended_after_a_crash(
    database: Database, drain: Callable[[], int]
) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, %s) n",
            [FEWEST_INDEXED],
        )
    drain()
    names = "SELECT relname FROM pg_class WHERE relname LIKE 'product_embeddings_1\\_%_hnsw' ORDER BY 1"
    expected = [(f"product_embeddings_1_{name}_hnsw",) for name in ("fused", "image", "text")]
    space = active_space(database)
    with database.write() as connection:
        assert connection.execute(names).fetchall() == expected
        # What a crash during CREATE INDEX CONCURRENTLY leaves behind.
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'product_embeddings_1_fused_hnsw'::regclass"
        )
        assert connection.execute("SELECT is_indexed(1)").fetchone() == (False,)
    with database.alone() as connection:
        assert build_indexes(connection, space, lambda _line: None) == ["product_embeddings_1_fused_hnsw"]
    with database.write() as connection:
        assert connection.execute("SELECT is_indexed(1)").fetchone() == (True,)
        connection.execute("UPDATE products SET title = title || '!'")
    # As many wait as are embedded: quicker to fill first.
    assert prepare_for_fill(database, space)
    with database.read() as connection:
        assert connection.execute(names).fetchall() == []


def test_a_fill_leaves_the_indexes_alone_while_a_query_runs(database: Database, drain: Callable[[], int]) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, %s) n",
            [FEWEST_INDEXED],
        )
    drain()
    with database.write() as connection:
        connection.execute("UPDATE products SET title = title || '!'")
    space = active_space(database)
    with database.alone() as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM active_embeddings")
        assert not prepare_for_fill(database, space)
    assert prepare_for_fill(database, space)


def test_products_are_embedded_while_an_index_waits_for_an_old_transaction(
    database: Database, settings: Settings
) -> None:
    with database.alone() as reader, reader.transaction():
        # Its snapshot is what CREATE INDEX CONCURRENTLY waits for.
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM product_embeddings_1")
        with running(database, settings):
            with database.write() as connection:
                connection.execute(
                    "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, %s) n",
                    [FEWEST_INDEXED],
                )
            eventually(lambda: len(embedded(database)) == FEWEST_INDEXED)
            with database.read() as connection:
                unfinished = "SELECT FROM pg_stat_progress_create_index"
                eventually(lambda: connection.execute(unfinished).fetchone() is not None)
            insert(database, "late")
            eventually(lambda: "late" in embedded(database))
        # Leaving cancelled the build rather than waiting for the reader.
        with database.read() as connection:
            assert connection.execute("SELECT is_indexed(1)").fetchone() == (False,)


def test_suspects_are_encoded_in_a_process_of_their_own(database: Database, settings: Settings) -> None:
    for number in range(30):
        insert(database, f"S{number}")
    with database.write() as connection:
        connection.execute("UPDATE embedding_jobs SET losses = 2 WHERE product_id IN (5, 6, 7)")
    embedder = CountingEmbedder()
    worker = Worker(database, settings, Progress(), drain=True, embedder=embedder)
    assert worker.run() == 30
    assert sorted(set(range(30)) - {int(text.removeprefix("title of S")) for text in embedder.encoded_texts}) == [
        4,
        5,
        6,
    ]
    with database.read() as connection:
        logged = connection.execute(
            "SELECT worker = %s, sum(completed)::int FROM embedding_log GROUP BY 1 ORDER BY 1", [worker.queue.worker]
        ).fetchall()
    assert logged == [(False, 3), (True, 27)]
