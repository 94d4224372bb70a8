"""Two streams: what somebody waits for passes every backfill, and the backfills of spaces take turns."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from backend.database.connection import Database
from backend.encoders.registry import describe_text_encoder
from backend.errors import ConfigurationError
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import Vectors
from backend.spaces.jobs import count_jobs, list_jobs, queue_by_space
from backend.spaces.space import Space
from tests.eventually import eventually
from workers.hanging import EXIT_STATUS
from workers.progress import Progress
from workers.queue import JobQueue
from workers.worker import Worker


@contextmanager
def running(worker: Worker) -> Iterator[Worker]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stopping.set()
        thread.join(30)


def insert(database: Database, count: int, sku: str = "S", title: str = "T") -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT %s || n, %s || n FROM generate_series(1, %s) n",
            [sku, title, count],
        )


def add_space(database: Database, name: str, version: str | None = None) -> int:
    """A text space beside the others whose fill was queued in full already."""
    with database.write() as connection:
        row = connection.execute(
            "SELECT create_space(%s, 'hashing:8', %s, '{title}', 8, 1, NULL, NULL, 0, 0)",
            [name, version or describe_text_encoder("hashing:8").version],
        ).fetchone()
        assert row is not None
        connection.execute(
            "INSERT INTO embedding_jobs (product_id, space_id, priority) SELECT id, %s, 1 FROM products ORDER BY id",
            row,
        )
    return int(row[0])


def embedded(database: Database, space_id: int, sku: str = "%") -> int:
    with database.read() as connection:
        row = connection.execute(
            "SELECT count(*) FROM product_embeddings e JOIN products p ON p.id = e.product_id"
            " WHERE e.space_id = %s AND p.sku LIKE %s",
            [space_id, sku],
        ).fetchone()
    assert row is not None
    return int(row[0])


class HeldFill(Embedder):
    """Holds batches of more than one text until they are let go."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.held, self.let_go = threading.Event(), threading.Event()

    def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
        if len(inputs) > 1:
            self.held.set()
            self.let_go.wait()
        return super().product_texts(space, inputs)


def test_an_insert_does_not_wait_for_the_batch_of_a_backfill(database: Database, settings: Settings) -> None:
    insert(database, 2_000)
    embedder = HeldFill(database)
    with running(Worker(database, settings, Progress(), embedder=embedder)):
        try:
            assert embedder.held.wait(60)
            for number in range(5):
                insert(database, 1, f"single{number}")
                eventually(lambda sku=f"single{number}1": embedded(database, 1, sku) == 1)
            assert embedded(database, 1, "S%") == 0
            assert count_jobs(database).queued > 1_000
        finally:
            embedder.let_go.set()


def test_the_backfills_of_spaces_take_turns(database: Database, settings: Settings) -> None:
    insert(database, 400)
    small = settings.model_copy(update={"batch_size": 8})
    second, third = add_space(database, "second"), add_space(database, "third")
    order: list[int] = []

    class Watching(Embedder):
        def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
            order.append(space.id)
            return super().product_texts(space, inputs)

    Worker(database, small, Progress(), drain=True, embedder=Watching(database)).run()
    for space_id in (1, second, third):
        assert embedded(database, space_id) == 400
    # One after the other, the third would have none of the first 100; a space is passed by while its fill is queued.
    assert min(order[:100].count(space_id) for space_id in (1, second, third)) >= 20


def test_an_edit_of_a_space_that_is_filled_is_part_of_its_fill(database: Database) -> None:
    insert(database, 1)
    with database.write() as connection:
        connection.execute("DELETE FROM embedding_jobs")
    add_space(database, "second")
    with database.write() as connection:
        connection.execute("UPDATE products SET title = 'another'")
    assert sorted((job.space, job.priority) for job in list_jobs(database)) == [("default", 0), ("second", 1)]


def test_the_active_space_is_stored_before_the_others_are_encoded(database: Database, settings: Settings) -> None:
    second = add_space(database, "second")
    with database.write() as connection:
        connection.execute("UPDATE embedding_spaces SET state = 'shadow', filled_at = now()")
        connection.execute("UPDATE embedding_spaces SET state = 'active' WHERE id = %s", [second])
    stored_first: list[bool] = []

    class Waiting(Embedder):
        def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
            if space.id != second:
                eventually(lambda: embedded(database, second) == 1)
                stored_first.append(True)
            return super().product_texts(space, inputs)

    insert(database, 1)
    Worker(database, settings, Progress(), drain=True, embedder=Waiting(database)).run()
    assert stored_first == [True]
    assert embedded(database, 1) == 1


def test_a_space_whose_encoder_is_not_here_stops_no_other(database: Database, settings: Settings) -> None:
    insert(database, 50)
    second = add_space(database, "second", "of another machine")
    with pytest.raises(ConfigurationError, match="second"):
        Worker(database, settings, Progress(), drain=True).run()
    assert (embedded(database, 1), embedded(database, second)) == (50, 0)
    with running(Worker(database, settings, Progress())):
        insert(database, 1, "later")
        eventually(lambda: embedded(database, 1) == 51)
        time.sleep(0.3)
        insert(database, 1, "last")
        eventually(lambda: embedded(database, 1) == 52)
    counts = count_jobs(database)
    assert (counts.queued, counts.leased, counts.dead) == (52, 0, 0)


def test_the_successor_of_a_space_whose_encoder_is_gone_is_filled(database: Database, settings: Settings) -> None:
    insert(database, 20)
    with database.write() as connection:
        connection.execute("UPDATE embedding_spaces SET text_version = 'of another machine'")
    successor = add_space(database, "successor")
    with pytest.raises(ConfigurationError, match="default"):
        Worker(database, settings, Progress(), drain=True).run()
    assert (embedded(database, 1), embedded(database, successor)) == (0, 20)


def test_jobs_of_a_worker_that_died_come_back_without_a_poll(database: Database, settings: Settings) -> None:
    insert(database, 5)
    assert len(JobQueue(database, "dead", lease_seconds=0.5).claim_interactive(10)) == 5
    patient = settings.model_copy(update={"poll_seconds": 600.0, "lease_seconds": 1.0})
    with running(Worker(database, patient, Progress())):
        eventually(lambda: embedded(database, 1) == 5)


def test_the_queue_is_told_by_space(database: Database, settings: Settings) -> None:
    insert(database, 3)
    insert(database, 1, "P", "poison")
    add_space(database, "second")
    queue = JobQueue(database, "test", lease_seconds=60)
    queue.claim_interactive(1)
    first, second = queue_by_space(database)
    assert (first.space, first.state, first.interactive, first.backfill, first.leased) == ("default", "active", 3, 0, 1)
    assert (second.space, second.interactive, second.backfill) == ("second", 0, 4)
    assert 0 <= first.oldest < 60

    class Failing(Embedder):
        def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
            if any("poison" in text for texts in inputs for text in texts):
                raise RuntimeError("poison")
            return super().product_texts(space, inputs)

    queue.expire(["test"])
    once = settings.model_copy(update={"max_attempts": 1})
    Worker(database, once, Progress(), drain=True, embedder=Failing(database)).run()
    first, second = queue_by_space(database)
    assert (first.interactive, first.leased, first.dead, first.oldest) == (0, 0, 1, 0)
    assert (first.completed_minute, first.completed_hour, first.died_minute) == (3, 3, 1)
    # Its fill looks at every product once more, at what is dead too.
    assert (second.completed_hour >= 3, second.died_hour >= 1) == (True, True)


HANGING = """
import time
from backend.database.connection import open_database
from backend.settings import settings
from backend.spaces.embedder import Embedder
from workers.progress import Progress
from workers.worker import Worker

class Hanging(Embedder):
    def product_texts(self, space, inputs):
        if any("hangs" in text for texts in inputs for text in texts):
            time.sleep(600)
        return super().product_texts(space, inputs)

with open_database(settings()) as database:
    Worker(database, settings(), Progress(), embedder=Hanging(database)).run()
"""


def test_a_worker_whose_batch_hangs_ends_and_its_jobs_are_tried_alone(database: Database, settings: Settings) -> None:
    insert(database, 1, "H", "hangs")
    insert(database, 7)
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url or "",
        # Both long enough for a machine that stands still for a moment: nothing but the batch may be taken to hang.
        "SHELFMATE_LEASE_SECONDS": "4",
        "SHELFMATE_HANG_SECONDS": "2",
    }
    ended = subprocess.run(
        [sys.executable, "-c", HANGING], env=environment, check=False, timeout=200, capture_output=True
    )
    assert ended.returncode == EXIT_STATUS, ended.stderr
    jobs = list_jobs(database)
    assert {(job.state, job.losses) for job in jobs if job.sku == "H1"} == {("queued", 4)}
    assert "made no step" in (jobs[0].last_error or "")
    # Nothing stays held: what was not in that batch is free at once.
    assert count_jobs(database).leased == 0
