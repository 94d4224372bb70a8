"""The reviews' block of a product follows its reviews, whoever writes them and whatever else is going on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from review_fixtures import (
    ONLY_REVIEWS,
    CountingEmbedder,
    assert_blocks,
    review,
    reviewed_space,
    run,
    set_debounce,
    stored_blocks,
)

from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.space import Space, list_spaces
from tests.eventually import eventually
from workers import reviews as worker_reviews
from workers.batch import encode, prepare
from workers.progress import Progress
from workers.queue import JobQueue
from workers.worker import Worker

PRODUCTS = "INSERT INTO products (sku, title) SELECT 'S' || i, 'Boot ' || i FROM generate_series(1, 4) i"
JOBS = "SELECT state, priority, available_at - now() > interval '1 minute' FROM embedding_jobs WHERE space_id = %s"


@pytest.fixture
def space(database: Database) -> Space:
    run(database, PRODUCTS)
    return reviewed_space(database)


@pytest.fixture
def embedder(database: Database) -> CountingEmbedder:
    return CountingEmbedder(database)


@pytest.fixture
def settle(database: Database, settings: Settings, embedder: CountingEmbedder) -> Callable[[], int]:
    """Lets a worker do what waits, without the moment that reviews are put off; how many jobs it ended."""

    def work() -> int:
        run(database, "UPDATE embedding_jobs SET available_at = now() WHERE available_at > now()")
        return Worker(database, settings, Progress(), drain=True, embedder=embedder).run()

    return work


@contextmanager
def running(worker: Worker) -> Iterator[Worker]:
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stopping.set()
        thread.join(60)


def now(minutes: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def test_every_change_of_a_review_leads_to_the_right_block(
    database: Database, space: Space, settle: Callable[[], int]
) -> None:
    settle()
    assert stored_blocks(database, space) == {}
    first = review(database, "S1", "Great boot", "They fit and last.", helpful_votes=3, written_at=now(-1e6))
    review(database, "S1", "Poor sole", "", helpful_votes=40)
    review(database, "S1", "", "Nothing to say of the colour", written_at=datetime(9999, 1, 1, tzinfo=UTC))
    review(database, "S2", "Warm", "in winter")
    review(database, "S3", "  ", "")
    settle()
    assert_blocks(database, space)
    for change in (
        "UPDATE reviews SET body = 'They leak.' WHERE id = %s",
        "UPDATE reviews SET helpful_votes = 900 WHERE id = %s",
        "UPDATE reviews SET written_at = '1990-01-01Z' WHERE id = %s",
        "UPDATE reviews SET product_id = (SELECT id FROM products WHERE sku = 'S4') WHERE id = %s",
        "DELETE FROM reviews WHERE id = %s",
    ):
        before = stored_blocks(database, space)
        run(database, change, first)
        settle()
        assert_blocks(database, space)
        assert any(not (before.get(sku) == block).all() for sku, block in stored_blocks(database, space).items()) or (
            before.keys() != stored_blocks(database, space).keys()
        )
    run(database, "DELETE FROM products WHERE sku = 'S1'")
    settle()
    assert_blocks(database, space)
    run(database, "TRUNCATE reviews")
    settle()
    assert stored_blocks(database, space) == {}
    assert run(database, "SELECT count(*) FROM review_embeddings") == [(0,)]


def test_what_says_nothing_of_the_text_queues_nothing(
    database: Database, space: Space, settle: Callable[[], int]
) -> None:
    review(database, "S1", "Great boot")
    settle()
    run(database, "UPDATE reviews SET verified = true, author = 'A', user_id = 'u', rating = 2")
    assert run(database, "SELECT * FROM embedding_jobs") == []


def test_only_new_and_changed_reviews_are_encoded(
    database: Database, space: Space, settle: Callable[[], int], embedder: CountingEmbedder
) -> None:
    settle()
    for number in range(5):
        review(database, "S1", f"Boot {number}")
    settle()
    assert sorted(embedder.encoded) == [f"Boot {number}" for number in range(5)]
    embedder.encoded.clear()
    review(database, "S1", "Another")
    run(database, "UPDATE reviews SET title = 'Changed' WHERE title = 'Boot 3'")
    run(database, "UPDATE reviews SET helpful_votes = 5 WHERE title = 'Boot 1'")
    run(database, "UPDATE products SET title = 'A new title' WHERE sku = 'S1'")
    settle()
    assert sorted(embedder.encoded) == ["Another", "Changed"]
    assert_blocks(database, space)


def test_a_space_without_reviews_gets_no_jobs_of_them(database: Database, space: Space) -> None:
    run(database, "DELETE FROM embedding_jobs")
    review(database, "S1", "Great boot")
    assert run(database, "SELECT space_id FROM embedding_jobs") == [(space.id,)]


def test_a_review_is_put_off_behind_others_and_an_edit_is_not(
    database: Database, space: Space, settle: Callable[[], int]
) -> None:
    set_debounce(database, "1 hour")
    settle()
    review(database, "S1", "Great boot")
    assert run(database, JOBS, space.id) == [("queued", 1, True)]
    ((before,),) = run(database, "SELECT available_at FROM embedding_jobs")
    review(database, "S1", "Great boot still")
    assert run(database, "SELECT available_at FROM embedding_jobs") == [(before,)]
    # Once the space is filled, somebody waits for its edits.
    assert {one.state for one in list_spaces(database) if one.id == space.id} == {"shadow"}
    run(database, "UPDATE products SET title = 'A new title' WHERE sku = 'S1'")
    assert run(database, JOBS, space.id) == [("queued", 0, False)]
    review(database, "S1", "And another")
    assert run(database, JOBS, space.id) == [("queued", 0, False)]


def test_an_edit_is_embedded_at_once_though_reviews_of_it_are_put_off(
    database: Database, space: Space, settings: Settings, settle: Callable[[], int]
) -> None:
    set_debounce(database, "1 hour")
    settle()
    with running(Worker(database, settings, Progress())):
        for number in range(3):
            review(database, "S1", f"Boot {number}")
            run(database, "UPDATE products SET title = %s WHERE sku = 'S1'", f"A new title {number}")
            eventually(lambda: not run(database, "SELECT 1 FROM embedding_jobs"))
    assert_blocks(database, space)


@pytest.mark.parametrize("priority", [0, 1])
def test_a_review_that_comes_while_the_job_is_leased_is_not_lost(
    database: Database, space: Space, settle: Callable[[], int], embedder: CountingEmbedder, priority: int
) -> None:
    set_debounce(database, "1 hour")
    settle()
    review(database, "S1", "Great boot")
    run(database, "UPDATE embedding_jobs SET available_at = now(), priority = %s", priority)
    queue = JobQueue(database, "elsewhere", 60)
    (lease,) = queue.claim_interactive(1) if priority == 0 else queue.claim_backfill(space.id, 1)
    loaded = worker_reviews.load_reviews(database, space, [lease])[lease.product_id]
    assert [fresh.text for fresh in loaded.fresh] == ["Great boot"]
    review(database, "S1", "Poor sole")
    assert run(database, JOBS, space.id) == [("queued", priority, priority == 1)]
    settle()
    assert_blocks(database, space)


def test_what_was_encoded_is_kept_though_the_job_was_reset_meanwhile(
    database: Database, space: Space, settings: Settings, settle: Callable[[], int], embedder: CountingEmbedder
) -> None:
    set_debounce(database, "0.5 seconds")
    settle()
    review(database, "S1", "Great boot")
    encode = embedder.reviews
    late = iter(["Poor sole"])

    def slow(space: Space, texts: list[str]) -> object:
        for title in late:
            review(database, "S1", title)
        return encode(space, texts)

    embedder.reviews = slow  # type: ignore[assignment, method-assign]  # in the place of the method, for this test
    settle()
    assert embedder.encoded == ["Great boot", "Poor sole"]
    assert_blocks(database, space)


def test_a_burst_of_reviews_of_one_product_is_few_jobs(
    database: Database, space: Space, settings: Settings, settle: Callable[[], int], embedder: CountingEmbedder
) -> None:
    set_debounce(database, "0.5 seconds")
    settle()
    worker = Worker(database, settings, Progress(), embedder=embedder)
    with running(worker), psycopg.connect(database.dsn, autocommit=True) as connection:
        began = time.monotonic()
        for number in range(1000):
            connection.execute(
                "INSERT INTO reviews (product_id, rating, title, fingerprint) VALUES (1, 3, %s, sha256(%s))",
                [f"Boot {number}", f"{number}".encode()],
            )
        burst = time.monotonic() - began
        eventually(lambda: not run(database, "SELECT 1 FROM embedding_jobs"))
    assert worker.embedded <= 2 + burst / 0.5
    # Those that are encoded while more come are seldom encoded again: without what is kept, each job has all so far.
    assert len(embedder.encoded) < 2000
    assert_blocks(database, space)


def test_the_fill_of_a_new_space_takes_the_reviews_with_it(database: Database, drain: Callable[[], int]) -> None:
    run(database, PRODUCTS)
    for number in range(20):
        review(database, f"S{1 + number % 3}", f"Boot {number}", helpful_votes=number)
    space = reviewed_space(database)
    only = reviewed_space(database, "only", ONLY_REVIEWS)
    drain()
    assert_blocks(database, space)
    assert_blocks(database, only)
    # A product without reviews has a vector that says nothing.
    assert {one.name: one.state for one in list_spaces(database)} == {
        "default": "active",
        "reviewed": "shadow",
        "only": "shadow",
    }
    assert run(database, "SELECT count(*) FROM product_embeddings WHERE space_id = %s", only.id) == [(4,)]


def test_a_product_with_very_many_reviews_is_worked_in_parts(
    database: Database,
    space: Space,
    settle: Callable[[], int],
    embedder: CountingEmbedder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle()
    monkeypatch.setattr(worker_reviews, "MOST_FRESH", 250)
    monkeypatch.setattr(worker_reviews, "REVIEWS_AT_ONCE", 100)
    run(
        database,
        "INSERT INTO reviews (product_id, rating, title, body, fingerprint)"
        " SELECT p.id, 3, 'Boot ' || i, 'They are number ' || i, sha256(i::text::bytea)"
        " FROM generate_series(1, 600) i, products p WHERE p.sku = 'S2'",
    )
    # Parts of 250, of 250 and of 100.
    assert settle() == 3
    assert len(embedder.encoded) == 600
    assert max(embedder.calls) <= 100
    assert_blocks(database, space)
    embedder.encoded.clear()
    review(database, "S2", "The last one")
    settle()
    assert embedder.encoded == ["The last one"]
    assert_blocks(database, space)


def test_where_somebody_waits_for_an_edit_its_many_reviews_come_later(
    database: Database, space: Space, settings: Settings, settle: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    monkeypatch.setattr(worker_reviews, "MOST_FRESH_HURRIED", 3)
    for number in range(5):
        review(database, "S1", f"Boot {number}")
    run(database, "UPDATE products SET title = 'A new title' WHERE sku = 'S1'")
    queue = JobQueue(database, "here", 60)
    embedder = CountingEmbedder(database)
    claimed = queue.claim_interactive(9)
    (lease,) = (lease for lease in claimed if lease.space_id == space.id)
    queue.release([other for other in claimed if other is not lease])
    found = {(lease.product_id, space.id): worker_reviews.load_reviews(database, space, [lease])[lease.product_id]}
    batch = prepare([lease], queue.load([lease]), {space.id: space}, embedder, reviews=found)
    ((_, results),) = encode(batch, embedder)
    assert queue.store(space.id, results) == {lease.product_id}
    assert len(embedder.encoded) == 3
    # The text is there, and the rest waits behind others.
    assert run(
        database, "SELECT reviews IS NOT NULL FROM product_embeddings WHERE product_id = 1 AND space_id = 2"
    ) == [(True,)]
    assert run(database, JOBS, space.id) == [("queued", 1, False)]
    settle()
    assert_blocks(database, space)


def test_a_product_that_is_titled_by_its_sku_has_no_title(database: Database, drain: Callable[[], int]) -> None:
    run(database, "INSERT INTO products (sku, title) VALUES ('B00X1', 'B00X1'), ('B00X2', 'Boot')")
    drain()
    assert run(database, "SELECT product_id, text IS NULL FROM product_embeddings ORDER BY 1") == [
        (1, True),
        (2, False),
    ]
    run(database, "UPDATE products SET title = 'A boot after all' WHERE sku = 'B00X1'")
    drain()
    assert run(database, "SELECT count(text) FROM product_embeddings") == [(2,)]
