"""What a worker lives through, and what it leaves behind where it does not."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from psycopg import OperationalError

from backend.database.connection import Database
from backend.encoders.registry import describe_image_encoder
from backend.errors import UnreadableImage
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import Vectors
from backend.spaces.jobs import count_jobs, list_jobs
from backend.spaces.space import Space, ensure_default_space
from tests.eventually import eventually
from tests.pictures import jpeg
from workers.progress import Progress
from workers.queue import JobQueue
from workers.worker import Worker


def insert(database: Database, count: int) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, %s) n", [count]
        )


@contextmanager
def running(worker: Worker) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield thread
    finally:
        worker.stopping.set()
        thread.join(60)


def eventually_idle(database: Database) -> None:
    eventually(lambda: not count_jobs(database).waiting)


def test_a_failure_is_noted_without_waiting_for_an_open_edit(database: Database) -> None:
    queue = JobQueue(database, "test", lease_seconds=60)
    insert(database, 1)
    (lease,) = queue.claim_interactive(10)
    with database.alone() as other, other.transaction():
        other.execute("UPDATE products SET title = 'another'")
        noting = threading.Thread(target=queue.fail, args=(lease, "it broke"), kwargs={"delay": 0})
        noting.start()
        noting.join(30)
        waited = noting.is_alive()
    noting.join()
    assert not waited


@pytest.mark.parametrize("words", ["with a \0 in it", "with a lone \udcff in it", "very long " * 100_000])
def test_whatever_a_failure_says_is_kept(database: Database, settings: Settings, words: str) -> None:
    class Failing(Embedder):
        def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
            raise UnreadableImage(words)

    insert(database, 1)
    Worker(database, settings, Progress(), drain=True, embedder=Failing()).run()
    (job,) = list_jobs(database)
    assert job.state == "dead"
    assert words[:6] in (job.last_error or "")
    assert len(job.last_error or "") < 10_000


@pytest.mark.parametrize("state", ["53100", "57014", "40P01"])
def test_a_worker_lives_through_a_server_in_need(database: Database, settings: Settings, state: str) -> None:
    with database.write() as connection:
        connection.execute("CREATE SEQUENCE public.refusals")
        connection.execute(
            "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF nextval('public.refusals') < 3 THEN RAISE 'no' USING ERRCODE = '{state}'; END IF;"
            " RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE TRIGGER refuse AFTER INSERT ON product_embeddings_1 FOR EACH ROW EXECUTE FUNCTION public.refuse()"
        )
    insert(database, 10)
    with running(Worker(database, settings.model_copy(update={"lease_seconds": 600.0}), Progress())) as thread:
        eventually_idle(database)
        assert thread.is_alive()


def test_a_result_that_the_database_refuses_fails_its_own_job_only(database: Database, settings: Settings) -> None:
    with database.write() as connection:
        connection.execute("ALTER TABLE product_embeddings_1 ADD CHECK (product_id <> 5)")
    insert(database, 20)
    once = settings.model_copy(update={"max_attempts": 1})
    assert Worker(database, once, Progress(), drain=True).run() == 19
    (dead,) = list_jobs(database)
    assert (dead.sku, dead.state) == ("S5", "dead")
    assert "CheckViolation" in (dead.last_error or "")


def test_a_heartbeat_under_way_makes_no_result_refused(database: Database, settings: Settings) -> None:
    stored: list[int] = []

    class SlowBeats(JobQueue):
        def extend(self, tokens: Sequence[int]) -> None:
            with self.database.write() as connection:
                connection.execute(
                    "UPDATE embedding_jobs SET leased_until = now() + '1 s' WHERE lease_token = ANY (%s)",
                    [list(tokens)],
                )
                time.sleep(0.3)

        def store(self, space_id: int, results: Sequence[object]) -> set[int]:
            accepted = super().store(space_id, results)  # type: ignore[arg-type]  # passed on
            stored.append(len(results) - len(accepted))
            return accepted

    class Slow(Embedder):
        def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
            time.sleep(0.4)
            return super().product_texts(space, inputs)

    insert(database, 8)
    small = settings.model_copy(update={"batch_size": 2})
    worker = Worker(database, small, Progress(), drain=True, embedder=Slow())
    worker.queue = SlowBeats(database, "slow", lease_seconds=1)
    assert worker.run() == 8
    assert stored == [0] * 4


def test_a_stop_finishes_the_batch_in_hand_and_returns_the_one_prepared(database: Database, settings: Settings) -> None:
    class Stopping(Embedder):
        def product_texts(self, space: Space, inputs: Sequence[tuple[str, ...]]) -> Vectors:
            # As SIGTERM does while a batch is encoded and the next one is ready.
            time.sleep(0.3)
            worker.stopping.set()
            return super().product_texts(space, inputs)

    insert(database, 100)
    worker = Worker(database, settings.model_copy(update={"batch_size": 8}), Progress(), embedder=Stopping())
    assert worker.run() == 8
    counts = count_jobs(database)
    assert (counts.queued, counts.leased) == (92, 0)


def test_a_photograph_stored_while_a_space_is_made_is_embedded_in_it(database: Database, settings: Settings) -> None:
    insert(database, 1)
    with database.alone() as other:
        with other.transaction():
            other.execute(
                "INSERT INTO product_images (product_id, sha256, media_type, width, height, content)"
                " VALUES (1, sha256(%(content)s), 'image/jpeg', 16, 16, %(content)s)",
                {"content": jpeg(1)},
            )
            with database.write() as connection:
                connection.execute(
                    "SELECT create_space('second', NULL, NULL, '{title}', 0, 0, 'hashing:8', %s, 8, 1)",
                    [describe_image_encoder("hashing:8").version],
                )
            # Whatever a worker finds in the new space now, it does not find the photograph.
            with running(Worker(database, settings, Progress())):
                time.sleep(0.5)
        Worker(database, settings, Progress(), drain=True).run()
        assert other.execute(
            "SELECT count(*) FROM product_embeddings WHERE space_id = 2 AND image_hash IS NOT NULL"
        ).fetchone() == (1,)


def test_several_processes_make_one_default_space(database: Database, settings: Settings) -> None:
    with database.write() as connection:
        connection.execute("DROP VIEW active_embeddings")
        connection.execute("DROP TABLE product_embeddings_1")
        connection.execute("DELETE FROM embedding_spaces")
    threads = [threading.Thread(target=ensure_default_space, args=(database, settings)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM embedding_spaces").fetchone() == (1,)


def test_a_batch_that_was_encoded_when_the_database_failed_is_handed_back(
    database: Database, settings: Settings
) -> None:
    class Refusing(JobQueue):
        def store(self, space_id: int, results: Sequence[object]) -> set[int]:
            if not failed.is_set():
                # The next batch is encoded meanwhile, and waits for this one.
                time.sleep(0.5)
                failed.set()
                raise OperationalError("the disk is full")
            return super().store(space_id, results)  # type: ignore[arg-type]  # passed on

    failed = threading.Event()
    insert(database, 40)
    long_leases = settings.model_copy(update={"batch_size": 8, "lease_seconds": 600.0})
    worker = Worker(database, long_leases, Progress())
    worker.queue = Refusing(database, "refusing", lease_seconds=600)
    with running(worker):
        eventually_idle(database)


def test_what_an_outage_kept_from_being_handed_back_is_no_loss(database: Database, settings: Settings) -> None:
    class Away(JobQueue):
        def store(self, space_id: int, results: Sequence[object]) -> set[int]:
            if len(refused) < 2:
                refused.append("store")
                raise OperationalError("the server is away")
            return super().store(space_id, results)  # type: ignore[arg-type]  # passed on

        def release_tokens(self, tokens: Sequence[int]) -> None:
            if len(refused) < 2 and tokens:
                refused.append("release")
                raise OperationalError("the server is still away")
            super().release_tokens(tokens)

    refused: list[str] = []
    insert(database, 8)
    worker = Worker(database, settings.model_copy(update={"lease_seconds": 600.0}), Progress())
    worker.queue = Away(database, "away", lease_seconds=600)
    with running(worker):
        eventually_idle(database)
    assert refused == ["store", "release"]
    assert worker.embedded == 8
